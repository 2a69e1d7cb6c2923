//! The package schema: what YAML programs are checked against and SDKs are generated from.

use serde_json::{Map, Value, json};

const ANY: &str = "pulumi.json#/Any";

/// The schema of the package `semantest`.
pub fn schema() -> Value {
    json!({
        "name": "semantest",
        "displayName": "semantest-iac",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Infrastructure as code for event-driven systems: a component of a semantest.toml as a resource.",
        "keywords": ["pulumi", "semantest", "category/cloud"],
        "license": "MIT OR Apache-2.0",
        "repository": env!("CARGO_PKG_REPOSITORY"),
        "config": { "variables": configuration() },
        "provider": {
            "description": "Names for all resources that do not give them.",
            "inputProperties": configuration(),
        },
        "types": { "semantest:index:Function": function() },
        "resources": { "semantest:index:Deployment": deployment() },
        "functions": {
            "semantest:index:getDeployment": call(
                "What the log says of a deployment.",
                facts(),
                &["component", "deployment", "environment", "functions", "status", "version"],
            ),
            "semantest:index:getHistory": call(
                "Every event of a deployment, oldest first.",
                json!({ "events": list("CloudEvents 1.0.", json!({ "$ref": ANY })) }),
                &["events"],
            ),
        },
        "language": {
            "nodejs": { "packageName": "@semantest/pulumi-semantest", "respectSchemaVersion": true },
            "python": {
                "packageName": "pulumi_semantest",
                "pyproject": { "enabled": true },
                "respectSchemaVersion": true,
            },
        },
    })
}

fn configuration() -> Value {
    json!({
        "component": text("Component to deploy, for resources that name none."),
        "directory": text("Folder of semantest.toml, relative to the program's; default: the nearest one around it."),
        "environment": text("Environment; default: the stack's name."),
        "provider": text("Where to: local, aws, azure; default: the environment's."),
        "region": text("Region; default: the environment's."),
    })
}

fn deployment() -> Value {
    let mut inputs = merged(
        &configuration(),
        &json!({
            "configuration": map(
                "Keys of a component as in semantest.toml (memory_mb, …), laid over its definition.",
                json!({ "$ref": ANY }),
            ),
            "environmentVariables": map(
                "Environment variables, laid over the configuration's. Secrets stay secret: the log knows only that they are \
                 there.",
                json!({ "type": "string" }),
            ),
        }),
    );
    inputs["component"] = text("Component to deploy; default: the provider's.");
    let mut outputs = merged(&inputs, &facts());
    outputs["resources"] =
        map("Every resource of the deployment by address, with what it is made of.", json!({ "$ref": ANY }));
    json!({
        "description": "A component, deployed: what `semantest-iac deploy` does. The id is <project>/<environment>/<component>.",
        "inputProperties": inputs,
        "properties": outputs,
        "required": ["component", "deployment", "environment", "functions", "provider", "resources", "status", "version"],
    })
}

fn facts() -> Value {
    json!({
        "component": text("Component."),
        "deployment": text("The deployment's stream in the log: <project>/<environment>/<component>."),
        "endpoint": text("Where it is called."),
        "environment": text("Environment."),
        "functions": list("Its functions, sorted by name.", json!({ "$ref": "#/types/semantest:index:Function" })),
        "provider": text("Where it is: local, aws, azure."),
        "status": text("deployed, failed, drifted, …"),
        "version": { "type": "integer", "description": "Version of the deployment." },
    })
}

fn function() -> Value {
    json!({
        "type": "object",
        "description": "A deployed function.",
        "properties": {
            "arn": text("The cloud's identifier."),
            "endpoint": text("Where its component is called."),
            "functionName": text("Name of the function in the cloud."),
        },
        "required": ["arn", "functionName"],
    })
}

fn call(description: &str, outputs: Value, required: &[&str]) -> Value {
    json!({
        "description": description,
        "inputs": {
            "type": "object",
            "properties": {
                "component": text("Component; default: the provider's."),
                "directory": text("Folder of semantest.toml; default: the provider's."),
                "environment": text("Environment; default: the provider's."),
            },
        },
        "outputs": { "type": "object", "properties": outputs, "required": required },
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn list(description: &str, items: Value) -> Value {
    json!({ "type": "array", "items": items, "description": description })
}

fn map(description: &str, values: Value) -> Value {
    json!({ "type": "object", "additionalProperties": values, "description": description })
}

/// `over` laid over `base`.
fn merged(base: &Value, over: &Value) -> Value {
    let all = [base, over].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(all.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::ARGUMENTS;
    use crate::inputs::{INPUTS, NAMES};

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().expect("an object").keys().map(String::as_str).collect()
    }

    fn sorted<const N: usize>(mut names: [&'static str; N]) -> [&'static str; N] {
        names.sort_unstable();
        names
    }

    #[test]
    fn the_schema_has_the_inputs_that_are_taken() {
        let schema = schema();
        let deployment = &schema["resources"]["semantest:index:Deployment"];
        let mut inputs = keys(&deployment["inputProperties"]);
        inputs.sort_unstable();
        assert_eq!(inputs, sorted(INPUTS));
        for place in [&schema["config"]["variables"], &schema["provider"]["inputProperties"]] {
            assert_eq!(keys(place), sorted(NAMES));
        }
        for function in ["semantest:index:getDeployment", "semantest:index:getHistory"] {
            assert_eq!(keys(&schema["functions"][function]["inputs"]["properties"]), sorted(ARGUMENTS));
        }
    }

    #[test]
    fn what_is_required_is_there() {
        let deployment = &schema()["resources"]["semantest:index:Deployment"];
        for name in deployment["required"].as_array().expect("a list") {
            assert!(deployment["properties"].get(name.as_str().expect("text")).is_some(), "{name}");
        }
    }
}
