//! The control API of a host: HTTP with JSON on loopback, for whoever can read the host's token.

pub mod client;
pub(crate) mod frames;
mod invocation_log;
pub mod messages;
pub(crate) mod server;
