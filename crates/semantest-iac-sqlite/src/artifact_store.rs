//! Packages, each in a file named after the SHA-256 of its bytes, with an index in the database.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use semantest_iac_core::ports::artifact_store::{ArtifactStore, Sha256Hex};
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::error::{file, sqlite};
use crate::event_store::{signed, unsigned};
use crate::store::{SqliteStore, create_private};

#[async_trait]
impl ArtifactStore for SqliteStore {
    async fn put(&self, bytes: Vec<u8>) -> Result<Sha256Hex> {
        let address = hex::encode(Sha256::digest(&bytes));
        if self.contains(&address).await? && self.get(&address).await.is_ok() {
            return Ok(address);
        }
        let path = self.artifact_path(&address)?;
        create_private(path.parent().unwrap_or(self.folder()))?;
        write_durably(&path, &bytes).map_err(file("artifacts.put", &path))?;
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

/// Written beside its place, synced, and moved there: a crash leaves all of it or nothing.
fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let draft = path.with_extension(format!("{}.draft", uuid::Uuid::now_v7()));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}
