//! Bodies of the control API.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::definition::{ApiDefinition, FunctionDefinition, SecretValues};
use crate::runtime::function_log::LogEntry;

/// `PUT /functions/{name}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PutFunction {
    /// What to run.
    pub definition: FunctionDefinition,
    /// Values of its secrets.
    pub secrets: SecretValues,
}

/// `GET /state`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostState {
    /// Functions by name.
    pub functions: Vec<FunctionDefinition>,
    /// APIs by id, with the ports they really have.
    pub apis: Vec<ApiDefinition>,
}

impl HostState {
    /// Whether nothing is defined.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.apis.is_empty()
    }
}

/// `POST /functions/{name}/invoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invoked {
    /// Lambda's request id.
    pub request_id: String,
    /// What the handler returned, or the error object.
    pub payload: Value,
    /// Absent on success.
    pub error_type: Option<String>,
    /// How long it took, cold start included.
    pub duration_ms: f64,
    /// Its log lines.
    pub logs: Vec<LogEntry>,
}

/// Any refusal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub message: String,
}
