//! Every schema there is: events, project file, and the JSON answer of each verb.

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};
use semantest_iac::answer::{DeployAnswer, DeploymentAnswer};
use semantest_iac::events::catalogue;
use semantest_iac::{DiscoverAnswer, PublishAnswer};
use semantest_iac::{ErrorRecord, project_file};
use serde_json::Value;

use crate::several::{Plans, Refreshes, Runs};
use crate::verbs::answers::{
    CompletionsAnswer, DevLine, DoctorAnswer, InitAnswer, Invoked, LocalStopAnswer, LogsAnswer,
    OutputsAnswer, SchemasAnswer, StatusOfAll,
};

/// An error, as any verb prints it.
#[derive(JsonSchema)]
#[schemars(title = "error")]
#[allow(dead_code, reason = "only its schema is used")]
struct ErrorAnswer {
    /// What went wrong.
    error: ErrorRecord,
}

/// The answer of `history` and `events`.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct EventsAnswer {
    /// CloudEvents 1.0 objects, oldest first (`envelope.schema.json`).
    events: Vec<Value>,
    /// With `history --at`: the deployment as it was.
    state: Option<DeploymentAnswer>,
}

/// Every document by its path under `schemas/`.
pub fn documents() -> BTreeMap<String, Value> {
    let mut documents = catalogue::documents();
    documents.insert("semantest.schema.json".into(), project_file::json_schema());
    let runs = schema_for!(Runs).to_value();
    for verb in ["deploy", "destroy"] {
        documents.insert(format!("cli/{verb}.schema.json"), runs.clone());
    }
    let run = schema_for!(DeployAnswer).to_value();
    for verb in ["rollback", "scale", "configure"] {
        documents.insert(format!("cli/{verb}.schema.json"), run.clone());
    }
    let events = schema_for!(EventsAnswer).to_value();
    for verb in ["history", "events"] {
        documents.insert(format!("cli/{verb}.schema.json"), events.clone());
    }
    let others = [
        ("plan", schema_for!(Plans)),
        ("dev", schema_for!(DevLine)),
        ("status", schema_for!(StatusOfAll)),
        ("outputs", schema_for!(OutputsAnswer)),
        ("publish", schema_for!(PublishAnswer)),
        ("logs", schema_for!(LogsAnswer)),
        ("invoke", schema_for!(Invoked)),
        ("refresh", schema_for!(Refreshes)),
        ("schema", schema_for!(SchemasAnswer)),
        ("completions", schema_for!(CompletionsAnswer)),
        ("discover", schema_for!(DiscoverAnswer)),
        ("doctor", schema_for!(DoctorAnswer)),
        ("init", schema_for!(InitAnswer)),
        ("local-stop", schema_for!(LocalStopAnswer)),
        ("error", schema_for!(ErrorAnswer)),
    ];
    for (verb, schema) in others {
        documents.insert(format!("cli/{verb}.schema.json"), schema.to_value());
    }
    documents
}
