//! A deployment as it was, with what its resources were made of.

use std::fmt::Write;

use semantest_iac::answer::DeploymentAnswer;
use serde_json::Value;

use super::deployment;
use super::event::{scaling, variable};
use super::plan::{element, text};

/// The deployment, its settings, and the inputs of its resources.
pub(crate) fn state(answer: &DeploymentAnswer) -> String {
    let mut out = deployment(answer);
    for (name, value) in answer.configuration.iter().flat_map(|settings| &settings.variables) {
        let _ = write!(out, "\n  setting   {}", variable(name, value));
    }
    for (name, value) in answer.configuration.iter().flat_map(|settings| &settings.tags) {
        let _ = write!(out, "\n  setting   tag {name}={value}");
    }
    for (role, target) in answer.scaling.iter().flatten() {
        let _ = write!(out, "\n  scaling   {}", scaling(Some(role), target));
    }
    for resource in &answer.resources {
        let _ = write!(out, "\n  {}", resource.address);
        for (name, value) in resource.inputs.iter().flatten() {
            for line in input(name, value) {
                let _ = write!(out, "\n      {line}");
            }
        }
    }
    out
}

/// The lines of one input.
fn input(name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) if !map.contains_key("secret") => {
            map.iter().map(|(key, value)| format!("{name}.{key}: {}", text(name, value))).collect()
        }
        Value::Array(list) if !list.is_empty() => {
            let elements = list.iter().map(|one| format!("    {}", element(one)));
            std::iter::once(format!("{name}:")).chain(elements).collect()
        }
        _ => vec![format!("{name}: {}", text(name, value))],
    }
}
