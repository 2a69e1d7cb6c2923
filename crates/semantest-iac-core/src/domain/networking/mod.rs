//! What receives calls: API gateways, function URLs and load balancers.

pub mod api_gateway;
pub mod authorizer;
pub mod function_url;
pub mod key_set;
pub mod load_balancer;
