//! The environment of a replica: a documented set and the user's variables, nothing of the host's.
//!
//! A command gets `PATH` (of who deployed it), `HOME`, `TMPDIR`, `LANG`, the component's variables, and last what nobody can
//! change: `PORT` (where it has to listen, on 127.0.0.1), `SEMANTEST_SERVICE` and `SEMANTEST_REPLICA` (who it is),
//! `SEMANTEST_STATE_DIR` (whose it is). A container gets the component's variables, `PORT` and who it is.

use std::collections::BTreeMap;

use crate::host::definition::EnvironmentValue;
use crate::replicas::revision::Revision;

/// Names one run of a replica: no two have the same value.
pub(crate) const REPLICA: &str = "SEMANTEST_REPLICA";

/// What a program needs of the host's own environment to be found and to work.
const PASSED_ON: [&str; 3] = ["HOME", "TMPDIR", "SystemRoot"];

/// Where a container engine's program finds its engine.
pub(crate) const OF_ENGINES: [&str; 7] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
    "XDG_RUNTIME_DIR",
];

/// Whether an engine's program, or what that runs, heeds a variable of that name itself.
pub(crate) fn is_heeded_by_engines(name: &str) -> bool {
    name == "PATH" || name.starts_with("LD_") || PASSED_ON.contains(&name) || OF_ENGINES.contains(&name)
}

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// What the component says, and what a replica is told of itself.
///
/// # Errors
/// The reference of a secret that has no value.
pub(crate) fn own(revision: &Revision, identity: &str, port: u16) -> Result<Variables, String> {
    let definition = &revision.definition;
    let mut variables = Variables::new();
    for (name, value) in &definition.environment_variables {
        let value = match value {
            EnvironmentValue::Plain(text) => text,
            EnvironmentValue::Secret { secret, .. } => {
                revision.secrets.0.get(secret).ok_or_else(|| secret.clone())?
            }
        };
        variables.insert(name.clone(), value.clone());
    }
    variables.insert("PORT".into(), port.to_string());
    variables.insert("SEMANTEST_SERVICE".into(), definition.name.clone());
    variables.insert(REPLICA.into(), identity.to_owned());
    Ok(variables)
}

/// What a program of this machine gets beneath its own.
pub(crate) fn of_process(search_path: &str) -> Variables {
    let mut variables = inherited(&PASSED_ON);
    variables.insert("PATH".into(), search_path.to_owned());
    variables.insert("LANG".into(), "en_US.UTF-8".into());
    // What is printed shows in the log at once; and nothing is written into the package.
    variables.insert("PYTHONUNBUFFERED".into(), "1".into());
    variables.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
    variables
}

/// What an engine's program gets.
pub(crate) fn of_engine(search_path: &str) -> Variables {
    let mut variables = inherited(&PASSED_ON);
    variables.extend(inherited(&OF_ENGINES));
    variables.insert("PATH".into(), search_path.to_owned());
    variables
}

fn inherited(names: &[&str]) -> Variables {
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}
