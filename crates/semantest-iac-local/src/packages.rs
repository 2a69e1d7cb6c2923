//! Unpacked packages, a folder each, named after their content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use semantest_iac_core::domain::compute::function_layer::UNZIPPED_LIMIT;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use crate::archive::unpack;
use crate::error::disk;
use crate::host::registry::write_atomically;
use crate::layers;

const OPERATION: &str = "local.packages";

/// Ending of the list of a package's files.
const LIST: &str = ".files";

/// So many files are written to disk together.
#[cfg(target_os = "linux")]
const MANY: usize = 64;

/// Sizes of files in bytes, by path.
type Files = BTreeMap<PathBuf, u64>;

/// Where unpacked packages lie.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("packages")
}

/// `<state_dir>/packages/<sha256>/`, and beside it `<sha256>.files`: what is in it, written once all of it is on disk.
pub(crate) struct Packages {
    state_dir: PathBuf,
}

/// Keeps others from taking packages away (shared), or from starting to use them (exclusive), also in other
/// processes, until dropped.
pub(crate) struct PackagesLock(#[allow(dead_code, reason = "held, not read")] File);

impl Packages {
    pub fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned() }
    }

    fn folder(&self) -> PathBuf {
        folder(&self.state_dir)
    }

    /// Whether every file of the package is there, in its size.
    pub fn is_whole(&self, sha256: &str) -> bool {
        is_whole(&self.folder().join(sha256))
    }

    /// Held from unpacking a package until the host knows of it.
    pub async fn using(&self) -> Result<PackagesLock> {
        self.lock(File::lock_shared).await
    }

    /// Held while packages are taken away.
    pub async fn sweeping(&self) -> Result<PackagesLock> {
        self.lock(File::lock).await
    }

    async fn lock(&self, lock: fn(&File) -> io::Result<()>) -> Result<PackagesLock> {
        let path = self.state_dir.join("packages.lock");
        blocking(move || locked(&path, lock)).await
    }

    /// The folder with the package's files, unpacked where it is not whole.
    pub async fn unpacked(&self, sha256: &str, artifacts: &dyn ArtifactStore) -> Result<PathBuf> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            let text = format!("`{}` is not the address of a package", sha256.escape_debug());
            return Err(Error::new(ErrorKind::InvalidInput, OPERATION, text));
        }
        let target = self.folder().join(sha256);
        if is_whole(&target) {
            return Ok(target);
        }
        let bytes = artifacts.get(sha256).await?;
        self.make(target, move |draft| unpack(&bytes, draft).map(drop)).await
    }

    /// Unpacks `layers` and brings them together in one folder, which is called [`layers::merged`]; where it is whole,
    /// nothing is done.
    pub async fn unpack_layers(&self, layers: &[String], artifacts: &dyn ArtifactStore) -> Result<()> {
        let Some(name) = layers::merged(layers) else { return Ok(()) };
        let target = self.folder().join(name);
        if is_whole(&target) {
            return Ok(());
        }
        let mut folders = Vec::new();
        for layer in layers {
            folders.push(self.unpacked(layer, artifacts).await?);
        }
        let merge = move |draft: &Path| {
            let laid = folders.iter().try_for_each(|folder| layers::lay_over(folder, draft));
            laid.map_err(|error| disk(OPERATION, draft, error))
        };
        self.make(target, merge).await.map(drop)
    }

    /// Checks that unpacked packages are together no larger than a function and its layers may be: an archive need not say
    /// beforehand how large it is.
    ///
    /// # Errors
    /// `InvalidInput`.
    pub fn check_size<'a>(&self, packages: impl Iterator<Item = &'a String>) -> Result<()> {
        let sizes = packages.filter_map(|package| listed(&self.folder().join(package)));
        let total: u64 = sizes.flat_map(Files::into_values).sum();
        if total <= UNZIPPED_LIMIT {
            return Ok(());
        }
        let text = format!(
            "the function and its layers have {} MB of files; {} MB is the most",
            total >> 20,
            UNZIPPED_LIMIT >> 20
        );
        Err(Error::new(ErrorKind::InvalidInput, OPERATION, text).with("field", "layers"))
    }

    /// Has `fill` make what is to be at `target`, where that is not whole.
    async fn make(
        &self,
        target: PathBuf,
        fill: impl FnOnce(&Path) -> Result<()> + Send + 'static,
    ) -> Result<PathBuf> {
        let name = target.file_name().unwrap_or_default().display().to_string();
        let draft = self.folder().join(format!(".{name}.{}", Uuid::new_v4()));
        let unpacking = self.state_dir.join("unpack.lock");
        blocking(move || {
            // One at a time: functions of one package are applied at once.
            let _lock = locked(&unpacking, File::lock)?;
            if is_whole(&target) {
                return Ok(target);
            }
            let done = fill(&draft).and_then(|()| {
                put_in_place(&draft, &target).map_err(|error| disk(OPERATION, &target, error))
            });
            // Gone already where it was moved.
            let _ = fs::remove_dir_all(&draft);
            done.map(|()| target)
        })
        .await
    }

    /// Takes away every package but `used`, and drafts of runs that were killed. Only while sweeping.
    pub async fn keep_only(&self, used: BTreeSet<String>, _lock: &PackagesLock) -> Result<()> {
        let folder = self.folder();
        blocking(move || {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(disk(OPERATION, &folder, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| disk(OPERATION, &folder, error))?;
                let name = entry.file_name();
                let package = name.to_str().map(|name| name.strip_suffix(LIST).unwrap_or(name));
                if !package.is_some_and(|package| used.contains(package)) {
                    remove(&entry.path())?;
                }
            }
            if used.is_empty() { remove(&folder) } else { Ok(()) }
        })
        .await
    }
}

fn locked(path: &Path, lock: fn(&File) -> io::Result<()>) -> Result<PackagesLock> {
    let failed = |error| disk(OPERATION, path, error);
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    lock(&file).map_err(failed)?;
    Ok(PackagesLock(file))
}

/// Moves an unpacked package to its place once it is on disk, instead of what is left of a former one; then writes
/// down what it is made of, so that a power loss in between leaves nothing that is trusted.
fn put_in_place(draft: &Path, target: &Path) -> io::Result<()> {
    let files = files_in(draft)?;
    on_disk(draft, &files)?;
    let former = with_suffix(draft, ".former");
    if let Err(error) = fs::rename(target, &former)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let moved = fs::rename(draft, target);
    if former.is_dir() {
        fs::remove_dir_all(former)?
    } else {
        drop(fs::remove_file(former))
    }
    match moved {
        // Somebody else was faster, with the same package.
        Err(error) if !is_whole(target) => return Err(error),
        _ => {}
    }
    write_atomically(&with_suffix(target, LIST), &serde_json::to_vec(&files)?)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What the package at `target` is made of, where it was unpacked.
fn listed(target: &Path) -> Option<Files> {
    serde_json::from_slice(&fs::read(with_suffix(target, LIST)).ok()?).ok()
}

fn is_whole(target: &Path) -> bool {
    let Some(files) = listed(target) else { return false };
    let is_there = |(path, size): (&PathBuf, &u64)| {
        fs::symlink_metadata(target.join(path))
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == *size)
    };
    target.is_dir() && files.iter().all(is_there)
}

/// Sizes of all files in `folder`, by relative path.
fn files_in(folder: &Path) -> io::Result<Files> {
    let (mut files, mut folders) = (Files::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let (path, metadata) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if metadata.is_dir() {
                folders.push(path);
            } else if let Ok(relative) = path.strip_prefix(folder) {
                files.insert(relative.to_owned(), metadata.len());
            }
        }
    }
    Ok(files)
}

/// Waits until the files are on disk. One by one is quick for few; for many the whole file system is.
fn on_disk(folder: &Path, files: &Files) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if files.len() > MANY {
        return Ok(rustix::fs::syncfs(File::open(folder)?)?);
    }
    for path in files.keys() {
        File::open(folder.join(path))?.sync_all()?;
    }
    Ok(())
}

/// A file, or a folder with all that is in it, or nothing if it is not there.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(OPERATION, path, error)),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, OPERATION, error.to_string())))
}
