//! What of a folder goes into its package.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use semantest_iac_core::Result;

use super::{LeftOut, invalid, unreadable};

/// Never code.
const SKIPPED: [&str; 5] = [".git", "__pycache__", ".semantest", ".DS_Store", ".venv"];

/// Whether a file or folder of this name, anywhere in the code, is left out of packages.
pub fn is_never_code(name: &str) -> bool {
    SKIPPED.contains(&name)
}

/// A file of a package.
pub(super) struct Listed {
    /// Name in the package, with `/`.
    pub name: String,
    /// Where it is; links followed.
    pub path: PathBuf,
    pub size: u64,
    pub executable: bool,
    /// Changes whenever the file may have changed.
    pub stamp: String,
    /// When it was last changed, in seconds.
    pub changed_s: i64,
}

/// Every file of `folder` that is not left out, sorted by name.
pub(super) fn list(code: &str, folder: &Path, left_out: &LeftOut) -> Result<Vec<Listed>> {
    let mut walk = Walk { code, top: folder, within: vec![folder.to_owned()], files: Vec::new() };
    walk.folder(folder, "")?;
    walk.files.retain(|file| !left_out.contains(&file.path));
    walk.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(walk.files)
}

/// One file under the name it has in the package.
pub(super) fn listed(path: PathBuf, name: String) -> Result<Listed> {
    let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
    let stamp = format!(
        "{}:{}.{}:{}.{}:{:o}:{}",
        metadata.size(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.mode(),
        metadata.ino(),
    );
    Ok(Listed {
        size: metadata.size(),
        executable: metadata.mode() & 0o100 != 0,
        changed_s: metadata.ctime().max(metadata.mtime()),
        name,
        path,
        stamp,
    })
}

struct Walk<'a> {
    code: &'a str,
    top: &'a Path,
    /// Real folders from the top to here: a link to one of them would never end.
    within: Vec<PathBuf>,
    files: Vec<Listed>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let entry = entry.map_err(|error| unreadable(folder, error))?;
            let file_name = entry.file_name();
            let Some(own) = file_name.to_str() else {
                let why =
                    format!("has a file whose name is not UTF-8: {prefix}{}", file_name.to_string_lossy());
                return Err(invalid(self.code, &why));
            };
            if !is_never_code(own) {
                self.entry(&entry.path(), format!("{prefix}{own}"))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String) -> Result<()> {
        let link = fs::symlink_metadata(path).map_err(|error| unreadable(path, error))?.is_symlink();
        let path = if link { self.follow(path, &name)? } else { path.to_owned() };
        let metadata = fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
        if metadata.is_dir() {
            if self.within.contains(&path) {
                return Err(invalid(self.code, &format!("has a link to a folder around it: {name}")));
            }
            self.within.push(path.clone());
            self.folder(&path, &format!("{name}/"))?;
            self.within.pop();
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(invalid(self.code, &format!("has something that is no file: {name}")));
        }
        self.files.push(listed(path, name)?);
        Ok(())
    }

    fn follow(&self, path: &Path, name: &str) -> Result<PathBuf> {
        let target = fs::canonicalize(path).map_err(|error| {
            invalid(self.code, &format!("has a link that leads nowhere: {name} ({error})"))
        })?;
        match target.starts_with(self.top) {
            true => Ok(target),
            false => Err(invalid(self.code, &format!("has a link out of its folder: {name}"))),
        }
    }
}
