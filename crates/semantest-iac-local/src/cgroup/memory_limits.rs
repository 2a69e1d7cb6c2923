//! How the memory of what a host runs is limited: by cgroups, or by looking at processes.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::delegation::{Base, Hierarchy};
use super::memory_cgroup::{Leaving, MemoryCgroup, children, clear};
use super::{MOUNT, lists, write};
use crate::host::process::real;
use crate::host::registry::write_atomically;

/// The group of the host itself, within its tree.
const HOST: &str = "host";
/// So often what a former host has left is looked at again, and with this pause.
const ROUNDS: usize = 50;
const PAUSE: Duration = Duration::from_millis(2);

/// The groups of one host: a tree of its own, `semantest-iac-<digest of its folder>`, with a group for each worker and replica.
pub(crate) struct MemoryLimits {
    state_dir: PathBuf,
    hierarchy: Result<Hierarchy, String>,
    tree: Mutex<Result<PathBuf, String>>,
    leaving: Leaving,
}

impl MemoryLimits {
    /// Of the host of `state_dir`, which is this process. What the one before has left is taken away.
    pub async fn of_host(state_dir: &Path) -> Arc<Self> {
        clear_former(state_dir).await;
        Arc::new(Self::new(state_dir, Hierarchy::of_this_process()))
    }

    /// No groups, for this reason.
    #[cfg(test)]
    pub fn without(why: &str) -> Self {
        Self::new(Path::new("/nowhere"), Err(why.to_owned()))
    }

    pub(super) fn new(state_dir: &Path, hierarchy: Result<Hierarchy, String>) -> Self {
        let limits = Self {
            state_dir: state_dir.to_owned(),
            hierarchy,
            tree: Mutex::new(Err(String::new())),
            leaving: Leaving::default(),
        };
        limits.set_up(&mut limits.tree());
        limits
    }

    fn tree(&self) -> MutexGuard<'_, Result<PathBuf, String>> {
        self.tree.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn set_up(&self, tree: &mut Result<PathBuf, String>) {
        let hierarchy = self.hierarchy.as_ref().map_err(Clone::clone);
        let made = hierarchy.and_then(|hierarchy| {
            let base = hierarchy.base()?;
            make_tree(&base, &name(&self.state_dir)).map_err(|error| error.to_string())
        });
        if let Ok(made) = &made
            && let Err(error) =
                write_atomically(&record(&self.state_dir), made.as_os_str().as_encoded_bytes())
        {
            eprintln!("where the cgroups of this host are cannot be noted: {error}");
        }
        *tree = made;
    }

    /// A group for something that may have so many MiB; nothing where that has to be looked after in another way. What stood in
    /// the way may have gone meanwhile, such as the command that started the host: it is tried again each time.
    pub fn group(&self, memory_mb: u32) -> Option<MemoryCgroup> {
        let mut tree = self.tree();
        if tree.is_err() {
            self.set_up(&mut tree);
        }
        let path = tree.as_ref().ok()?.join(format!("run-{}", uuid::Uuid::new_v4().simple()));
        match MemoryCgroup::make(path, memory_mb, self.leaving.clone()) {
            Ok(group) => Some(group),
            Err(error) => {
                eprintln!("memory is limited without a cgroup: {error}");
                *tree = Err(error.to_string());
                None
            }
        }
    }

    /// Takes away what could not be taken away before.
    pub fn sweep(&self) {
        self.leaving.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|group| !clear(group));
    }

    /// How limits are kept now, and why.
    pub fn words(&self) -> String {
        match &*self.tree() {
            Ok(tree) => by_cgroup(tree),
            Err(why) => by_looking(why),
        }
    }

    /// Takes all of it away at the end, but for the group that the host itself may be in.
    pub async fn end(&self) {
        let tree = self.tree().as_ref().ok().cloned();
        if let Some(tree) = tree
            && clear_tree(&tree).await
        {
            let _ = fs::remove_file(record(&self.state_dir));
        }
    }
}

/// How a host would keep limits that is started by a process like this one.
pub(crate) fn words_here() -> String {
    match Hierarchy::of_this_process().and_then(|hierarchy| hierarchy.base()) {
        Ok(Base::Ready(group)) => by_cgroup(&group),
        Ok(Base::Own(group)) => {
            format!("{}, once the command that starts the host has ended", by_cgroup(&group))
        }
        Err(why) => by_looking(&why),
    }
}

fn by_cgroup(group: &Path) -> String {
    format!("kept by the kernel (cgroup v2, {})", group.display())
}

fn by_looking(why: &str) -> String {
    let mut words = format!("kept by looking at processes every so often, without a cgroup: {why}");
    if Path::new("/run/systemd/system").is_dir() {
        words += "; a host that is started by `systemd-run --user --scope -p Delegate=yes semantest-iac deploy` has one";
    }
    words
}

/// Takes the groups away that a host of `state_dir` has left, with all that is in them. Only while no other one runs.
pub(crate) async fn clear_former(state_dir: &Path) {
    let Ok(noted) = fs::read_to_string(record(state_dir)) else { return };
    let tree = PathBuf::from(noted);
    if is_ours(&tree, state_dir) && clear_tree(&tree).await {
        let _ = fs::remove_file(record(state_dir));
    }
}

/// Takes a tree away, but for the groups that this process is in; whether nothing is left of it.
async fn clear_tree(tree: &Path) -> bool {
    let hierarchy = Hierarchy::of_this_process();
    let is_elsewhere = |group: &PathBuf| hierarchy.as_ref().is_ok_and(|hierarchy| !hierarchy.is_in(group));
    for _ in 0..ROUNDS {
        let left = children(tree).filter(is_elsewhere).filter(|group| !clear(group));
        if left.count() == 0 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    fs::remove_dir(tree).is_ok() || !tree.exists()
}

/// Where it is noted which tree a host has made: the next one may be in another group.
fn record(state_dir: &Path) -> PathBuf {
    state_dir.join("cgroup")
}

/// No two folders have the same.
pub(super) fn name(state_dir: &Path) -> String {
    let digest = Sha256::digest(real(state_dir).as_os_str().as_encoded_bytes());
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("semantest-iac-{digits}")
}

/// What is noted may have been changed, or copied with the folder.
pub(super) fn is_ours(tree: &Path, state_dir: &Path) -> bool {
    let plain = |part: Component| matches!(part, Component::Normal(_) | Component::RootDir);
    let has_name = tree.file_name().and_then(|name| name.to_str()) == Some(name(state_dir).as_str());
    tree.starts_with(MOUNT) && tree.components().all(plain) && has_name
}

fn make_tree(base: &Base, name: &str) -> io::Result<PathBuf> {
    let (Base::Ready(group) | Base::Own(group)) = base;
    let tree = group.join(name);
    made(&tree)?;
    let result = enabled(base, group, &tree).and_then(|()| enable(&tree));
    if result.is_err() {
        let _ = fs::remove_dir(&tree);
    }
    result.map(|()| tree)
}

/// Has children of `group` limited, after the host has made room where it is in it.
fn enabled(base: &Base, group: &Path, tree: &Path) -> io::Result<()> {
    if matches!(base, Base::Ready(_)) {
        return enable(group);
    }
    let (host, process) = (tree.join(HOST), std::process::id().to_string());
    made(&host)?;
    let entered = write(&host.join("cgroup.procs"), &process).and_then(|()| enable(group));
    if entered.is_err() {
        // Another process may have come into the group meanwhile.
        let _ = write(&group.join("cgroup.procs"), &process);
        let _ = fs::remove_dir(&host);
    }
    entered
}

fn enable(group: &Path) -> io::Result<()> {
    let file = group.join("cgroup.subtree_control");
    if lists(&file, "memory") { Ok(()) } else { write(&file, "+memory") }
}

fn made(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
