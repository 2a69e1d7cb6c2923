//! Conformance suites for the ports, and given/when/then for the deployment aggregate.
//!
//! A suite is an async function that takes an adapter and panics with the broken claim. The in-memory adapters pass
//! every suite first; every other adapter's tests call the same ones. Beside them, for the clouds' adapters (feature
//! `emulators`): the AWS emulators as processes of their own, a proxy that disturbs what is said to them, and Azure's Resource
//! Manager, simulated.

#[cfg(feature = "emulators")]
pub mod arm_simulator;
pub mod artifact_store;
#[cfg(feature = "emulators")]
pub mod aws_emulator;
pub mod checkpoints;
pub mod event_bus;
pub mod event_store;
#[cfg(feature = "emulators")]
pub mod fault_proxy;
pub mod faults;
pub mod given;
pub mod http_exchange;
pub mod lease_store;
pub mod parity;
pub mod provider;
pub mod secret_resolver;
pub mod world;
