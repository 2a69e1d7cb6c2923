//! Files, with words for what failed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// A file's text.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A folder with nothing in it.
pub(crate) fn fresh(folder: &Path) -> Result<PathBuf, String> {
    let said = |error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(said)?;
    }
    fs::create_dir_all(folder).map_err(said)?;
    Ok(folder.to_owned())
}

/// Copies a file, or all that is in a folder, but for what was installed or is an editor's.
pub(crate) fn copied(from: &Path, to: &Path) -> Outcome {
    if !from.is_dir() {
        let copied = fs::copy(from, to);
        return copied.map(drop).map_err(|error| format!("{}: {error}", from.display()));
    }
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for entry in entries(from)? {
        match entry.file_name() {
            Some(name) if name != "node_modules" => copied(&entry, &to.join(name))?,
            _ => {}
        }
    }
    Ok(())
}

/// What is in a folder, in order.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}
