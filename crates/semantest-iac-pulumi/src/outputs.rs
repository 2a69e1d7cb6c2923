//! Outputs of a deployment: what Pulumi's state shows of the log.

use semantest_iac::answer::{DeploymentAnswer, DriftAnswer, FunctionAnswer, PlanAnswer};
use semantest_iac::domain::deployment::plan::StepAction;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::{At, ErrorKind, Iac, Result};
use serde_json::Value;

use crate::inputs::RESOURCES;
use crate::property::{Properties, Property, from_json_map};

/// Outputs that only a run can tell.
const COMPUTED: [&str; 4] = ["endpoint", "functions", "status", "version"];

/// A deployment as the log says now; nothing where there is none.
///
/// # Errors
/// Where the log cannot be read.
pub(crate) async fn deployment(
    iac: &Iac,
    environment: &str,
    component: &str,
) -> Result<Option<DeploymentAnswer>> {
    match iac.state_at(environment, component, At::Time(Timestamp::MAX)).await {
        Ok((deployment, _)) => Ok(Some(deployment)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The outputs of `deployment`, its inputs among them.
pub(crate) fn of(inputs: &Properties, deployment: &DeploymentAnswer) -> Properties {
    let mut outputs = inputs.clone();
    outputs.extend(facts(deployment));
    outputs.insert(RESOURCES.to_owned(), Property::Object(resources(deployment)));
    outputs
}

/// What the log says of a deployment, in a few words.
pub(crate) fn facts(deployment: &DeploymentAnswer) -> Properties {
    let mut facts = Properties::from([
        ("deployment".to_owned(), Property::text(&deployment.deployment)),
        ("functions".to_owned(), Property::List(deployment.functions.iter().map(function).collect())),
        ("status".to_owned(), Property::text(&deployment.status)),
        #[allow(clippy::cast_precision_loss, reason = "no deployment has that many versions")]
        ("version".to_owned(), Property::Number(deployment.version as f64)),
    ]);
    let endpoint = deployment.endpoint.as_ref();
    facts.extend(endpoint.map(|endpoint| ("endpoint".to_owned(), Property::text(endpoint))));
    facts
}

/// The resources that are there, by address, with what they were made of.
pub(crate) fn resources(deployment: &DeploymentAnswer) -> Properties {
    let there = deployment.resources.iter().filter(|resource| resource.id.is_some());
    let inputs = there.map(|resource| {
        let inputs = resource.inputs.as_ref().map(from_json_map).unwrap_or_default();
        (resource.address.to_string(), Property::Object(inputs))
    });
    inputs.collect()
}

/// The resources that `plan`, which was made anew, wants.
pub(crate) fn wanted(plan: &PlanAnswer) -> Properties {
    let steps = plan.steps.iter().map(|step| {
        let inputs = step.diff.iter().filter_map(|change| {
            change.after.as_ref().map(|after| (change.property.clone(), Property::from_json(after)))
        });
        (step.address.to_string(), Property::Object(inputs.collect()))
    });
    steps.collect()
}

/// Outputs before a creation.
pub(crate) fn before_creation(inputs: &Properties, id: Option<String>) -> Properties {
    let mut outputs = inputs.clone();
    outputs.insert("deployment".to_owned(), id.map_or(Property::Unknown, Property::Text));
    outputs.extend(COMPUTED.map(|name| (name.to_owned(), Property::Unknown)));
    outputs
}

/// Outputs before an update: endpoint and functions stay as they are where every resource is changed in place. Where the
/// plan is not known, nothing else is.
pub(crate) fn before_update(inputs: &Properties, old: &Properties, plan: Option<&PlanAnswer>) -> Properties {
    let mut outputs = before_creation(inputs, None);
    let in_place = |plan: &PlanAnswer| {
        plan.steps.iter().all(|step| matches!(step.action, StepAction::Update | StepAction::Unchanged))
    };
    let stays: &[&str] = match plan.is_some_and(in_place) {
        true => &["deployment", "endpoint", "functions"],
        false => &["deployment"],
    };
    for name in stays {
        match old.get(*name) {
            Some(value) => outputs.insert((*name).to_owned(), value.clone()),
            None => outputs.remove(*name),
        };
    }
    outputs
}

/// Lays what was found over what the log says.
pub(crate) fn lay_drift(resources: &mut Properties, drift: &[DriftAnswer]) {
    for found in drift {
        let address = found.address.as_str();
        if found.missing {
            resources.remove(address);
        } else if let Some(Property::Object(inputs)) = resources.get_mut(address) {
            for change in &found.diff {
                set(inputs, &change.property, change.after.as_ref());
            }
        }
    }
}

/// Sets what is at `path`: names joined by dots, which may hold dots themselves.
fn set(map: &mut Properties, path: &str, value: Option<&Value>) {
    for (key, inside) in map.iter_mut() {
        let rest = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('.'));
        if let (Some(rest), Property::Object(inside)) = (rest, inside) {
            return set(inside, rest, value);
        }
    }
    match value {
        Some(value) => map.insert(path.to_owned(), Property::from_json(value)),
        None => map.remove(path),
    };
}

fn function(function: &FunctionAnswer) -> Property {
    let mut map = Properties::from([
        ("functionName".to_owned(), Property::text(&function.function_name)),
        ("arn".to_owned(), Property::text(&function.arn)),
    ]);
    let endpoint = function.endpoint.as_ref();
    map.extend(endpoint.map(|endpoint| ("endpoint".to_owned(), Property::text(endpoint))));
    Property::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_found_is_laid_over_what_the_log_says() {
        let resources =
            json!({ "api": { "port": 1 }, "function.a": { "environment_variables": { "A.B": "1" } } });
        let mut resources = from_json_map(resources.as_object().expect("an object"));
        let drift = json!([
            { "address": "api", "kind": "k", "missing": true, "diff": [] },
            { "address": "function.a", "kind": "k", "missing": false, "diff": [
                { "property": "environment_variables.A.B", "before": "1", "after": "2" },
                { "property": "outputs.arn", "before": "x", "after": "y" },
            ] },
        ]);
        lay_drift(&mut resources, &serde_json::from_value::<Vec<DriftAnswer>>(drift).expect("drift"));
        let expected =
            json!({ "function.a": { "environment_variables": { "A.B": "2" }, "outputs.arn": "y" } });
        assert_eq!(Property::Object(resources).to_json(), Some(expected));
    }
}
