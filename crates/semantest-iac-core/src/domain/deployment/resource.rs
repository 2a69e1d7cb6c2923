//! A resource: one thing in one cloud.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Properties by name. Values may hold `${address.output}` references and `{"secret": …}` objects; inside
/// `environment_variables`, `config` and `tags` (the user's own text) `${…}` is not a reference.
pub type Properties = Map<String, Value>;

/// Address of a resource inside its graph, e.g. `function.rest-api`. Letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// An address; whether it is well formed is judged by `ResourceGraph::new`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What the outside world calls a resource; decides which outcome fact is published for it.
///
/// A resource that has a part to play gives it through outputs of fixed names: `arn`, `endpoint`,
/// and `function_name`, `api_id`, `service_name` or `stack_name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceRole {
    /// A function: `FunctionDeployed`.
    Function,
    /// The URL of a function, which `function_name` names: its `endpoint` is told with the function (`FunctionDeployed`).
    FunctionUrl,
    /// An API: `ApiGatewayDeployed`; its `endpoint` is the component's.
    ApiGateway,
    /// A container service: `ContainerServiceDeployed`.
    ContainerService,
    /// A load balancer: `LoadBalancerDeployed`; its `endpoint` is the component's.
    LoadBalancer,
    /// A stack: `StackDeployed`; an output `endpoint` is the component's.
    Stack,
}

/// A wanted resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    /// Where it stands in its graph.
    pub address: Address,
    /// Provider's word for what it is, e.g. `local.function`, `aws.iam_role`.
    pub kind: String,
    /// What it should be. Deterministic: the same blueprint gives the same inputs.
    pub inputs: Properties,
    /// Dependencies beside those that references in `inputs` imply.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// Top-level inputs that the cloud cannot change in place.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub replace_on: BTreeSet<String>,
    /// Outputs that an update in place may change; whatever refers to one is updated too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub volatile_outputs: BTreeSet<String>,
    /// Top-level inputs whose change leaves every output as it is, volatile ones too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub steady_inputs: BTreeSet<String>,
    /// Whether the outside world hears of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ResourceRole>,
}

impl Resource {
    /// A resource with nothing but inputs; set further fields directly.
    pub fn new(address: impl Into<Address>, kind: impl Into<String>, inputs: Properties) -> Self {
        Self {
            address: address.into(),
            kind: kind.into(),
            inputs,
            depends_on: BTreeSet::new(),
            replace_on: BTreeSet::new(),
            volatile_outputs: BTreeSet::new(),
            steady_inputs: BTreeSet::new(),
            role: None,
        }
    }

    /// Every `${address.output}` in the inputs.
    pub fn references(&self) -> Vec<Reference> {
        references_of(&self.inputs)
    }
}

/// Every `${address.output}` in `inputs`.
pub fn references_of(inputs: &Properties) -> Vec<Reference> {
    let mut found = Vec::new();
    collect_in_map(inputs, &mut found);
    found
}

/// `${address.output}`: the output is what follows the last dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The resource referred to.
    pub address: Address,
    /// Its output.
    pub output: String,
}

impl Reference {
    /// The text that refers to `output` of `address`.
    pub fn text(address: &Address, output: &str) -> String {
        format!("${{{address}.{output}}}")
    }
}

/// Finds the references in one text, with the byte range each takes.
pub fn references_in(text: &str) -> Vec<(std::ops::Range<usize>, Reference)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| at + from) {
        let Some(end) = text[start..].find('}').map(|at| at + start) else { break };
        if let Some((address, output)) = text[start + 2..end].rsplit_once('.')
            && !address.is_empty()
            && !output.is_empty()
        {
            let reference = Reference { address: Address::from(address), output: output.to_owned() };
            found.push((start..end + 1, reference));
        }
        from = end + 1;
    }
    found
}

fn collect_references(value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::String(text) => found.extend(references_in(text).into_iter().map(|(_, reference)| reference)),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(map) => collect_in_map(map, found),
        _ => {}
    }
}

fn collect_in_map(map: &Properties, found: &mut Vec<Reference>) {
    let ours = map.iter().filter(|(key, _)| !is_verbatim(key));
    ours.for_each(|(_, item)| collect_references(item, found));
}

/// Whether what stands under `key` is the user's own text: a `${…}` in it is not ours to read.
pub fn is_verbatim(key: &str) -> bool {
    matches!(key, "environment_variables" | "config" | "tags")
}

/// Puts the outputs that `look_up` knows in the place of references. A text that is nothing but one
/// reference takes the output's own JSON type.
///
/// # Errors
/// The first reference that `look_up` does not know.
pub fn substitute(
    inputs: &Properties,
    look_up: &impl Fn(&Reference) -> Option<Value>,
) -> Result<Properties, Reference> {
    inputs
        .iter()
        .map(|(key, value)| {
            let value = if is_verbatim(key) { value.clone() } else { substitute_value(value, look_up)? };
            Ok((key.clone(), value))
        })
        .collect()
}

fn substitute_value(
    value: &Value,
    look_up: &impl Fn(&Reference) -> Option<Value>,
) -> Result<Value, Reference> {
    match value {
        Value::String(text) => substitute_text(text, look_up),
        Value::Array(items) => items
            .iter()
            .map(|item| substitute_value(item, look_up))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(map) => substitute(map, look_up).map(Value::Object),
        other => Ok(other.clone()),
    }
}

fn substitute_text(text: &str, look_up: &impl Fn(&Reference) -> Option<Value>) -> Result<Value, Reference> {
    let found = references_in(text);
    let mut out = String::new();
    let mut from = 0;
    for (range, reference) in found {
        let Some(value) = look_up(&reference) else { return Err(reference) };
        if range == (0..text.len()) {
            return Ok(value);
        }
        out.push_str(&text[from..range.start]);
        match value {
            Value::String(part) => out.push_str(&part),
            other => out.push_str(&other.to_string()),
        }
        from = range.end;
    }
    out.push_str(&text[from..]);
    Ok(Value::String(out))
}
