//! The native module of the npm package `semantest-iac`: the facade behind TypeScript's public face.
//!
//! No thread of ours ever touches a JavaScript value: what has to be done in JavaScript is queued, and done by the
//! thread whose environment it is (`queue.rs`). All that crosses is JSON and numbers.

#![cfg_attr(
    test,
    allow(dead_code, reason = "napi registers nothing in a test build, which lints make all the same")
)]

mod answer;
mod bench;
mod bridge;
mod command_line;
mod conformance;
mod engine;
mod errors;
mod event;
mod handler;
mod numbers;
mod outcome;
mod port;
mod queue;
mod runtime;
mod settings;

use napi_derive::napi;

/// The version of this module.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
