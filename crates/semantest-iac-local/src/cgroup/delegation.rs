//! Where in the hierarchy this process may make groups.

use std::fs;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, access};

use super::{MOUNT, lists};

/// The hierarchy, and the group that this process is in.
#[derive(Clone, Debug)]
pub(super) struct Hierarchy {
    mount: PathBuf,
    own: PathBuf,
}

/// A group that groups with limits may be made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Its children have limits already, or may have them at once.
    Ready(PathBuf),
    /// The group of this process, which is alone in it: no group has both processes and children with limits, so this process
    /// has to go into a child of it first.
    Own(PathBuf),
}

impl Hierarchy {
    /// As this process sees it.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn of_this_process() -> Result<Self, String> {
        let told = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::at(Path::new(MOUNT), &told)
    }

    /// `told`: what cgroups(7) has in `/proc/<id>/cgroup`.
    pub fn at(mount: &Path, told: &str) -> Result<Self, String> {
        if !mount.join("cgroup.controllers").is_file() {
            return Err(format!("this system has no cgroup v2 at {}", mount.display()));
        }
        let own = told.lines().find_map(|line| line.strip_prefix("0::/")).map(Path::new);
        // What lies outside of this process's namespace is told with `..`.
        let within = |own: &&Path| own.components().all(|part| matches!(part, Component::Normal(_)));
        let own = own.filter(within).map(|own| mount.join(own)).filter(|own| own.is_dir());
        let own = own.ok_or_else(|| format!("this process is in no cgroup under {}", mount.display()))?;
        Ok(Self { mount: mount.to_owned(), own })
    }

    /// The nearest group, from the own one upwards, that is this user's to make groups in. Of the groups above only those will do
    /// whose children have limits already: nothing is changed there.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn base(&self) -> Result<Base, String> {
        let own = &self.own;
        if !is_writable(own) {
            return Err(format!("{} is not delegated to this user", own.display()));
        }
        let above = own.ancestors().take_while(|group| group.starts_with(&self.mount) && is_writable(group));
        let mut ready = above.filter(|group| lists(&group.join("cgroup.subtree_control"), "memory"));
        let has_memory = lists(&own.join("cgroup.controllers"), "memory");
        // The rule does not hold for the root of all groups, which has no type.
        if has_memory && !own.join("cgroup.type").exists() {
            return Ok(Base::Ready(own.clone()));
        }
        if has_memory && self.is_alone() {
            return Ok(Base::Own(own.clone()));
        }
        match (ready.next(), has_memory) {
            (Some(group), _) => Ok(Base::Ready(group.to_owned())),
            (None, true) => Err(format!("other processes are in {} too", own.display())),
            (None, false) => Err(format!("{} has no memory controller", own.display())),
        }
    }

    /// Whether `group` is the own one or above it.
    pub fn is_in(&self, group: &Path) -> bool {
        self.own.starts_with(group)
    }

    fn is_alone(&self) -> bool {
        let processes = fs::read_to_string(self.own.join("cgroup.procs")).unwrap_or_default();
        let own = std::process::id().to_string();
        !processes.is_empty() && processes.split_whitespace().all(|process| process == own)
    }
}

/// Whether groups may be made in it and processes brought into them.
fn is_writable(group: &Path) -> bool {
    let may_write = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    may_write(group) && may_write(&group.join("cgroup.procs"))
}
