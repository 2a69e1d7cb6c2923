//! The environment of a worker: the documented set and the user's variables, nothing of the host's.
//!
//! Source: AWS Lambda developer guide, "Defined runtime environment variables".

use std::collections::BTreeMap;
use std::path::Path;

use crate::host::definition::{EnvironmentValue, FunctionDefinition, SecretValues};
use crate::runtime::layers_place::{self, LayersPlace};

/// Credentials that SDKs find when the user gives none: enough to sign, good for nothing.
const DUMMY_CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local"), ("AWS_SESSION_TOKEN", "local")];

/// Where clients look for the authorities to trust: the AWS SDKs, Node, OpenSSL (Python's `ssl`), curl, Python's
/// `requests`. The file holds those of the system too.
const CA_BUNDLES: [&str; 5] =
    ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

/// What one worker is told beside its function's definition.
pub(crate) struct Settings<'a> {
    /// Its Runtime API (`host:port`).
    pub runtime_api: &'a str,
    /// Name of its log stream: no two workers have the same.
    pub log_stream: &'a str,
    /// What it trusts beside the system's authorities: a file in PEM form.
    pub certificate: Option<&'a Path>,
}

/// Variables of a worker of `function`, whose layers are at `layers`.
///
/// # Errors
/// The reference of a secret that has no value.
pub(crate) fn variables(
    function: &FunctionDefinition,
    secrets: &SecretValues,
    settings: &Settings<'_>,
    layers: Option<&LayersPlace<'_>>,
) -> Result<BTreeMap<String, String>, String> {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    for (name, value) in DUMMY_CREDENTIALS {
        set(name, value);
    }
    if let Some(certificate) = settings.certificate.and_then(Path::to_str) {
        for name in CA_BUNDLES {
            set(name, certificate);
        }
    }
    set("PATH", &function.search_path);
    for (name, value) in layers.iter().flat_map(|layers| layers.variables(function)) {
        set(name, &value);
    }
    for name in ["HOME", "TMPDIR", "SystemRoot"] {
        if let Ok(value) = std::env::var(name) {
            set(name, &value);
        }
    }
    set("LANG", "en_US.UTF-8");
    set("TZ", ":UTC");
    for (name, value) in &function.environment_variables {
        let value = match value {
            EnvironmentValue::Plain(text) => text,
            EnvironmentValue::Secret { secret, .. } => secrets.0.get(secret).ok_or_else(|| secret.clone())?,
        };
        set(name, value);
    }
    // What follows is the runtime's own: the user's variables cannot change it.
    let code = function.code_dir.to_string_lossy();
    set("AWS_LAMBDA_RUNTIME_API", settings.runtime_api);
    let handler =
        layers.map_or_else(|| function.handler.clone(), |layers| layers.translated(&function.handler));
    set("_HANDLER", &handler);
    set("LAMBDA_TASK_ROOT", &code);
    set("LAMBDA_RUNTIME_DIR", &code);
    set("AWS_REGION", &function.region);
    set("AWS_DEFAULT_REGION", &function.region);
    set("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", function.runtime));
    set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", function.name));
    set("AWS_LAMBDA_LOG_STREAM_NAME", settings.log_stream);
    if let Some(layers) = layers {
        set(layers_place::VARIABLE, &layers.seen().to_string_lossy());
    }
    // Byte code is checked by whole seconds and size: an edit within one second would go unseen.
    set("PYTHONDONTWRITEBYTECODE", "1");
    set("PYTHONUNBUFFERED", "1");
    Ok(variables)
}
