//! pulumi-stack: a stack of a Pulumi program.

use serde_json::Value;

use crate::application::component_handler::{ComponentHandler, Wanted};
use crate::domain::blueprint::Blueprint;
use crate::domain::component::ComponentKind;
use crate::domain::environment::check_value;
use crate::domain::pulumi_stack::{PulumiStack, check_config_key, check_stack_name};
use crate::error::Result;

/// Makes blueprints of pulumi-stack components.
pub(crate) struct DeployPulumiStack;

impl ComponentHandler for DeployPulumiStack {
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint> {
        let definition = wanted.definition;
        check(wanted)?;
        let Some(directory) = definition.code.clone() else {
            let text = "a pulumi-stack needs `code`: the folder with the program's Pulumi.yaml";
            return Err(wanted.invalid("code", text.into()));
        };
        let stack = definition.stack.clone().unwrap_or_else(|| wanted.environment.to_owned());
        check_stack_name(&stack).map_err(|why| wanted.invalid("stack", why))?;
        let program = wanted.packages.get(&directory).map(|program| program.address.clone());
        let mut environment_variables = wanted.variables_of(definition.env_file.as_deref());
        environment_variables.extend(definition.environment_variables.clone());
        let mut blueprint = wanted.empty_blueprint(ComponentKind::PulumiStack);
        blueprint.stack = Some(PulumiStack {
            directory,
            program: program.unwrap_or_default(),
            stack,
            config: definition.config.clone(),
            environment_variables,
        });
        Ok(blueprint)
    }
}

/// Keys that mean something for a stack.
const KEYS: [&str; 6] = ["kind", "code", "stack", "config", "environment_variables", "env_file"];

fn check(wanted: &Wanted<'_>) -> Result<()> {
    let definition = wanted.definition;
    // What is not given is not written; so no other key is forgotten here.
    if let Ok(Value::Object(given)) = serde_json::to_value(definition) {
        let other = given.keys().find(|key| !KEYS.contains(&key.as_str()));
        other.map_or(Ok(()), |key| wanted.refuse(&[(key, true)]))?;
    }
    for (key, value) in &definition.config {
        let checked = check_config_key(key).and_then(|()| check_value(key, value, wanted.schemes));
        checked.map_err(|why| wanted.invalid(&format!("config.{key}"), why))?;
    }
    wanted.check_variables("", &definition.environment_variables)
}
