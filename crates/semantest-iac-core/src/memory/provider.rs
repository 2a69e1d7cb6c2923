//! A cloud in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::resource::{Address, Properties, Reference, Resource, ResourceRole};
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::domain::names::physical_name;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::provider::{
    Applied, Change, Discovered, Finding, Observed, Operation, OwnershipTags, Provider, ProviderSettings,
    ResourceHandle, Scope,
};

/// What one resource is in the cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Whose it is; absent for what is not ours.
    pub tags: Option<OwnershipTags>,
    /// What it is.
    pub kind: String,
    /// As it was last made.
    pub inputs: Properties,
    /// As answered.
    pub outputs: Properties,
}

/// A cloud in memory. Every resource has a `name`, which is its id: names are unique, as in most clouds.
#[derive(Debug, Default)]
pub struct InMemoryProvider {
    held: Mutex<BTreeMap<String, Held>>,
    calls: Mutex<Vec<String>>,
    default_region: Mutex<Option<String>>,
}

impl InMemoryProvider {
    /// Everything there is, by id.
    pub fn held(&self) -> BTreeMap<String, Held> {
        self.lock().clone()
    }

    /// Changes the cloud behind the log's back.
    pub fn tamper(&self, change: impl FnOnce(&mut BTreeMap<String, Held>)) {
        change(&mut self.lock());
    }

    /// Calls made so far: `apply function.a`, `observe api`, ….
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The region where a deployment names none, from now on.
    pub fn set_default_region(&self, region: &str) {
        *self.region() = Some(region.to_owned());
    }

    fn region(&self) -> MutexGuard<'_, Option<String>> {
        self.default_region.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, call: &str, address: &Address) {
        let mut calls = self.calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        calls.push(format!("{call} {address}"));
    }
}

fn name_of(inputs: &Properties) -> Result<String> {
    inputs.get("name").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "memory.apply", "a resource in memory needs a `name`")
    })
}

/// The name, which is the id too: an orphan has nothing but that.
fn name_or_id(resource: &ResourceHandle) -> Result<String> {
    name_of(&resource.inputs).or_else(|error| resource.id.clone().ok_or(error))
}

/// What the name of a function's URL ends with.
const URL: &str = "-url";

fn outputs_of(kind: &str, name: &str, code: Option<&Value>) -> Properties {
    let mut outputs = Properties::new();
    outputs.insert("arn".into(), json!(format!("mem:{kind}:{name}")));
    match kind {
        "memory.function" => {
            outputs.insert("function_name".into(), json!(name));
            outputs.insert("version".into(), code.cloned().unwrap_or_default());
        }
        "memory.api" => {
            outputs.insert("api_id".into(), json!(name));
            outputs.insert("endpoint".into(), json!(format!("http://{name}.memory")));
        }
        "memory.function_url" => {
            outputs.insert("function_name".into(), json!(name.strip_suffix(URL)));
            outputs.insert("endpoint".into(), json!(format!("http://{name}.memory")));
        }
        "memory.service" => {
            outputs.insert("service_name".into(), json!(name));
        }
        _ => {
            outputs.insert("endpoint".into(), json!(format!("http://{name}.memory")));
        }
    }
    outputs
}

#[async_trait]
impl Provider for InMemoryProvider {
    fn name(&self) -> &str {
        "memory"
    }

    fn lower(&self, blueprint: &Blueprint, _settings: &ProviderSettings) -> Result<ResourceGraph> {
        let base = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
        let name = |role: &str| physical_name(&[base.as_slice(), &[role]].concat(), 64);
        let mut resources = Vec::new();
        for function in &blueprint.functions {
            let mut inputs = to_properties(function);
            inputs.insert("name".into(), json!(name(&function.role)));
            let mut resource =
                Resource::new(format!("function.{}", function.role), "memory.function", inputs);
            resource.role = Some(ResourceRole::Function);
            resource.volatile_outputs.insert("version".into());
            resource.replace_on.insert("runtime".into());
            let arn = Reference::text(&resource.address, "arn");
            resources.push(resource);
            if let Some(url) = &function.url {
                let mut inputs = to_properties(url);
                inputs.insert("name".into(), json!(name(&function.role) + URL));
                inputs.insert("function".into(), json!(arn));
                let mut resource =
                    Resource::new(format!("function.{}.url", function.role), "memory.function_url", inputs);
                resource.role = Some(ResourceRole::FunctionUrl);
                resources.push(resource);
            }
        }
        if let Some(api) = &blueprint.api {
            let mut inputs = Properties::from_iter([("name".to_owned(), json!(name("api")))]);
            for route in &api.routes {
                let target = Address::from(format!("function.{}", route.function));
                inputs.insert(route.route_key.clone(), json!(Reference::text(&target, "arn")));
            }
            let mut resource = Resource::new("api", "memory.api", inputs);
            resource.role = Some(ResourceRole::ApiGateway);
            resources.push(resource);
        }
        if let Some(service) = &blueprint.service {
            let mut inputs = to_properties(service);
            inputs.insert("name".into(), json!(name("service")));
            let mut resource = Resource::new("service", "memory.service", inputs);
            resource.role = Some(ResourceRole::ContainerService);
            resources.push(resource);
        }
        if let Some(balancer) = &blueprint.load_balancer {
            let mut inputs = to_properties(balancer);
            inputs.insert("name".into(), json!(name("balancer")));
            inputs.insert("service".into(), json!(Reference::text(&"service".into(), "arn")));
            let mut resource = Resource::new("balancer", "memory.balancer", inputs);
            resource.role = Some(ResourceRole::LoadBalancer);
            resources.push(resource);
        }
        ResourceGraph::new(resources)
    }

    async fn default_region(&self) -> Option<String> {
        self.region().clone()
    }

    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        let region = settings.region.clone().or(self.region().clone());
        let detail = region.clone().unwrap_or_else(|| "no region is set".into());
        Ok(vec![Finding { name: "region".into(), ok: region.is_some(), detail }])
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        self.note("observe", &resource.tags.address);
        let name = name_or_id(resource)?;
        let held = self.lock().get(&name).cloned();
        let ours = held.filter(|held| held.tags.as_ref() == Some(&resource.tags));
        Ok(ours.map(|held| Observed { id: name, inputs: held.inputs, outputs: held.outputs }))
    }

    async fn apply(&self, change: &Change, _operation: &Operation) -> Result<Applied> {
        let ResourceHandle { tags, kind, inputs, .. } = &change.resource;
        self.note("apply", &tags.address);
        let name = name_of(inputs)?;
        let mut held = self.lock();
        let adopted = match held.get(&name) {
            Some(other) if other.tags.as_ref() != Some(tags) => {
                let text = format!("`{name}` exists and is not ours: rename it or take it away by hand");
                return Err(Error::new(ErrorKind::AlreadyExists, "memory.apply", text));
            }
            Some(_) => change.resource.id.is_none(),
            None => false,
        };
        let outputs = outputs_of(kind, &name, inputs.get("package"));
        let tags = Some(tags.clone());
        held.insert(
            name.clone(),
            Held { tags, kind: kind.clone(), inputs: inputs.clone(), outputs: outputs.clone() },
        );
        Ok(Applied { id: name, outputs, adopted })
    }

    async fn delete(&self, resource: &ResourceHandle, _operation: &Operation) -> Result<()> {
        self.note("delete", &resource.tags.address);
        let name = name_or_id(resource)?;
        let mut held = self.lock();
        if held.get(&name).is_some_and(|held| held.tags.as_ref() == Some(&resource.tags)) {
            held.remove(&name);
        }
        Ok(())
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        let ours = |tags: &OwnershipTags| {
            tags.project == scope.project
                && tags.environment == scope.environment
                && scope.component.as_ref().is_none_or(|component| *component == tags.component)
        };
        let held = self.lock();
        let found = held.iter().filter_map(|(id, held)| {
            let tags = held.tags.clone().filter(ours)?;
            Some(Discovered { tags, kind: held.kind.clone(), id: id.clone() })
        });
        Ok(found.collect())
    }
}

fn to_properties(value: &impl serde::Serialize) -> Properties {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Properties::new(),
    }
}
