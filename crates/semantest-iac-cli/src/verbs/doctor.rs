//! `doctor`

use std::path::Path;

use schemars::JsonSchema;
use semantest_iac::interpreter::{self, RuntimeFamily};
use semantest_iac::ports::project::Project;
use semantest_iac::ports::provider::Finding;
use semantest_iac::{ErrorKind, Iac, ProjectFile, Result, diagnose_cloud};
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
    checks.extend(match session.global.provider.as_deref() {
        None | Some("local") => local_checks(&directory, project.as_ref().ok()).await,
        Some(provider) => provider_checks(session, &directory, provider).await?,
    });
    let ok = checks.iter().all(|check| check.ok);
    let line = |check: &Check| {
        format!("{} {:<16} {}", if check.ok { "ok     " } else { "missing" }, check.name, check.detail)
    };
    let text = checks.iter().map(line).collect::<Vec<_>>().join("\n");
    session.output.result(&DoctorAnswer { ok, checks }, &text);
    Ok(if ok { Exit::DONE } else { Exit::FAILED })
}

/// What this machine needs to run functions.
async fn local_checks(directory: &Path, project: Option<&ProjectFile>) -> Vec<Check> {
    let runtimes = project.map(ProjectFile::runtimes).filter(|runtimes| !runtimes.is_empty());
    let runtimes = runtimes.unwrap_or_else(|| vec!["python3.11".to_owned(), "nodejs20.x".to_owned()]);
    let mut checks: Vec<Check> = runtimes.iter().map(|runtime| runtime_check(runtime)).collect();
    // A folder without a project, or with a log that cannot be opened, has no host to speak of.
    if let Ok(iac) = Iac::builder(directory).lenient().open().await {
        let host = HostState::of(&iac).await;
        checks.push(check("local host", host != HostState::Silent, host.words().to_owned()));
        if host != HostState::Silent {
            let findings = iac.diagnose("local", None).await.unwrap_or_default();
            checks.extend(findings.into_iter().map(told));
        }
    }
    checks
}

/// What the provider itself finds. Without a project there may still be a cloud to speak of.
async fn provider_checks(session: &Session, directory: &Path, provider: &str) -> Result<Vec<Check>> {
    let found = match Iac::builder(directory).lenient().open().await {
        Ok(iac) => {
            let environment = iac.project().environment(&session.global.environment)?;
            let region = environment.filter(|one| one.provider == provider).and_then(|one| one.region);
            iac.diagnose(provider, region.as_deref()).await
        }
        Err(_) => diagnose_cloud(provider, None).await,
    };
    match found {
        Ok(findings) => Ok(findings.into_iter().map(told).collect()),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(error),
        Err(error) => Ok(vec![check(provider, false, error.message().to_owned())]),
    }
}

fn told(Finding { name, ok, detail }: Finding) -> Check {
    Check { name, ok, detail }
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
