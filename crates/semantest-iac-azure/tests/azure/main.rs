//! Tests of the azure provider.
//!
//! One program: crates are linked once, and what waits in one file does so beside another.

mod azurite;
mod conformance;
mod drift;
mod function_access;
mod golden_plans;
mod moves;
mod plan_change;
mod simulated;
