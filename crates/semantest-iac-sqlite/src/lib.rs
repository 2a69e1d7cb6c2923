//! The embedded default: event store, leases, checkpoints and artifact index in one SQLite file.
//!
//! One writer thread commits everything that waits in one transaction (group commit) with `synchronous=FULL`; an
//! answered append survives `kill -9` and power loss. Several processes may use one file: a lock file beside
//! it decides who writes next.

mod artifact_store;
mod checkpoints;
mod error;
mod event_store;
mod gate;
mod lease_store;
mod schema;
mod store;
mod writer;

pub use schema::SCHEMA_VERSION;
pub use store::SqliteStore;
