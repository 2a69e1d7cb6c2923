//! `schema`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semantest_iac::domain::component::nearest;
use semantest_iac::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Exit;
use crate::arguments::SchemaArguments;
use crate::schemas;
use crate::session::Session;

/// The answer of `schema`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum SchemasAnswer {
    /// With `--out`.
    Written {
        /// The folder.
        directory: String,
        /// What was written, relative to it.
        files: Vec<String>,
    },
    /// A schema, or all by their path.
    #[allow(dead_code, reason = "documents are printed as they are")]
    Document(Map<String, Value>),
}

pub(super) fn run(session: &Session, arguments: &SchemaArguments) -> Result<Exit> {
    let documents = schemas::documents();
    if let Some(folder) = &arguments.out {
        for (path, document) in &documents {
            let target = folder.join(path);
            let text = serde_json::to_string_pretty(document).unwrap_or_default() + "\n";
            let written = target.parent().map_or(Ok(()), std::fs::create_dir_all);
            written.and_then(|()| std::fs::write(&target, text)).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, "schema.write", format!("{}: {error}", target.display()))
            })?;
        }
        let (directory, files) = (folder.display().to_string(), documents.into_keys().collect::<Vec<_>>());
        let text = format!("{} schemas in {directory}", files.len());
        match session.output.is_json() {
            true => session.output.result(&SchemasAnswer::Written { directory, files }, ""),
            false => session.output.note(&text),
        }
        return Ok(Exit::DONE);
    }
    let wanted = match (&arguments.name, &arguments.verb) {
        _ if arguments.project_file => Some("semantest.schema.json".to_owned()),
        (_, Some(verb)) => Some(format!("cli/{verb}.schema.json")),
        (Some(name), _) if name == "asyncapi" => Some("asyncapi.json".to_owned()),
        (Some(name), _) if name == "envelope" => Some("envelope.schema.json".to_owned()),
        (Some(name), _) => Some(format!("events/{name}.schema.json")),
        (None, None) => None,
    };
    let document = match wanted {
        None => Value::Object(documents.into_iter().collect()),
        Some(path) => documents.get(&path).cloned().ok_or_else(|| unknown(arguments, &documents))?,
    };
    session.output.raw(&serde_json::to_string_pretty(&document).unwrap_or_default());
    Ok(Exit::DONE)
}

/// An error that lists what there is, and names what was perhaps meant.
fn unknown(arguments: &SchemaArguments, documents: &BTreeMap<String, Value>) -> Error {
    let in_folder = |folder: &str| {
        let names =
            documents.keys().filter_map(|path| path.strip_prefix(folder)?.strip_suffix(".schema.json"));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (what, name, known) = match (&arguments.verb, &arguments.name) {
        (Some(verb), _) => ("verb", verb.as_str(), in_folder("cli/")),
        (None, name) => {
            let mut known = in_folder("events/");
            known.extend(["envelope".to_owned(), "asyncapi".to_owned()]);
            ("event", name.as_deref().unwrap_or_default(), known)
        }
    };
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let text = format!("there is no schema of {what} `{name}`; {hint}There are: {}", known.join(", "));
    Error::new(ErrorKind::InvalidInput, "schema.find", text)
}
