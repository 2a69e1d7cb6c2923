//! Runs functions: worker processes behind the Lambda Runtime API, pooled by function.

mod asynchronous;
pub(crate) mod debugging;
pub mod environment;
mod exit;
pub mod function_log;
pub mod function_runtime;
pub mod interpreter;
pub mod invocation;
mod launch;
pub(crate) mod layers_place;
pub(crate) mod leftovers;
mod link;
pub(crate) mod memory;
pub(crate) mod output;
mod pool;
mod pool_size;
mod response_stream;
mod runtime_api;
pub(crate) mod spawn;
pub(crate) mod worker;
