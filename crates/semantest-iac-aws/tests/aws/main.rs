//! Tests of the aws provider.
//!
//! One program: crates are linked once, and what waits in one file does so beside another.

mod conformance;
mod container_conformance;
mod container_service;
mod emulated;
mod golden_plans;
mod large_package;
