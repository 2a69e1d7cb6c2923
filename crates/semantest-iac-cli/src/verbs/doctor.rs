//! `doctor`

use std::path::Path;

use schemars::JsonSchema;
use semantest_iac::interpreter::{self, RuntimeFamily};
use semantest_iac::{Iac, ProjectFile, Result};
use serde::Serialize;

use super::status::HostState;
use crate::Exit;
use crate::session::Session;

/// The answer of `doctor`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DoctorAnswer {
    /// Whether nothing is missing.
    ok: bool,
    /// One after the other.
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    /// What was looked at.
    name: String,
    /// Whether it is as it should be.
    ok: bool,
    /// What was found, and what to do.
    detail: String,
}

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let directory = session.directory();
    let project = ProjectFile::load(&directory);
    let mut checks = vec![match &project {
        Ok(file) => check("project file", true, format!("{} is well formed", file.directory().display())),
        Err(error) => check("project file", false, error.message().to_owned()),
    }];
    checks.push(writable(&directory));
    let runtimes = match &project {
        Ok(file) if !file.runtimes().is_empty() => file.runtimes(),
        _ => vec!["python3.11".to_owned(), "nodejs20.x".to_owned()],
    };
    checks.extend(runtimes.iter().map(|runtime| runtime_check(runtime)));
    // A folder without a project, or with a log that cannot be opened, has no host to speak of.
    if let Ok(iac) = Iac::builder(&directory).lenient().open().await {
        let host = HostState::of(&iac).await;
        checks.push(check("local host", host != HostState::Silent, host.words().to_owned()));
    }
    let ok = checks.iter().all(|check| check.ok);
    let line = |check: &Check| {
        format!("{} {:<16} {}", if check.ok { "ok     " } else { "missing" }, check.name, check.detail)
    };
    let text = checks.iter().map(line).collect::<Vec<_>>().join("\n");
    session.output.result(&DoctorAnswer { ok, checks }, &text);
    Ok(if ok { Exit::DONE } else { Exit::FAILED })
}

fn check(name: &str, ok: bool, detail: String) -> Check {
    Check { name: name.to_owned(), ok, detail }
}

/// Whether the log can be kept beside the project file.
fn writable(directory: &Path) -> Check {
    let probe = directory.join(format!(".semantest-doctor-{}", std::process::id()));
    match std::fs::write(&probe, b"") {
        Ok(()) => {
            let _ = std::fs::remove_file(&probe);
            check("project folder", true, format!("{} can be written", directory.display()))
        }
        Err(error) => check("project folder", false, format!("{}: {error}", directory.display())),
    }
}

fn runtime_check(runtime: &str) -> Check {
    match RuntimeFamily::parse(runtime) {
        Some(RuntimeFamily::Provided) => {
            check(runtime, true, "the package brings its own `bootstrap`".into())
        }
        None => check(runtime, false, "is not known here: python3.x, nodejsNN.x and provided.* are".into()),
        Some(_) => match interpreter::find(runtime, &std::env::var("PATH").unwrap_or_default()) {
            Ok(found) => {
                let warning = found.warning.map(|warning| format!(" ({warning})")).unwrap_or_default();
                check(runtime, true, format!("{}{warning}", found.program.display()))
            }
            Err(missing) => check(runtime, false, missing),
        },
    }
}
