//! The pulumi provider: drives stacks of Pulumi programs.
//!
//! A component of kind `pulumi-stack` is one resource, its stack. What is in the stack is Pulumi's; this drives the real `pulumi`
//! on the path, reads its engine's events as they happen, and hands its outputs on.
//! `docs/decisions/0023-pulumi-stacks-by-their-command-line.md` says why it is as it is.

mod cli;
mod config;
mod config_file;
mod driver;
mod engine_event;
mod error;
mod export;
mod lock;
mod preview;
mod provider;
mod stack;
mod unseen;
mod update;

pub use config::PulumiConfig;
pub use provider::PulumiProvider;
