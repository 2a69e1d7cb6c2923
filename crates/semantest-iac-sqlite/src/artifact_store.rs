//! Packages, each in a file named after the SHA-256 of its bytes, with an index in the database.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use semantest_iac_core::ports::artifact_store::{ArtifactStore, Sha256Hex};
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::error::{file, sqlite};
use crate::event_store::{signed, unsigned};
use crate::store::{SqliteStore, create_private};

/// A draft that is younger is left alone.
const SETTLED: Duration = Duration::from_secs(60);

#[async_trait]
impl ArtifactStore for SqliteStore {
    async fn put(&self, bytes: Vec<u8>) -> Result<Sha256Hex> {
        let address = hex::encode(Sha256::digest(&bytes));
        if self.contains(&address).await? && self.get(&address).await.is_ok() {
            return Ok(address);
        }
        let path = self.artifact_path(&address)?;
        create_private(path.parent().unwrap_or(self.folder()))?;
        let drafts = self.folder().join("artifacts").join("drafts");
        create_private(&drafts)?;
        write_durably(&drafts, &path, &bytes).map_err(file("artifacts.put", &path))?;
        let (database, index, size) = (self.database().to_owned(), address.clone(), bytes.len() as u64);
        self.writer()?
            .write(move |connection| {
                connection
                    .execute(
                        "REPLACE INTO artifacts(sha256, bytes) VALUES (?1, ?2)",
                        params![index, signed(size)],
                    )
                    .map(drop)
                    .map_err(sqlite("artifacts.put", &database))
            })
            .await?;
        Ok(address)
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>> {
        let path = self.artifact_path(address)?;
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = format!("there is no package {address}");
                return Err(Error::new(ErrorKind::NotFound, "artifacts.get", text));
            }
            read => read.map_err(file("artifacts.get", &path))?,
        };
        if hex::encode(Sha256::digest(&bytes)) != address {
            let text = format!("{} is damaged: its bytes are not what its name says", path.display());
            return Err(Error::new(ErrorKind::Storage, "artifacts.get", text).with("file", path.display()));
        }
        Ok(bytes)
    }

    async fn contains(&self, address: &str) -> Result<bool> {
        let path = self.artifact_path(address)?;
        let indexed = self.read(false, |connection| {
            let mut query = connection.prepare_cached("SELECT 1 FROM artifacts WHERE sha256 = ?1")?;
            Ok(query.query_row([address], |_| Ok(())).optional()?.is_some())
        })?;
        Ok(indexed && path.exists())
    }

    async fn list(&self) -> Result<Vec<(Sha256Hex, u64)>> {
        self.read(Vec::new(), |connection| {
            let mut query =
                connection.prepare_cached("SELECT sha256, bytes FROM artifacts ORDER BY sha256")?;
            query.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?.collect()
        })
    }

    async fn remove(&self, address: &str) -> Result<()> {
        let path = self.artifact_path(address)?;
        let (database, index) = (self.database().to_owned(), address.to_owned());
        self.writer()?
            .write(move |connection| {
                connection
                    .execute("DELETE FROM artifacts WHERE sha256 = ?1", [index])
                    .map(drop)
                    .map_err(sqlite("artifacts.remove", &database))
            })
            .await?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(file("artifacts.remove", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

impl SqliteStore {
    /// Only addresses become paths: anything else could name a file elsewhere.
    fn artifact_path(&self, address: &str) -> Result<PathBuf> {
        let hexadecimal = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
        if address.len() != 64 || !address.chars().all(hexadecimal) {
            let text = format!("`{}` is no SHA-256 in hexadecimal", address.escape_debug());
            return Err(Error::new(ErrorKind::InvalidInput, "artifacts.find", text));
        }
        Ok(self.folder().join("artifacts").join(&address[..2]).join(address))
    }
}

/// Written among the drafts, synced, and moved to its place: a crash leaves all of it or nothing. What earlier crashes
/// left is taken away.
fn write_durably(drafts: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    sweep(drafts);
    let draft = drafts.join(uuid::Uuid::now_v7().to_string());
    let mut file = File::create(&draft)?;
    let written = file.lock().and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&draft, path)) {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Takes drafts away that nobody is writing: whoever does keeps them locked.
fn sweep(drafts: &Path) {
    for entry in fs::read_dir(drafts).into_iter().flatten().flatten() {
        // One that was just made may not be locked yet.
        let old = entry.metadata().and_then(|draft| draft.modified());
        let old = old.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > SETTLED));
        if old && File::open(entry.path()).is_ok_and(|draft| draft.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
