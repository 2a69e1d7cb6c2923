//! Conformance suites for the ports, and given/when/then for the deployment aggregate.
//!
//! A suite is an async function that takes an adapter and panics with the broken claim. The in-memory adapters pass
//! every suite first; every other adapter's tests call the same ones.

pub mod artifact_store;
pub mod checkpoints;
pub mod event_bus;
pub mod event_store;
pub mod faults;
pub mod given;
pub mod lease_store;
pub mod provider;
pub mod world;
