//! The core of semantest-iac.

pub mod application;
pub mod domain;
pub mod error;
pub mod events;
pub mod memory;
pub mod ports;

pub use error::{Error, ErrorKind, ErrorRecord, Result, Retry};
