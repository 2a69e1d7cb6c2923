//! What stands in front of functions: HTTP APIs and WebSocket APIs, as API Gateway v2 does it, and their own URLs, as Lambda
//! does it.
//!
//! A gateway knows an [`Invoker`](crate::runtime::invocation::Invoker) and nothing else of the runtime.

pub(crate) mod authorizer;
pub mod certificates;
pub(crate) mod cors;
pub(crate) mod function_url;
mod function_url_event;
pub(crate) mod http_api;
pub(crate) mod http_event;
pub(crate) mod http_response;
mod integration;
#[cfg(test)]
mod integration_time_tests;
mod response_metadata;
pub(crate) mod routes;
pub mod sample_event;
#[cfg(test)]
mod throttling_tests;
pub(crate) mod token_bucket;
mod url_body;
pub(crate) mod websocket_api;
pub(crate) mod websocket_connection;
pub(crate) mod websocket_event;
pub(crate) mod websocket_handshake;
