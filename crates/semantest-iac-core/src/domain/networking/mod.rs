//! What receives calls: API gateways and load balancers.

pub mod api_gateway;
pub mod authorizer;
pub mod key_set;
pub mod load_balancer;
