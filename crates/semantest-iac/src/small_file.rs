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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("project");
        fs::create_dir(&root).expect("a folder");
        fs::write(folder.path().join("outside"), "hush").expect("a file");
        fs::write(root.join("inside"), "text").expect("a file");
        std::os::unix::fs::symlink("../outside", root.join("link")).expect("a link");
        std::os::unix::fs::symlink("inside", root.join("alias")).expect("a link");
        for (path, said) in [
            ("gone", "create it, or correct its path"),
            ("../outside", "without `..`"),
            ("/etc/passwd", "inside the project folder"),
            ("", "inside the project folder"),
            ("a\0b", "inside the project folder"),
            ("link", "a link out of the project"),
            (".", "no file"),
        ] {
            let why = read(&root, path).expect_err(path);
            assert!(why.contains(said) && !why.contains("hush"), "{path:?}: {why}");
        }
        for path in ["inside", "./inside", "alias"] {
            assert_eq!(read(&root, path), Ok(b"text".to_vec()), "{path}");
        }
    }
}
