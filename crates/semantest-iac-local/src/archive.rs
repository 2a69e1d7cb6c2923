//! Unpacks function packages. Nothing in a package is trusted.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use semantest_iac_core::{Error, ErrorKind, Result};
use zip::ZipArchive;
use zip::read::ZipFile;

/// At most this many bytes unpacked, as Lambda has it.
pub const UNPACKED_LIMIT: u64 = 250 * 1024 * 1024;

/// At most this many entries.
pub const ENTRY_LIMIT: usize = 100_000;

/// Deepest folder.
const DEPTH_LIMIT: usize = 64;

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files written.
    pub files: usize,
    /// Their size together.
    pub bytes: u64,
}

/// Unpacks the zip in `bytes` into `to`, which must be empty or absent. On an error `to` may hold a part.
///
/// # Errors
/// `InvalidInput` naming the entry that is not wanted; `Storage` where `to` cannot be written.
pub fn unpack(bytes: &[u8], to: &Path) -> Result<Unpacked> {
    unpack_within(bytes, to, UNPACKED_LIMIT)
}

fn unpack_within(bytes: &[u8], to: &Path, limit: u64) -> Result<Unpacked> {
    fs::create_dir_all(to).map_err(|error| unwritable(to, error))?;
    let mut unpacked = Unpacked::default();
    walk(bytes, |name, path, entry| {
        let path = to.join(path);
        let Some(entry) = entry else {
            return fs::create_dir_all(&path).map_err(|error| unwritable_entry(name, error));
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| unwritable_entry(name, error))?;
        }
        let mut file = create(name, &path, entry.executable())?;
        unpacked.bytes += copy_entry(name, entry, &mut file, limit - unpacked.bytes, limit)?;
        unpacked.files += 1;
        Ok(())
    })?;
    Ok(unpacked)
}

/// Reads the zip in `bytes` as [`unpack`] would, writes nothing, and gives the names of its files.
///
/// # Errors
/// Whatever would keep [`unpack`] from unpacking it.
pub fn check(bytes: &[u8]) -> Result<Vec<String>> {
    let (mut names, mut read) = (Vec::new(), 0);
    walk(bytes, |name, path, entry| {
        if let Some(entry) = entry {
            read += copy_entry(name, entry, &mut io::sink(), UNPACKED_LIMIT - read, UNPACKED_LIMIT)?;
            names.push(path.to_string_lossy().into_owned());
        }
        Ok(())
    })?;
    Ok(names)
}

/// Checks that a file of this name (relative, with `/`) could be unpacked again.
///
/// # Errors
/// `InvalidInput` saying what is wrong with it.
pub fn check_name(name: &str) -> Result<()> {
    safe_path(name).map(drop)
}

/// Shows `each` entry in turn: its name, its path, and what to read where it is a file.
fn walk(
    bytes: &[u8],
    mut each: impl FnMut(&str, &Path, Option<&mut ZipFile<'_, Cursor<&[u8]>>>) -> Result<()>,
) -> Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| refused(format!("the package is not a zip that can be read: {error}")))?;
    check_whole(&mut archive)?;
    let mut tree = Tree::default();
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| refused(format!("entry {index} of the package cannot be read: {error}")))?;
        let name = entry_name(&entry)?;
        let path = safe_path(&name)?;
        if entry.is_symlink() {
            return Err(refused_entry(&name, "is a symbolic link; package the file itself instead"));
        }
        tree.add(&name, &path, entry.is_dir())?;
        if entry.is_dir() {
            each(&name, &path, None)?;
        } else {
            each(&name, &path, Some(&mut entry))?;
        }
    }
    Ok(())
}

/// What lies where: nothing can be a file and a folder.
#[derive(Default)]
struct Tree {
    files: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
}

impl Tree {
    fn add(&mut self, name: &str, path: &Path, is_folder: bool) -> Result<()> {
        let both = || refused_entry(name, "is or lies in something that is both a file and a folder");
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            if self.files.contains(folder) {
                return Err(both());
            }
            self.folders.insert(folder.to_owned());
        }
        if is_folder {
            self.folders.insert(path.to_owned());
            return if self.files.contains(path) { Err(both()) } else { Ok(()) };
        }
        if self.folders.contains(path) {
            return Err(both());
        }
        match self.files.insert(path.to_owned()) {
            true => Ok(()),
            false => Err(refused_entry(name, "is in the package twice")),
        }
    }
}

/// What the directory of the zip says as a whole.
fn check_whole(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<()> {
    if archive.len() > ENTRY_LIMIT {
        return Err(refused(format!("the package has {} entries; {ENTRY_LIMIT} is the most", archive.len())));
    }
    if archive.has_duplicate_names() {
        return Err(refused("the package names an entry twice".into()));
    }
    match archive.has_overlapping_entries() {
        Ok(false) => Ok(()),
        Ok(true) => Err(refused("entries of the package overlap".into())),
        Err(error) => Err(refused(format!("the package is not a zip that can be read: {error}"))),
    }
}

fn entry_name<R: Read>(entry: &ZipFile<'_, R>) -> Result<String> {
    match std::str::from_utf8(entry.name_raw()) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => {
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            Err(refused_entry(&name, "has a name that is not UTF-8"))
        }
    }
}

/// The relative path an entry may be written to.
fn safe_path(name: &str) -> Result<PathBuf> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    let why = match name {
        _ if name.chars().any(char::is_control) => "has a control character in its name",
        _ if name.contains('\\') => "has a backslash in its name",
        _ if drive => "names a Windows drive",
        _ if name.starts_with('/') => "has an absolute path",
        _ if name.split('/').any(|part| part == "..") => "leads out of the package",
        _ if name.split('/').any(|part| part.len() > 255) => "has a name that is too long",
        _ if name.split('/').count() > DEPTH_LIMIT => "lies too deep",
        _ => {
            let parts = name.split('/').filter(|part| !part.is_empty() && *part != ".");
            let path: PathBuf = parts.collect();
            match path.as_os_str().is_empty() && !name.ends_with('/') {
                true => "has no name",
                false => return Ok(path),
            }
        }
    };
    Err(refused_entry(name, why))
}

/// Counts what is really read: the size that a package claims is not believed.
fn copy_entry(name: &str, entry: &mut impl Read, to: &mut impl Write, left: u64, limit: u64) -> Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut copied = 0;
    loop {
        let count = entry
            .read(&mut buffer)
            .map_err(|error| refused_entry(name, &format!("cannot be unpacked: {error}")))?;
        if count == 0 {
            return Ok(copied);
        }
        copied += count as u64;
        if copied > left {
            let text = format!("the package is larger than {} MB unpacked", limit / (1024 * 1024));
            return Err(refused(text).with("entry", name.escape_debug()));
        }
        to.write_all(&buffer[..count]).map_err(|error| unwritable_entry(name, error))?;
    }
}

trait EntryRead: Read {
    /// Whether its owner may run it: all that is kept of its mode.
    fn executable(&self) -> bool;
}

impl<R: Read> EntryRead for ZipFile<'_, R> {
    fn executable(&self) -> bool {
        self.unix_mode().is_some_and(|mode| mode & 0o100 != 0)
    }
}

fn create(name: &str, path: &Path, executable: bool) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if executable { 0o755 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => refused_entry(name, "is in the package twice"),
        _ => unwritable_entry(name, error),
    })
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "archive.unpack", message)
}

fn refused_entry(name: &str, why: &str) -> Error {
    let shown = name.escape_debug().to_string();
    refused(format!("entry `{shown}` of the package {why}")).with("entry", shown)
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` cannot be written", path.display());
    Error::new(ErrorKind::Storage, "archive.unpack", text).caused_by(error)
}

fn unwritable_entry(name: &str, error: io::Error) -> Error {
    let shown = name.escape_debug().to_string();
    let text = format!("entry `{shown}` of the package cannot be written");
    Error::new(ErrorKind::Storage, "archive.unpack", text).with("entry", shown).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
            writer.write_all(content).expect("content");
        }
        writer.finish().expect("zip").into_inner()
    }

    #[test]
    fn bytes_are_counted_as_they_are_written() {
        let folder = tempfile::tempdir().expect("folder");
        let zeros = vec![0; 3 * 1024 * 1024];
        let bomb = zip_of(&[("a", zeros.as_slice()), ("b", zeros.as_slice())]);
        assert!(bomb.len() < 100_000, "it is small packed");
        let error = unpack_within(&bomb, folder.path(), 4 * 1024 * 1024).expect_err("a bomb");
        assert!(error.message().contains("larger than 4 MB"), "{error:?}");
        assert_eq!(error.context()[0], ("entry".to_owned(), "b".to_owned()));
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for name in ["../x", "a/../../x", "/etc/x", "C:\\x", "C:x", "a\\b", "a\0b", "a\nb", "", "."] {
            let error = safe_path(name).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains(&name.escape_debug().to_string()), "{error:?}");
        }
        assert_eq!(safe_path("./a//b.js").expect("fine"), Path::new("a/b.js"));
    }
}
