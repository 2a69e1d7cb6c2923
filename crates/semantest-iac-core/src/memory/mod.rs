//! First-class in-memory adapters: one for each port.

pub mod artifact_store;
pub mod checkpoints;
pub mod clock;
pub mod event_bus;
pub mod event_store;
pub mod id_generator;
pub mod lease_store;
pub mod project;
pub mod provider;
pub mod secret_resolver;
