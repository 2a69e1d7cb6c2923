//! Tests of the core from outside.
//!
//! One program: crates are linked once, and what waits in one file does so beside another.

mod aggregate;
mod authorizers;
mod catch_up;
mod cloud_keys;
mod conformance;
mod envelope;
mod executor;
mod function_urls;
mod intake;
mod layers;
mod orphans;
mod outdated;
mod places;
mod planner_properties;
mod secrets;
mod stacks;
mod stories;
