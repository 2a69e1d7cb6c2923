//! The one kind of resource: a stack.

use std::collections::BTreeMap;

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::domain::pulumi_stack::PulumiStack;
use semantest_iac_core::ports::provider::ResourceHandle;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::export::Export;

/// What a stack is called in plans and in the log.
pub(crate) const KIND: &str = "pulumi.stack";

/// What a stack should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackInputs {
    /// Folder of the program, relative to the project.
    pub directory: String,
    /// Digest of the program.
    #[serde(default)]
    pub program: String,
    /// Name, as Pulumi takes it.
    pub stack: String,
    /// Where secrets that name no region are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, SettingValue>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
}

impl StackInputs {
    /// Reads the inputs of a resource.
    ///
    /// # Errors
    /// `InvalidInput` for what is no stack of ours.
    pub fn read(resource: &ResourceHandle) -> Result<Self> {
        if resource.kind != KIND {
            let text = format!("`{}` is no kind of the pulumi provider", resource.kind);
            return Err(Error::new(ErrorKind::InvalidInput, "pulumi.read", text));
        }
        serde_json::from_value(Value::Object(resource.inputs.clone())).map_err(|error| {
            let text = format!("the inputs of a stack cannot be read: {error}");
            Error::new(ErrorKind::InvalidInput, "pulumi.read", text)
        })
    }

    /// The stack's own name, without organization and project.
    pub fn name(&self) -> &str {
        self.stack.rsplit('/').next().unwrap_or(&self.stack)
    }
}

/// The resource of a stack. Another stack, or the program of another folder, is another one.
pub(crate) fn lower(blueprint: &Blueprint, stack: &PulumiStack, region: Option<&str>) -> Resource {
    let inputs = StackInputs {
        directory: stack.directory.clone(),
        program: stack.program.clone(),
        stack: stack.stack.clone(),
        region: region.map(str::to_owned),
        config: stack.config.clone(),
        environment_variables: stack.environment_variables.clone(),
    };
    let inputs = match serde_json::to_value(inputs) {
        Ok(Value::Object(map)) => map,
        _ => Properties::new(),
    };
    let mut resource = Resource::new(format!("stack.{}", blueprint.component), KIND, inputs);
    resource.role = Some(ResourceRole::Stack);
    resource.volatile_outputs = ["outputs", "endpoint", "drifted"].map(str::to_owned).into();
    resource
}

/// Outputs of a stack: what its program exports, and what was changed behind its back.
pub(crate) fn outputs(inputs: &StackInputs, export: &Export, drifted: &[String]) -> Properties {
    let exported = export.outputs();
    let mut outputs = Properties::from_iter([
        ("stack_name".to_owned(), json!(inputs.stack)),
        ("drifted".to_owned(), json!(drifted)),
    ]);
    if let Some(endpoint @ Value::String(_)) = exported.get("endpoint") {
        outputs.insert("endpoint".to_owned(), endpoint.clone());
    }
    outputs.insert("outputs".to_owned(), Value::Object(exported));
    outputs
}
