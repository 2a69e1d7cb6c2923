//! Function packages: a folder becomes a zip, always the same one for the same files.

mod cache;
mod listing;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::project::Package;
use semantest_iac_core::{Error, ErrorKind, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::composition::archive::{self, UNPACKED_LIMIT};
use crate::project_path::{self, NoPath};

use cache::Cache;
pub use cache::fingerprint;
pub use listing::is_never_code;
use listing::{Listed, list};
pub(crate) use program::program;

const OPERATION: &str = "project.package";

/// The package of `code`, a folder or zip inside the project folder `root`. The same files give the same bytes:
/// entries are sorted, times and modes are not those of the files. A zip is passed on as it is.
///
/// # Errors
/// `InvalidProject` naming what cannot be packaged; `Storage` where it cannot be read.
pub fn package(root: &Path, code: &str) -> Result<Vec<u8>> {
    pack(root, code, &LeftOut::new())
}

/// Files that are not packed, links followed.
type LeftOut = BTreeSet<PathBuf>;

fn pack(root: &Path, code: &str, left_out: &LeftOut) -> Result<Vec<u8>> {
    match source(root, code)? {
        Source::Folder(folder) => zip_folder(code, &list(code, &folder, left_out)?),
        Source::Zip(file) => read_zip(code, &file),
    }
}

/// Puts the package of `code` into `artifacts`, without the files that are `left_out` (relative to `root`). What was packaged before and has not been touched since is not read
/// again: `cache_dir` remembers it.
///
/// # Errors
/// As [`package`], and those of `artifacts`.
pub async fn package_into(
    root: &Path,
    code: &str,
    left_out: &BTreeSet<String>,
    cache_dir: &Path,
    artifacts: &dyn ArtifactStore,
) -> Result<Package> {
    let (root, code) = (root.to_owned(), code.to_owned());
    let left_out = left_out.iter().filter_map(|path| project_path::resolve(&root, path).ok());
    let left_out: Arc<LeftOut> = Arc::new(left_out.collect());
    let seen = {
        let (root, code, left_out) = (root.clone(), code.clone(), left_out.clone());
        blocking(move || cache::look(&root, &code, &left_out)).await?
    };
    let cache = Cache::of(cache_dir);
    if let Some(address) = cache.get(&code, &seen.fingerprint)
        && artifacts.contains(&address).await?
    {
        return Ok(seen.package(address));
    }
    let bytes = {
        let code = code.clone();
        blocking(move || pack(&root, &code, &left_out)).await?
    };
    let address = artifacts.put(bytes).await?;
    // Files written a moment ago could be written again without a trace in their times.
    if seen.settled {
        cache.put(&code, &seen.fingerprint, &address);
    }
    Ok(seen.package(address))
}

enum Source {
    Folder(PathBuf),
    Zip(PathBuf),
}

/// Where the code lies: inside the project folder, links followed.
fn source(root: &Path, code: &str) -> Result<Source> {
    let found = project_path::resolve(root, code).map_err(|why| match why {
        NoPath::Outside => invalid(code, "must be a path inside the project folder, without `..`"),
        NoPath::LinksOut => invalid(code, "is a link out of the project folder"),
        NoPath::Missing => {
            invalid(code, "does not exist: create it, or correct its path in the project file")
        }
        NoPath::Unreadable(path, error) => unreadable(&path, error),
    })?;
    match fs::metadata(&found).map_err(|error| unreadable(&found, error))? {
        metadata if metadata.is_dir() => Ok(Source::Folder(found)),
        metadata if metadata.is_file() => Ok(Source::Zip(found)),
        _ => Err(invalid(code, "is neither a folder nor a zip")),
    }
}

fn zip_folder(code: &str, files: &[Listed]) -> Result<Vec<u8>> {
    if files.is_empty() {
        return Err(invalid(code, "has no files"));
    }
    check_files(code, files)?;
    let failed = |error: zip::result::ZipError| {
        Error::new(ErrorKind::Internal, OPERATION, format!("`{code}` could not be packed: {error}"))
    };
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let content = fs::read(&file.path).map_err(|error| unreadable(&file.path, error))?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(if file.executable { 0o755 } else { 0o644 });
        writer.start_file(file.name.as_str(), options).map_err(failed)?;
        writer.write_all(&content).map_err(|error| unreadable(&file.path, error))?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

/// What is packed must be possible to unpack.
fn check_files(code: &str, files: &[Listed]) -> Result<()> {
    if files.len() > archive::ENTRY_LIMIT {
        return Err(invalid(
            code,
            &format!("has {} files; {} are the most", files.len(), archive::ENTRY_LIMIT),
        ));
    }
    for file in files {
        archive::check_name(&file.name).map_err(|error| unpackable(code, &error))?;
    }
    check_size(code, files)
}

fn unpackable(code: &str, error: &Error) -> Error {
    let entry = error.context().iter().find(|(key, _)| key == "entry").map(|(_, entry)| entry.clone());
    let error = invalid(code, &format!("cannot be used: {}", error.message()));
    entry.into_iter().fold(error, |error, entry| error.with("entry", entry))
}

fn check_size(code: &str, files: &[Listed]) -> Result<()> {
    let total: u64 = files.iter().map(|file| file.size).sum();
    if total <= UNPACKED_LIMIT {
        return Ok(());
    }
    let mut folders = std::collections::BTreeMap::<&str, u64>::new();
    for file in files {
        let top = file.name.split_once('/').map_or(file.name.as_str(), |(top, _)| top);
        *folders.entry(top).or_default() += file.size;
    }
    let mut largest: Vec<_> = folders.into_iter().collect();
    largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let largest = largest
        .iter()
        .filter(|(_, size)| *size >> 20 > 0)
        .take(3)
        .map(|(name, size)| format!("{name} ({} MB)", size >> 20));
    let text = format!(
        "has {} MB of files; {} MB is the most. Largest: {}",
        total >> 20,
        UNPACKED_LIMIT >> 20,
        largest.collect::<Vec<_>>().join(", ")
    );
    Err(invalid(code, &text))
}

fn read_zip(code: &str, file: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(file).map_err(|error| unreadable(file, error))?.len();
    if size > UNPACKED_LIMIT {
        return Err(invalid(code, &format!("is larger than {} MB", UNPACKED_LIMIT >> 20)));
    }
    let bytes = fs::read(file).map_err(|error| unreadable(file, error))?;
    let names = archive::check(&bytes).map_err(|error| unpackable(code, &error))?;
    if names.is_empty() {
        return Err(invalid(code, "has no files"));
    }
    Ok(bytes)
}

/// What the directory of a zip names, and how many bytes that takes unzipped, where the directory says so; nothing else is
/// read.
fn zip_names(code: &str, file: &Path) -> Result<(Vec<String>, Option<u64>)> {
    let opened = fs::File::open(file).map_err(|error| unreadable(file, error))?;
    let archive = ZipArchive::new(opened).map_err(|error| {
        invalid(code, &format!("is neither a folder nor a zip that can be read: {error}"))
    })?;
    let names = archive.file_names().filter_map(|name| name.ok());
    let names = names.map(|name| name.trim_start_matches("./").to_owned()).collect();
    Ok((names, archive.decompressed_size().and_then(|size| u64::try_from(size).ok())))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, OPERATION, error.to_string())))
}

fn invalid(code: &str, why: &str) -> Error {
    let code = code.escape_debug().to_string();
    Error::new(ErrorKind::InvalidProject, OPERATION, format!("code `{code}` {why}")).with("code", code)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let text = format!("`{}` cannot be read", path.display());
    Error::new(ErrorKind::Storage, OPERATION, text).with("path", path.display()).caused_by(error)
}

#[cfg(test)]
mod tests;
