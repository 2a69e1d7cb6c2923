//! What a binding has to provide.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::ports::event_bus::EventHandler;
use serde::Serialize;
use serde_json::Value;

use crate::caller::described;

/// An object of another language.
#[async_trait]
pub trait ForeignObject: Send + Sync {
    /// Whether it has `method`. Does not change.
    fn has(&self, method: &str) -> bool;

    /// Calls `method` and waits for its answer. Where this is dropped, nobody waits any longer.
    ///
    /// # Errors
    /// What the method failed with, or that its answer is no JSON.
    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value>;

    /// Calls a pure method that the core wants to have answered on the spot, on a thread of an async run-time.
    ///
    /// # Errors
    /// As [`Self::call`].
    fn call_blocking(&self, method: &str, arguments: Vec<Argument>) -> Result<Value>;
}

/// An argument of a call. `Debug` shows no values: there may be secrets among them.
#[derive(Clone)]
pub enum Argument {
    /// Data.
    Json(Value),
    /// Something that can be called with an event: see [`deliver`](crate::deliver).
    Handler(Arc<dyn EventHandler>),
}

impl Argument {
    pub(crate) fn of(value: impl Serialize) -> Self {
        // Serialising plain data with text as keys cannot fail.
        Self::Json(serde_json::to_value(value).unwrap_or_default())
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(value) => f.debug_tuple("Json").field(&format_args!("{}", described(value))).finish(),
            Self::Handler(handler) => f.debug_tuple("Handler").field(&handler.name()).finish(),
        }
    }
}
