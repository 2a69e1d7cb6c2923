//! Tests of the facade.
//!
//! One program: crates are linked once, and what waits in one file does so beside another.

mod adapters;
mod diagnosis;
mod front_doors;
mod hostile_input;
