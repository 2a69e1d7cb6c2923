//! `schema`

use semantest_iac::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::Exit;
use crate::arguments::SchemaArguments;
use crate::schemas;
use crate::session::Session;

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
        session.output.note(&format!("{} schemas in {}", documents.len(), folder.display()));
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
        Some(path) => documents.get(&path).cloned().ok_or_else(|| unknown(&path))?,
    };
    session.output.line(&serde_json::to_string_pretty(&document).unwrap_or_default());
    Ok(Exit::DONE)
}

fn unknown(path: &str) -> Error {
    let names = semantest_iac::events::EVENT_NAMES.join(", ");
    let text = format!("there is no schema {path}; events are: {names}");
    Error::new(ErrorKind::InvalidInput, "schema.find", text)
}
