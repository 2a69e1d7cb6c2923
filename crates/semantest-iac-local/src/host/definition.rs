//! What the host is told to run: functions and the APIs in front of them.
//!
//! These are the bodies of the control API and, as written to disk, what a restarted host restores.
//! Secrets appear here as references only; their values travel beside a definition
//! ([`SecretValues`]) and stay in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semantest_iac_core::domain::compute::when_busy::WhenBusy;
use semantest_iac_core::domain::networking::api_gateway::Throttling;
use semantest_iac_core::domain::networking::authorizer::{JwtAuthorizer, LambdaAuthorizer};
use semantest_iac_core::domain::networking::function_url::{InvokeMode, UrlAuthorization};
use serde::{Deserialize, Serialize};

use crate::host::service_definition::LoadBalancerDefinition;
use crate::layers;

/// Marks a thing as ours and says whose it is; the same four tags that cloud resources carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// Project name.
    pub project: String,
    /// Environment name.
    pub environment: String,
    /// Component name.
    pub component: String,
    /// Address of the resource inside its graph.
    pub address: String,
}

/// One environment variable: plain text, or a reference to a secret such as `env:DB_PASSWORD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EnvironmentValue {
    /// The value itself.
    Plain(String),
    /// A reference; see [`SecretValues`].
    Secret {
        /// The reference, e.g. `env:DB_PASSWORD`.
        secret: String,
        /// Keyed digest of the value, for change detection only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
}

/// A function to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDefinition {
    /// Unique in this host.
    pub name: String,
    /// Whose it is.
    pub tags: Tags,
    /// `arn:aws:lambda:<region>:000000000000:function:<name>`; handlers see it in their context.
    pub arn: String,
    /// Region shown to the handler (`AWS_REGION`).
    pub region: String,
    /// `python3.12`, `nodejs20.x`, `provided.al2023`, …
    pub runtime: String,
    /// `module.function`; ignored by `provided.*`.
    pub handler: String,
    /// File of the handler where that is TypeScript, which not every Node.js runs as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typescript: Option<String>,
    /// Memory limit in MiB.
    pub memory_mb: u32,
    /// Time limit of one invocation, in seconds.
    pub timeout_s: u32,
    /// Variables of the function's environment.
    pub environment_variables: BTreeMap<String, EnvironmentValue>,
    /// SHA-256 (hex) of the package the code came from.
    pub package_sha256: String,
    /// Folder with its code, unpacked: the host finds it by the package, so that a project can be moved.
    #[serde(skip)]
    pub code_dir: PathBuf,
    /// SHA-256 (hex) of the packages of its layers, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Folder with the files of all layers, found like `code_dir`; `None` without layers.
    #[serde(skip)]
    pub layers_dir: Option<PathBuf>,
    /// `PATH` of who deployed it: whoever happens to start the host may have another one.
    #[serde(default)]
    pub search_path: String,
    /// How many invocations may run at once; `None`: twice the cores, and up to 64 where calls wait for each
    /// other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u32>,
    /// What becomes of an invocation beyond that; `None`: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<WhenBusy>,
}

impl FunctionDefinition {
    /// What it needs of the unpacked packages: its code, its layers, and the folder they come to.
    pub fn packages(&self) -> impl Iterator<Item = String> {
        let all = self.layers.iter().chain([&self.package_sha256]).cloned();
        all.chain(layers::merged(&self.layers))
    }
}

/// Resolved secrets of one function, by reference. Never written to disk, never printed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretValues(pub BTreeMap<String, String>);

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One route of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// HTTP: `GET /orders/{id}`, `ANY /{proxy+}`, `$default`. WebSocket: `$connect`, `sendMessage`, ….
    pub route_key: String,
    /// Name of the function that answers.
    pub function: String,
    /// Name of the authorizer that says who may call it; `None`: everybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
    /// Scopes of which a token needs one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_scopes: Vec<String>,
}

/// The authorizers of an API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Region in the ARNs that they judge by.
    pub region: String,
    /// Those that judge by tokens, each with its key set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jwt: BTreeMap<String, JwtAuthorizer>,
    /// Those that ask a function, here by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lambda: BTreeMap<String, LambdaAuthorizer>,
}

/// Cross-origin settings of an HTTP API (names as in API Gateway v2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cors {
    /// Origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Response headers a page may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies may be sent.
    pub allow_credentials: bool,
    /// How long a preflight may be kept, in seconds.
    pub max_age_s: Option<u32>,
}

/// An HTTP API: one loopback port, payload format 2.0, `$default` stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpApiDefinition {
    /// Deterministic id, as in `requestContext.apiId`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whose it is.
    pub tags: Tags,
    /// The port asked for; `None`: any free one, kept from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Routes in no particular order.
    pub routes: Vec<Route>,
    /// Cross-origin settings; `None`: no CORS handling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// How many requests it takes; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling: Option<Throttling>,
    /// Who says who may call its routes; `None`: everybody may call them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// What its stage tells functions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: BTreeMap<String, String>,
}

/// A WebSocket API: one loopback port that answers TLS and plain, `@connections` included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebsocketApiDefinition {
    /// Deterministic id, as in `requestContext.apiId`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Whose it is.
    pub tags: Tags,
    /// Stage name, part of the URL: `ws://127.0.0.1:<port>/<stage>`.
    pub stage: String,
    /// The port asked for; `None`: any free one, kept from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `$connect`, `$disconnect`, `$default` and named routes.
    pub routes: Vec<Route>,
    /// `$request.body.action` unless told otherwise.
    pub route_selection_expression: String,
    /// How many connections and messages it takes; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling: Option<Throttling>,
    /// Who says who may connect; `None`: everybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// What its stage tells functions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: BTreeMap<String, String>,
}

impl WebsocketApiDefinition {
    /// The function of a route.
    pub fn function(&self, route_key: &str) -> Option<&str> {
        self.route(route_key).map(|route| route.function.as_str())
    }

    /// The route of that key.
    pub fn route(&self, route_key: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.route_key == route_key)
    }
}

/// The URL of a function: one loopback port, payload format 2.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionUrlDefinition {
    /// Deterministic id, as in `requestContext.apiId`.
    pub id: String,
    /// Whose it is.
    pub tags: Tags,
    /// Name of the function that answers.
    pub function: String,
    /// The port asked for; `None`: any free one, kept from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Who may call it.
    pub authorization: UrlAuthorization,
    /// When its responses are sent.
    pub invoke_mode: InvokeMode,
    /// Cross-origin settings; `None`: no CORS handling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// What listens on a port: an API of either kind, a function's URL, or a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "lowercase")]
pub enum ApiDefinition {
    /// HTTP API.
    Http(HttpApiDefinition),
    /// WebSocket API.
    Websocket(WebsocketApiDefinition),
    /// URL of a function.
    Url(FunctionUrlDefinition),
    /// Load balancer of a container service.
    Balancer(LoadBalancerDefinition),
}

impl ApiDefinition {
    /// Deterministic id.
    pub fn id(&self) -> &str {
        match self {
            Self::Http(api) => &api.id,
            Self::Websocket(api) => &api.id,
            Self::Url(url) => &url.id,
            Self::Balancer(balancer) => &balancer.id,
        }
    }

    /// The port it has, or asks for.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Http(api) => api.port,
            Self::Websocket(api) => api.port,
            Self::Url(url) => url.port,
            Self::Balancer(balancer) => balancer.port,
        }
    }

    pub(crate) fn set_port(&mut self, port: Option<u16>) {
        match self {
            Self::Http(api) => api.port = port,
            Self::Websocket(api) => api.port = port,
            Self::Url(url) => url.port = port,
            Self::Balancer(balancer) => balancer.port = port,
        }
    }
}
