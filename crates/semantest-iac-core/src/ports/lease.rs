//! Leases: at most one run works on a deployment at a time.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ports::clock::Timestamp;

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// What it is for: a stream's name.
    pub name: String,
    /// Who holds it, in words a person understands.
    pub owner: String,
    /// Fencing token: grows with every acquisition of this name, never reused.
    pub token: u64,
    /// Held since.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Free for others from then on, unless renewed.
    #[schemars(with = "String")]
    pub expires: Timestamp,
}

/// The answer to [`LeaseStore::acquire`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It is yours.
    Acquired(Lease),
    /// Somebody else's, and not expired.
    HeldBy(Lease),
}

/// Hands out leases. An expired lease, or one whose holder is known to be dead, is taken over.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes `name` for `owner` until `time_to_live` from `now`. Not re-entrant: the same owner text is
    /// no claim to a lease that is held.
    async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        time_to_live: Duration,
    ) -> Result<LeaseAnswer>;

    /// Extends `lease` (recognised by name and token).
    ///
    /// # Errors
    /// `Held` where it was taken over meanwhile.
    async fn renew(&self, lease: &Lease, now: Timestamp, time_to_live: Duration) -> Result<Lease>;

    /// Gives `lease` back; nothing happens if it was taken over.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Who holds `name` now.
    async fn holder(&self, name: &str, now: Timestamp) -> Result<Option<Lease>>;
}
