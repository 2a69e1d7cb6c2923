//! `local.function`: a function that the host runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::function_layer::is_arn;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::compute::when_busy::WhenBusy;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::ResourceHandle;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::malformed;
use crate::host::definition::{EnvironmentValue, FunctionDefinition};
use crate::provider::{properties, tags_of};

/// Provider's word for a function.
pub(crate) const KIND: &str = "local.function";

/// Lambda's limit.
const NAME_LIMIT: usize = 64;

/// Region in names that AWS code reads, where none is given.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// What a function is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionInputs {
    pub function_name: String,
    pub runtime: String,
    pub handler: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typescript: Option<String>,
    pub memory_mb: u32,
    pub timeout_s: u32,
    #[serde(default)]
    pub environment_variables: BTreeMap<String, EnvironmentValue>,
    pub package: String,
    /// Packages of its layers, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<WhenBusy>,
    pub region: String,
}

impl FunctionInputs {
    pub fn read(handle: &ResourceHandle) -> Result<Self> {
        serde_json::from_value(handle.inputs.clone().into()).map_err(|error| malformed(KIND, error))
    }

    /// As the host is told; its interpreter is looked for in `search_path`.
    pub fn definition(self, handle: &ResourceHandle, search_path: String) -> FunctionDefinition {
        FunctionDefinition {
            arn: arn(&self.region, &self.function_name),
            tags: tags_of(&handle.tags),
            name: self.function_name,
            region: self.region,
            runtime: self.runtime,
            handler: self.handler,
            typescript: self.typescript,
            memory_mb: self.memory_mb,
            timeout_s: self.timeout_s,
            environment_variables: self.environment_variables,
            package_sha256: self.package,
            code_dir: PathBuf::new(),
            layers: self.layers,
            layers_dir: None,
            search_path,
            max_concurrency: self.reserved_concurrency,
            when_busy: self.when_busy,
        }
    }
}

/// The inputs that `definition` was made of.
pub(crate) fn inputs(definition: &FunctionDefinition) -> Properties {
    properties(&FunctionInputs {
        function_name: definition.name.clone(),
        runtime: definition.runtime.clone(),
        handler: definition.handler.clone(),
        typescript: definition.typescript.clone(),
        memory_mb: definition.memory_mb,
        timeout_s: definition.timeout_s,
        environment_variables: definition.environment_variables.clone(),
        package: definition.package_sha256.clone(),
        layers: definition.layers.clone(),
        reserved_concurrency: definition.max_concurrency,
        when_busy: definition.when_busy,
        region: definition.region.clone(),
    })
}

pub(crate) fn outputs(definition: &FunctionDefinition) -> Properties {
    let mut outputs = Properties::new();
    outputs.insert("arn".into(), json!(definition.arn));
    outputs.insert("function_name".into(), json!(definition.name));
    outputs
}

/// Address of the function with that role.
pub(crate) fn address(role: &str) -> String {
    format!("function.{role}")
}

pub(crate) fn lower(
    blueprint: &Blueprint,
    function: &ServerlessFunction,
    region: Option<&str>,
) -> Result<Resource> {
    check(function)?;
    let mut parts = vec![blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    if function.role != blueprint.component {
        parts.push(&function.role);
    }
    let mut inputs = properties(&json!({
        "function_name": physical_name(&parts, NAME_LIMIT),
        "runtime": function.runtime,
        "handler": function.handler,
        "memory_mb": function.memory_mb,
        "timeout_s": function.timeout_s,
        "environment_variables": function.environment_variables,
        "package": function.package,
        "region": region.unwrap_or(DEFAULT_REGION),
    }));
    if let Some(file) = &function.typescript {
        inputs.insert("typescript".into(), json!(file));
    }
    if let Some(most) = function.scaling.reserved_concurrency {
        inputs.insert("reserved_concurrency".into(), json!(most));
    }
    if let Some(way) = function.when_busy {
        inputs.insert("when_busy".into(), json!(way));
    }
    if !function.layers.is_empty() {
        let packages: Vec<_> = function.layers.iter().filter_map(|layer| layer.package.as_ref()).collect();
        inputs.insert("layers".into(), json!(packages));
    }
    let mut resource = Resource::new(address(&function.role), KIND, inputs);
    resource.role = Some(ResourceRole::Function);
    resource.replace_on.insert("function_name".into());
    Ok(resource)
}

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:000000000000:function:{name}")
}

fn check(function: &ServerlessFunction) -> Result<()> {
    let role = &function.role;
    if !is_known_runtime(&function.runtime) {
        let text = format!(
            "function `{role}` asks for runtime `{}`; `local` knows python3.x (python3.12), nodejs2x.x \
             (nodejs20.x) and provided.* (provided.al2023)",
            function.runtime.escape_debug()
        );
        return Err(invalid("runtime", text));
    }
    if let Some(layer) = function.layers.iter().find(|layer| is_arn(&layer.source)) {
        let text = format!(
            "layer `{arn}` of function `{role}` is published on AWS, which `local` does not ask: get its files (aws lambda \
             get-layer-version-by-arn --arn {arn} --query Content.Location --output text prints where from), and name that zip \
             in `layers` for this environment",
            arn = layer.source
        );
        return Err(invalid("layers", text));
    }
    for (field, value, least, most) in
        [("memory_mb", function.memory_mb.0, 128, 10_240), ("timeout_s", function.timeout_s.0, 1, 900)]
    {
        if !(least..=most).contains(&value) {
            let text =
                format!("`{field}` of function `{role}` is {value}; it must be from {least} to {most}");
            return Err(invalid(field, text));
        }
    }
    Ok(())
}

fn is_known_runtime(runtime: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let node = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    runtime.strip_prefix("python3.").is_some_and(digits)
        || node.is_some_and(|major| major.len() == 2 && major.starts_with('2') && digits(major))
        || runtime.strip_prefix("provided.").is_some_and(plain)
}

fn invalid(field: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "local.lower", message).with("field", field)
}

#[cfg(test)]
mod tests {
    use super::is_known_runtime;

    #[test]
    fn runtimes_of_the_known_families_are_taken() {
        for runtime in ["python3.9", "python3.12", "nodejs20.x", "nodejs22.x", "provided.al2023"] {
            assert!(is_known_runtime(runtime), "{runtime}");
        }
        for runtime in
            ["python2.7", "python3.", "nodejs18.x", "nodejs20", "provided", "provided.", "go1.x", ""]
        {
            assert!(!is_known_runtime(runtime), "{runtime}");
        }
    }
}
