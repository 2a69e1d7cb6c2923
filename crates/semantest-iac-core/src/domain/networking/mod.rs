//! What receives calls: API gateways and load balancers.

pub mod api_gateway;
pub mod load_balancer;
