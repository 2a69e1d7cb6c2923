//! What the core needs from outside: a trait each, with an in-memory adapter in [`crate::memory`]
//! and a conformance suite in the testkit.

pub mod artifact_store;
pub mod checkpoints;
pub mod clock;
pub mod event_bus;
pub mod event_store;
pub mod id_generator;
pub mod lease;
pub mod project;
pub mod provider;
pub mod secret_resolver;
