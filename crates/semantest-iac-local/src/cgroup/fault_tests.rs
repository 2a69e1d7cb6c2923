//! What is made of a hierarchy that is not as it should be: a folder that looks like one. That limits are kept is shown by a kernel
//! alone (docs/decisions/0027).

use std::fs;
use std::path::{Path, PathBuf};

use super::delegation::{Base, Hierarchy};
use super::memory_limits::{MemoryLimits, is_ours, name};

/// A folder with a group in a group, as `systemd --user` has them.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        let fake = Self(tempfile::tempdir().expect("a folder"));
        for group in ["", "app.slice", "app.slice/run.scope"] {
            fs::create_dir_all(fake.path(group)).expect("a group");
            fake.write(group, "cgroup.controllers", "cpu memory pids\n");
            fake.write(group, "cgroup.subtree_control", "\n");
            fake.write(group, "cgroup.procs", "");
            fake.write(group, "cgroup.type", "domain\n");
        }
        fake.write("app.slice/run.scope", "cgroup.procs", &format!("{}\n", std::process::id()));
        fake
    }

    fn path(&self, group: &str) -> PathBuf {
        self.0.path().join(group)
    }

    fn write(&self, group: &str, file: &str, text: &str) {
        fs::write(self.path(group).join(file), text).expect("written");
    }

    fn hierarchy(&self) -> Result<Hierarchy, String> {
        Hierarchy::at(self.0.path(), "1:name=systemd:/elsewhere\n0::/app.slice/run.scope\n")
    }

    fn base(&self) -> Result<Base, String> {
        self.hierarchy().expect("a hierarchy").base()
    }
}

#[test]
fn without_a_hierarchy_or_a_group_in_it_that_is_said() {
    let fake = Fake::new();
    let why = Hierarchy::at(Path::new("/nowhere"), "0::/").expect_err("none");
    assert_eq!(why, "this system has no cgroup v2 at /nowhere");
    for told in
        ["", "0::/gone.scope", "0::/app.slice/run.scope (deleted)", "0::/../../outside", "4:memory:/a"]
    {
        let why = Hierarchy::at(fake.0.path(), told).expect_err(told);
        assert!(why.starts_with("this process is in no cgroup under "), "{told}: {why}");
    }
}

#[test]
fn a_group_with_other_processes_is_left_alone_and_one_above_serves_only_if_it_limits_already() {
    let fake = Fake::new();
    assert_eq!(fake.base(), Ok(Base::Own(fake.path("app.slice/run.scope"))), "alone");
    fake.write("app.slice/run.scope", "cgroup.procs", &format!("1\n{}\n", std::process::id()));
    let why = fake.base().expect_err("not alone");
    assert!(why.starts_with("other processes are in ") && why.ends_with("/app.slice/run.scope too"), "{why}");
    fake.write("app.slice", "cgroup.subtree_control", "cpu memory\n");
    assert_eq!(fake.base(), Ok(Base::Ready(fake.path("app.slice"))));
    fake.write("app.slice", "cgroup.subtree_control", "cpu\n");
    fake.write("app.slice/run.scope", "cgroup.controllers", "cpu pids\n");
    let why = fake.base().expect_err("no controller");
    assert!(why.ends_with("/app.slice/run.scope has no memory controller"), "{why}");
    fs::remove_file(fake.path("app.slice/run.scope/cgroup.procs")).expect("removed");
    let why = fake.base().expect_err("not to be written");
    assert!(why.ends_with("/app.slice/run.scope is not delegated to this user"), "{why}");
}

#[test]
fn where_the_kernel_takes_no_limit_memory_is_looked_at_and_nothing_is_left() {
    let (fake, state_dir) = (Fake::new(), tempfile::tempdir().expect("a folder"));
    fake.write("app.slice", "cgroup.subtree_control", "memory\n");
    fake.write("app.slice/run.scope", "cgroup.procs", "1\n");
    let tree = fake.path("app.slice").join(name(state_dir.path()));
    let limits = MemoryLimits::new(state_dir.path(), fake.hierarchy());
    // A folder of a file system has no files that appear by themselves.
    assert!(limits.words().contains("cgroup.subtree_control") && !tree.exists(), "{}", limits.words());
    fs::create_dir(&tree).expect("a folder");
    fs::write(tree.join("cgroup.subtree_control"), "memory").expect("written");
    assert!(limits.group(128).is_none(), "it has no memory.max");
    assert!(limits.words().contains("without a cgroup") && limits.words().contains("memory.max"));
    let left: Vec<_> =
        fs::read_dir(&tree).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["cgroup.subtree_control"]);
}

#[test]
fn only_a_tree_of_this_folder_is_ever_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = name(folder.path());
    let is_ours = |tree: String| is_ours(Path::new(&tree), folder.path());
    assert!(is_ours(format!("/sys/fs/cgroup/app.slice/{own}")));
    for other in [
        format!("/tmp/{own}"),
        format!("/sys/fs/cgroup/../../../home/{own}"),
        "/sys/fs/cgroup/app.slice".into(),
        "/sys/fs/cgroup/semantest-iac-0000000000000000".into(),
        String::new(),
    ] {
        assert!(!is_ours(other.clone()), "{other}");
    }
}
