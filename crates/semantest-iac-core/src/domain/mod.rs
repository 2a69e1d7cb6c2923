//! What the words mean. Pure: no clock, no randomness, no waiting.

pub mod blueprint;
pub mod component;
pub mod compute;
pub mod deployment;
pub mod env_file;
pub mod environment;
pub mod identifiers;
pub mod names;
pub mod networking;
pub mod pulumi_stack;
pub mod timestamp;
