//! The event catalogue as documents: JSON Schemas and AsyncAPI 3.0, generated from the Rust types.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::events::envelope::{Envelope, TYPE_PREFIX};
use crate::events::{EVENT_NAMES, current_version, data_schema};

/// Every document by its path under `schemas/`: one schema an event, the envelope, and the AsyncAPI description.
pub fn documents() -> BTreeMap<String, Value> {
    let mut documents = BTreeMap::new();
    for name in EVENT_NAMES {
        if let Some(schema) = data_schema(name) {
            documents.insert(format!("events/{name}.schema.json"), schema);
        }
    }
    documents.insert("envelope.schema.json".into(), Envelope::json_schema());
    documents.insert("asyncapi.json".into(), asyncapi());
    documents
}

/// AsyncAPI 3.0 description: requests are received, facts are sent, each as a CloudEvents 1.0 message.
///
/// Source: AsyncAPI Specification 3.0.0.
pub fn asyncapi() -> Value {
    let (mut messages, mut references) = (Map::new(), Map::new());
    for name in EVENT_NAMES {
        messages.insert((*name).into(), message(name));
        references.insert((*name).into(), json!({ "$ref": format!("#/components/messages/{name}") }));
    }
    let listed = |requests: bool| -> Vec<Value> {
        let names = EVENT_NAMES.iter().filter(|name| name.ends_with("Requested") == requests);
        names.map(|name| json!({ "$ref": format!("#/channels/deployment/messages/{name}") })).collect()
    };
    let channel = json!({ "$ref": "#/channels/deployment" });
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "semantest-iac infrastructure events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Requests come in, facts go out. Every message is a CloudEvents 1.0 event in structured \
                            JSON mode; `sequence` is its place in the deployment's stream.",
            "license": { "name": "MIT OR Apache-2.0" }
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "deployment": {
                "address": "{project}/{environment}/{component}",
                "description": "The stream of one deployment.",
                "parameters": { "project": {}, "environment": {}, "component": {} },
                "messages": references
            }
        },
        "operations": {
            "receiveRequest": { "action": "receive", "channel": channel, "messages": listed(true) },
            "publishFact": { "action": "send", "channel": channel, "messages": listed(false) }
        },
        "components": { "messages": messages }
    })
}

fn message(name: &str) -> Value {
    let version = current_version(name).unwrap_or(1);
    let schema = data_schema(name).unwrap_or_default();
    let summary = schema.get("description").cloned().unwrap_or_default();
    json!({
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/cloudevents+json",
        "headers": {
            "type": "object",
            "properties": {
                "type": { "const": format!("{TYPE_PREFIX}{name}") },
                "dataschema": { "const": format!("urn:semantest-iac:{name}:{version}") }
            }
        },
        "payload": { "schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema }
    })
}
