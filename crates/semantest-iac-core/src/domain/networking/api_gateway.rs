//! An API gateway: routes to functions, over HTTP or WebSocket.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::networking::authorizer::{JwtAuthorizer, LambdaAuthorizer};

/// How clients talk to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiProtocol {
    /// Requests and responses; payload format 2.0.
    Http,
    /// Messages both ways.
    Websocket,
}

/// One route.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// `GET /orders/{id}`, `$default`, `$connect`, `sendMessage`, …
    pub route_key: String,
    /// Role of the function that answers.
    pub function: String,
    /// Who says who may call it; absent: everybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
    /// Scopes of which a token needs one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_scopes: Vec<String>,
}

/// Cross-origin settings (names as in API Gateway v2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins (`https://app.example`), or `*`, `http://*`, `https://*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Response headers a page may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies may be sent; of an API not from every origin (`*`).
    pub allow_credentials: bool,
    /// How long a preflight may be kept, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u32>,
}

/// How many requests an API takes; more are refused with 429.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttling {
    /// Requests a second, in the long run.
    pub rate: f64,
    /// Requests at once.
    pub burst: u32,
}

/// An API in front of a component's functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiGateway {
    /// HTTP or WebSocket.
    pub protocol: ApiProtocol,
    /// Every route, sorted.
    pub routes: Vec<Route>,
    /// Cross-origin settings of an HTTP API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Whether it writes a log line for each request; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<bool>,
    /// How many requests it takes; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling: Option<Throttling>,
    /// How many days its logs are kept; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
    /// Authorizers by name that judge by tokens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jwt_authorizers: BTreeMap<String, JwtAuthorizer>,
    /// Authorizers by name that ask a function.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lambda_authorizers: BTreeMap<String, LambdaAuthorizer>,
    /// What its stage tells functions, beside the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: BTreeMap<String, String>,
}
