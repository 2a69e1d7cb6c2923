//! Small files that the project file names, such as key sets.

use std::fs;
use std::path::{Component, Path};

use semantest_iac_core::{Error, ErrorKind, Result};

/// Largest of them, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// The bytes of the file at `path`, inside the project folder `root`; links out of it are not followed.
pub(super) fn read(root: &Path, path: &str) -> Result<Vec<u8>> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || path.contains('\0') || !Path::new(path).components().all(plain) {
        return Err(invalid(path, "must be a path inside the project folder, without `..`"));
    }
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => invalid(path, "does not exist: create it, or correct its path"),
        _ => invalid(path, &format!("cannot be read: {error}")),
    };
    let root = fs::canonicalize(root).map_err(unreadable)?;
    let found = fs::canonicalize(root.join(path)).map_err(unreadable)?;
    let about = fs::metadata(&found).map_err(unreadable)?;
    if !found.starts_with(&root) || !about.is_file() || about.len() > SIZE_LIMIT {
        return Err(invalid(path, "is no file of at most 1 MiB inside the project folder"));
    }
    fs::read(&found).map_err(unreadable)
}

fn invalid(path: &str, why: &str) -> Error {
    let text = format!("file `{}` {why}", path.escape_debug());
    Error::new(ErrorKind::InvalidProject, "project.file", text)
}
