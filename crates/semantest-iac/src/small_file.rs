//! Small files that the project file names, such as key sets.

use std::fs;
use std::path::Path;

use crate::project_path::{self, NoPath};

/// Largest of them, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// The bytes of the file at `path`, inside the project folder `root`; links out of it are not followed.
///
/// # Errors
/// What is wrong, in words that begin with the path; nothing of what the file holds.
pub(crate) fn read(root: &Path, path: &str) -> Result<Vec<u8>, String> {
    let shown = path.escape_debug();
    let unreadable = |error| format!("`{shown}` cannot be read: {error}");
    let found = project_path::resolve(root, path).map_err(|why| match why {
        NoPath::Outside => format!("`{shown}` must be a path inside the project folder, without `..`"),
        NoPath::LinksOut => format!("`{shown}` is a link out of the project folder"),
        NoPath::Missing => format!("`{shown}` does not exist: create it, or correct its path"),
        NoPath::Unreadable(_, error) => unreadable(error),
    })?;
    let about = fs::metadata(&found).map_err(unreadable)?;
    if !about.is_file() || about.len() > SIZE_LIMIT {
        return Err(format!("`{shown}` is no file of at most 1 MiB"));
    }
    fs::read(&found).map_err(unreadable)
}
