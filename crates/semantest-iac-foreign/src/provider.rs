//! A provider of another language.

use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Finding, FunctionAccess, NOTICE, Observed, Operation, Provider,
    ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_core::{ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::caller::{Caller, bounded, described};
use crate::foreign_object::{Argument, ForeignObject};
use crate::object::{Object, bare};

/// What a provider cannot do without.
const REQUIRED: [&str; 5] = ["lower", "observe", "apply", "delete", "discover"];

/// Keys of a resource.
const RESOURCE_KEYS: [&str; 8] =
    ["address", "kind", "inputs", "depends_on", "replace_on", "volatile_outputs", "steady_inputs", "role"];

/// Secrets at least this long are looked for in what is recorded. Shorter ones would be found where they are not.
const SHORTEST_SECRET: usize = 8;

/// An object of another language as a provider.
pub struct ForeignProvider {
    pub(crate) caller: Caller,
}

impl ForeignProvider {
    /// The provider `name`.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is none, and for an object that lacks methods.
    pub fn new(name: &str, object: Arc<dyn ForeignObject>) -> Result<Self> {
        check_name("a provider", name)?;
        let caller = Caller::new(object, "provider", ErrorKind::Provider, &REQUIRED)?;
        Ok(Self { caller: caller.named(name) })
    }

    /// The resources in an answer: a list, or an object by address.
    fn resources(&self, answer: Value) -> Result<Vec<Resource>> {
        let expected = "a list of resources {address, kind, inputs, …}, or an object of them by address";
        let refuse = |what: String| self.caller.refuse("lower", what, expected);
        let found = match answer {
            Value::Array(items) => items.into_iter().map(|item| (None, item)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, item)| (Some(key), item)).collect::<Vec<_>>(),
            other => return Err(refuse(described(&other).into())),
        };
        let resource = |(key, item): (Option<String>, Value)| {
            // Reading alone would pass over a misspelt key, since a newer version may have more of them.
            let unknown = item
                .as_object()
                .and_then(|map| map.keys().find(|key| !RESOURCE_KEYS.contains(&key.as_str())));
            if let Some(unknown) = unknown {
                let known = RESOURCE_KEYS.join(", ");
                return Err(refuse(format!("a resource with `{}` (it may have {known})", bounded(unknown))));
            }
            let Object(resource): Object<Resource> = self.caller.read("lower", item, expected)?;
            match key.filter(|key| key != resource.address.as_str()) {
                Some(key) => {
                    let (key, address) = (bounded(&key), bounded(resource.address.as_str()));
                    Err(refuse(format!("the resource `{address}` under the address `{key}`")))
                }
                None => Ok(resource),
            }
        };
        found.into_iter().map(resource).collect()
    }
}

/// A change with the values of its secrets: for the call, and for nothing else.
fn with_secrets(change: &Change) -> Argument {
    let secrets =
        change.secrets.iter().map(|(reference, value)| (reference.to_owned(), value.reveal().into()));
    Argument::Json(json!({
        "action": change.action,
        "resource": change.resource,
        "previous_inputs": change.previous_inputs,
        "changed": change.changed,
        "secrets": secrets.collect::<Map<String, Value>>(),
    }))
}

/// The reference of a secret whose value stands in `value`.
fn revealed_in<'a>(value: &Value, secrets: &'a ResolvedSecrets) -> Option<&'a str> {
    match value {
        Value::String(text) => {
            let shown = |secret: &str| secret.len() >= SHORTEST_SECRET && text.contains(secret);
            secrets.iter().find(|(_, secret)| shown(secret.reveal())).map(|(reference, _)| reference)
        }
        Value::Array(items) => items.iter().find_map(|item| revealed_in(item, secrets)),
        Value::Object(map) => map.values().find_map(|item| revealed_in(item, secrets)),
        _ => None,
    }
}

#[async_trait]
impl Provider for ForeignProvider {
    fn name(&self) -> &str {
        self.caller.name()
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        let arguments = vec![Argument::of(blueprint), Argument::of(settings)];
        ResourceGraph::new(self.resources(self.caller.answer_at_once("lower", arguments)?)?)
            .map_err(|error| error.with("provider", self.name()))
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let expected = "null, or {id: text, inputs: object, outputs: object}";
        let seen: Option<Object<Observed>> =
            self.caller.ask("observe", vec![Argument::of(resource)], expected).await?;
        Ok(seen.map(|Object(seen)| seen))
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        let expected = "{id: text, outputs: object, adopted: true or false}";
        let arguments = vec![with_secrets(change), Argument::of(operation)];
        let applied: Result<Object<Applied>> = self.caller.ask("apply", arguments, expected).await;
        let Object(applied) = applied.map_err(|error| change.secrets.redacted(error))?;
        // What is answered is recorded.
        let told = Value::Array(vec![applied.id.as_str().into(), applied.outputs.clone().into()]);
        match revealed_in(&told, &change.secrets) {
            Some(reference) => {
                let what = format!("the value of the secret `{}`", bounded(reference));
                Err(self.caller.refuse("apply", what, "outputs without secrets, since they are recorded"))
            }
            None => Ok(applied),
        }
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        self.caller.answer("delete", vec![Argument::of(resource), Argument::of(operation)]).await.map(drop)
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        let expected = "a list of {tags: {project, environment, component, address}, kind: text, id: text}";
        let found = self.caller.ask("discover", vec![Argument::of(scope)], expected).await?;
        let found: Vec<Discovered> = bare(found);
        // What is found may be taken away as an orphan: nothing of somebody else's comes through here.
        let outside = found.iter().find(|found| {
            found.tags.project != scope.project
                || found.tags.environment != scope.environment
                || scope.component.as_ref().is_some_and(|component| *component != found.tags.component)
        });
        match outside {
            Some(found) => {
                let what = format!("`{}`, which is outside the scope", bounded(&found.id));
                Err(self.caller.refuse("discover", what, "resources whose tags are those of the scope"))
            }
            None => Ok(found),
        }
    }

    async fn default_region(&self) -> Option<String> {
        if !self.caller.has("default_region") {
            return None;
        }
        let region = self.caller.ask("default_region", Vec::new(), "text or null").await;
        region.unwrap_or_else(|error| {
            tracing::warn!(target: NOTICE, provider = self.name(), error = %error, "the default region is not known");
            None
        })
    }

    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        if !self.caller.has("diagnose") {
            return Ok(Vec::new());
        }
        let expected = "a list of {name: text, ok: true or false, detail: text}";
        self.caller.ask("diagnose", vec![Argument::of(settings)], expected).await.map(bare)
    }

    fn functions(&self) -> Option<&dyn FunctionAccess> {
        let can = self.caller.has("invoke") || self.caller.has("logs");
        can.then_some(self as &dyn FunctionAccess)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_keys_of_a_resource_are_those_of_the_core() {
        let schema = schemars::schema_for!(Resource).to_value();
        let keys = schema["properties"].as_object().expect("properties").keys();
        assert_eq!(keys.map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(RESOURCE_KEYS));
    }
}
