//! Unpacked packages, a folder each, named after their content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use crate::archive::unpack;
use crate::error::disk;

const OPERATION: &str = "local.packages";

/// `<state_dir>/packages/<sha256>/`.
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
        self.state_dir.join("packages")
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
        blocking(move || {
            let failed = |error| disk(OPERATION, &path, error);
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            let file =
                File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
            lock(&file).map_err(failed)?;
            Ok(PackagesLock(file))
        })
        .await
    }

    /// The folder with the package's files. Two that unpack at once come to the same end.
    pub async fn unpacked(&self, sha256: &str, artifacts: &dyn ArtifactStore) -> Result<PathBuf> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            let text = format!("`{}` is not the address of a package", sha256.escape_debug());
            return Err(Error::new(ErrorKind::InvalidInput, OPERATION, text));
        }
        let target = self.folder().join(sha256);
        if target.is_dir() {
            return Ok(target);
        }
        let bytes = artifacts.get(sha256).await?;
        let draft = self.folder().join(format!(".{sha256}.{}", Uuid::new_v4()));
        blocking(move || {
            let done = unpack(&bytes, &draft).and_then(|_| match fs::rename(&draft, &target) {
                Err(error) if !target.is_dir() => Err(disk(OPERATION, &target, error)),
                _ => Ok(target),
            });
            // Gone already where it was renamed.
            let _ = fs::remove_dir_all(&draft);
            done
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
                if !entry.file_name().to_str().is_some_and(|name| used.contains(name)) {
                    remove(&entry.path())?;
                }
            }
            if used.is_empty() { remove(&folder) } else { Ok(()) }
        })
        .await
    }
}

/// A folder with all that is in it, or nothing if it is not there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(OPERATION, folder, error)),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Error::new(ErrorKind::Internal, OPERATION, error.to_string())))
}
