//! Bodies of the control API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::host::definition::{ApiDefinition, FunctionDefinition, SecretValues};
use crate::host::service_definition::ServiceDefinition;
use crate::runtime::function_log::LogEntry;

/// `PUT /functions/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutFunction {
    /// What to run.
    pub definition: FunctionDefinition,
    /// Values of its secrets.
    pub secrets: SecretValues,
}

/// `PUT /services/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutService {
    /// What to run.
    pub definition: ServiceDefinition,
    /// Values of its secrets.
    pub secrets: SecretValues,
}

/// `GET /state`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HostState {
    /// Functions by name.
    pub functions: Vec<FunctionDefinition>,
    /// APIs and load balancers by id, with the ports they really have.
    pub apis: Vec<ApiDefinition>,
    /// Container services by name.
    #[serde(default)]
    pub services: Vec<ServiceDefinition>,
    /// Secrets whose values are not known to it: what needs them cannot run before they are handed over.
    #[serde(default)]
    pub lacking: Vec<LackingSecret>,
    /// Functions that are inspected: nobody's time is up in them.
    #[serde(default)]
    pub inspected: Vec<String>,
    /// How memory is kept to its limits, in words.
    #[serde(default)]
    pub memory_limits: String,
}

/// A secret that a function or a container service needs and that the host has no value of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LackingSecret {
    /// Name of the function or service.
    pub function: String,
    /// The reference, e.g. `env:DB_PASSWORD`.
    pub secret: String,
    /// Keyed digest of the value it was deployed with, where known: another value is not the one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// `PUT /secrets`: values by function or service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PutSecrets(pub BTreeMap<String, SecretValues>);

impl HostState {
    /// Whether nothing is defined.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.apis.is_empty() && self.services.is_empty()
    }

    /// Whether `function` cannot run for want of `secret`.
    pub fn lacks(&self, function: &str, secret: &str) -> bool {
        self.lacking.iter().any(|one| one.function == function && one.secret == secret)
    }
}

/// `POST /functions/{name}/invoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invoked {
    /// Lambda's request id.
    pub request_id: String,
    /// What the handler returned, or the error object.
    pub payload: Box<RawValue>,
    /// Absent on success.
    pub error_type: Option<String>,
    /// How long it took, cold start included.
    pub duration_ms: f64,
    /// Its log lines.
    pub logs: Vec<LogEntry>,
}

/// `POST /functions/{name}/stream`: what follows the parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StreamEnd {
    /// Lambda's request id.
    pub request_id: String,
    /// What the runtime calls the response.
    pub content_type: String,
    /// Absent on success.
    pub error_type: Option<String>,
    /// The error object, as text.
    pub error: Option<String>,
    /// How long it took, cold start included.
    pub duration_ms: f64,
    /// Its log lines.
    pub logs: Vec<LogEntry>,
}

/// `POST /functions/{name}/events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Lambda's request id, of every try.
    pub request_id: String,
}

/// Any refusal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub message: String,
}
