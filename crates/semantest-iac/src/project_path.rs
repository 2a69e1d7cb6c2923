//! Paths that a project file names: inside the project's folder, links followed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a path cannot be used.
#[derive(Debug)]
pub(crate) enum NoPath {
    /// It is absolute, has `..` in it, or is none at all.
    Outside,
    /// A link in it leads out of the project.
    LinksOut,
    /// Nothing is there.
    Missing,
    /// What is there cannot be looked at.
    Unreadable(PathBuf, io::Error),
}

/// Where `relative` is, under the project's folder `root`.
pub(crate) fn resolve(root: &Path, relative: &str) -> Result<PathBuf, NoPath> {
    let path = Path::new(relative);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if relative.is_empty() || relative.contains('\0') || !path.components().all(plain) {
        return Err(NoPath::Outside);
    }
    let unreadable = |path: &Path, error| NoPath::Unreadable(path.to_owned(), error);
    let root = fs::canonicalize(root).map_err(|error| unreadable(root, error))?;
    let found = fs::canonicalize(root.join(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NoPath::Missing,
        _ => unreadable(&root.join(path), error),
    })?;
    if found.starts_with(&root) { Ok(found) } else { Err(NoPath::LinksOut) }
}
