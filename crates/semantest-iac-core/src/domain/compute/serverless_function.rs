//! A function: code, a runtime and limits.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::compute::function_layer::FunctionLayer;
use crate::domain::compute::when_busy::WhenBusy;
use crate::domain::environment::SettingValue;
use crate::domain::networking::function_url::FunctionUrl;
use crate::error::{Error, ErrorKind, Result};

/// Memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MemoryMib(pub u32);

/// A time limit in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TimeoutSeconds(pub u32);

/// A function of a component, as any cloud could run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerlessFunction {
    /// Name inside the component (`list`, or the component's name for its only function).
    pub role: String,
    /// SHA-256 (hex) of the package in the artifact store.
    pub package: String,
    /// Its layers; later ones come before earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<FunctionLayer>,
    /// `nodejs20.x`, `python3.12`, `provided.al2023`, …
    pub runtime: String,
    /// `file.function`.
    pub handler: String,
    /// File of the handler in the package, where that is TypeScript that was not compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typescript: Option<String>,
    /// Memory limit.
    pub memory_mb: MemoryMib,
    /// Time limit of one invocation.
    pub timeout_s: TimeoutSeconds,
    /// Environment variables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
    /// Key that encrypts the environment variables at rest; absent: the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// How many days logs are kept; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
    /// How many may run at once.
    #[serde(default)]
    pub scaling: FunctionScaling,
    /// What becomes of an invocation beyond that, on `local`; absent: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<WhenBusy>,
    /// Its own address; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<FunctionUrl>,
}

impl ServerlessFunction {
    /// Refuses a handler that is TypeScript: for a provider whose Node.js does not run it as it is. `operation` is what
    /// the error belongs to.
    ///
    /// # Errors
    /// `InvalidInput`, saying what to do.
    pub fn check_compiled(&self, operation: &'static str) -> Result<()> {
        let Some(file) = &self.typescript else { return Ok(()) };
        let text = format!(
            "handler `{}` is TypeScript (`{file}`), which is not run as it is here: compile it, and let `code` name what \
             comes out",
            self.handler
        );
        Err(Error::new(ErrorKind::InvalidInput, operation, text).with("field", "handler"))
    }
}

/// Concurrency of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionScaling {
    /// At most this many at once; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// Kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency: Option<u32>,
}

/// Variables that the runtime itself sets. Credentials are not among them: who runs functions on a machine of their own
/// may want to give some.
///
/// Source: AWS Lambda developer guide, "Defined runtime environment variables".
const RESERVED_VARIABLES: [&str; 14] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Checks that `name` is not one of the variables that a function's runtime sets itself.
///
/// # Errors
/// In words, saying what to do.
pub fn check_not_reserved(name: &str) -> Result<(), String> {
    match RESERVED_VARIABLES.contains(&name) {
        true => Err(format!("`{name}` is set by the runtime itself: use another name")),
        false => Ok(()),
    }
}
