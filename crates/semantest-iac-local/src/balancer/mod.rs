//! The load balancer in front of a service's replicas: HTTP/1.1 in, HTTP/1.1 out, bodies and upgraded connections as they come.

mod forwarded;
mod passed;
pub(crate) mod proxy;
pub(crate) mod upstream;
