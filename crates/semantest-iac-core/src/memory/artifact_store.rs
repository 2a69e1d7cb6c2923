//! Packages in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::ports::artifact_store::{ArtifactStore, Sha256Hex};

/// Packages for as long as it lives.
#[derive(Debug, Default)]
pub struct InMemoryArtifactStore {
    packages: Mutex<BTreeMap<Sha256Hex, Vec<u8>>>,
}

impl InMemoryArtifactStore {
    fn packages(&self) -> MutexGuard<'_, BTreeMap<Sha256Hex, Vec<u8>>> {
        self.packages.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl ArtifactStore for InMemoryArtifactStore {
    async fn put(&self, bytes: Vec<u8>) -> Result<Sha256Hex> {
        let address = hex::encode(Sha256::digest(&bytes));
        self.packages().insert(address.clone(), bytes);
        Ok(address)
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>> {
        self.packages().get(address).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "artifacts.get", format!("there is no package {address}"))
        })
    }

    async fn contains(&self, address: &str) -> Result<bool> {
        Ok(self.packages().contains_key(address))
    }

    async fn list(&self) -> Result<Vec<(Sha256Hex, u64)>> {
        Ok(self.packages().iter().map(|(address, bytes)| (address.clone(), bytes.len() as u64)).collect())
    }

    async fn remove(&self, address: &str) -> Result<()> {
        self.packages().remove(address);
        Ok(())
    }
}
