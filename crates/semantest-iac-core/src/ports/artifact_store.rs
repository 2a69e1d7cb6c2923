//! Where packages are kept, by the SHA-256 of their bytes.

use async_trait::async_trait;

use crate::error::Result;

/// SHA-256 of a package as 64 lower-case hex digits.
pub type Sha256Hex = String;

/// Content-addressed packages. Putting the same bytes twice keeps one copy.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// Keeps `bytes`, durably, and returns their address.
    async fn put(&self, bytes: Vec<u8>) -> Result<Sha256Hex>;

    /// The bytes at `address`, checked against it.
    ///
    /// # Errors
    /// `NotFound`; `Storage` where the bytes no longer match their address.
    async fn get(&self, address: &str) -> Result<Vec<u8>>;

    /// Whether `address` is kept.
    async fn contains(&self, address: &str) -> Result<bool>;

    /// Every address with its size in bytes, sorted.
    async fn list(&self) -> Result<Vec<(Sha256Hex, u64)>>;

    /// Forgets `address`; nothing happens if it is not there.
    async fn remove(&self, address: &str) -> Result<()>;
}
