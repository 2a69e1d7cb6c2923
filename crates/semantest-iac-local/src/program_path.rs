//! Where a program is on this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program that `name` stands for in `search_path` (as `PATH` has it).
pub(crate) fn in_search_path(name: &str, search_path: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(search_path).filter(|folder| !folder.as_os_str().is_empty());
    folders.map(|folder| folder.join(name)).find(|path| is_executable(path))
}

/// Whether there is a file that somebody may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
