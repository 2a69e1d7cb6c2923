//! What stands in front of functions: HTTP APIs and WebSocket APIs, as API Gateway v2 does it.
//!
//! A gateway knows an [`Invoker`](crate::runtime::invocation::Invoker) and nothing else of the runtime.

pub(crate) mod authorizer;
pub mod certificates;
pub(crate) mod cors;
pub(crate) mod http_api;
pub(crate) mod http_event;
pub(crate) mod http_response;
mod integration;
#[cfg(test)]
mod integration_time_tests;
pub(crate) mod routes;
pub mod sample_event;
#[cfg(test)]
mod throttling_tests;
pub(crate) mod token_bucket;
pub(crate) mod websocket_api;
pub(crate) mod websocket_connection;
pub(crate) mod websocket_event;
pub(crate) mod websocket_handshake;
