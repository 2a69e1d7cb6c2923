//! One file for each verb.

mod completions;
mod configure;
mod deploy;
mod destroy;
mod doctor;
mod events;
mod history;
mod init;
mod invoke;
mod local;
mod logs;
mod outputs;
mod plan;
mod refresh;
mod rollback;
mod scale;
mod schema;
mod status;

/// Answers of verbs that are not the facade's.
pub(crate) mod answers {
    pub(crate) use super::doctor::DoctorAnswer;
    pub(crate) use super::init::InitAnswer;
    pub(crate) use super::local::LocalStopAnswer;
    pub(crate) use super::logs::LogsAnswer;
    pub(crate) use super::outputs::OutputsAnswer;
}

use semantest_iac::answer::{DeployAnswer, RunStatus};
use semantest_iac::{ErrorKind, Result};
use serde_json::json;

use crate::Exit;
use crate::arguments::Verb;
use crate::output::Output;
use crate::render;
use crate::session::Session;

/// Carries out a verb.
pub(crate) async fn carry_out(session: &Session, verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Init(arguments) => init::run(session, &arguments),
        Verb::Deploy => deploy::run(session).await,
        Verb::Plan(arguments) => plan::run(session, &arguments).await,
        Verb::Status => status::run(session).await,
        Verb::Outputs => outputs::run(session).await,
        Verb::History(arguments) => history::run(session, &arguments).await,
        Verb::Events(arguments) => events::run(session, &arguments).await,
        Verb::Logs(arguments) => logs::run(session, &arguments).await,
        Verb::Invoke(arguments) => invoke::run(session, &arguments).await,
        Verb::Refresh => refresh::run(session).await,
        Verb::Rollback(arguments) => rollback::run(session, &arguments).await,
        Verb::Configure(arguments) => configure::run(session, &arguments).await,
        Verb::Scale(arguments) => scale::run(session, &arguments).await,
        Verb::Destroy(arguments) => destroy::run(session, &arguments).await,
        Verb::Local(arguments) => local::run(session, &arguments).await,
        Verb::Doctor => doctor::run(session),
        Verb::Schema(arguments) => schema::run(session, &arguments),
        Verb::Completions(arguments) => Ok(completions::run(&arguments)),
    }
}

/// Prints the answers of runs; one as it is, several under `deployments`. The worst of them decides the exit code.
fn conclude(output: &Output, answers: &[DeployAnswer]) -> Exit {
    let text = answers.iter().map(render::deploy).collect::<Vec<_>>().join("\n");
    match answers {
        [one] => output.result(one, &text),
        several => output.result(&json!({ "deployments": several }), &text),
    }
    let cancelled =
        |answer: &DeployAnswer| answer.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Cancelled);
    match answers {
        _ if answers.iter().any(cancelled) => Exit::INTERRUPTED,
        _ if answers.iter().any(|answer| answer.status == RunStatus::Failed) => Exit::FAILED,
        _ => Exit::DONE,
    }
}

/// Does the same with one component after the other, until one fails, and prints what came of it.
///
/// # Errors
/// The first component's, where its run did not begin; later ones are printed beside what was done before.
async fn one_by_one(
    output: &Output,
    components: Vec<String>,
    mut run: impl AsyncFnMut(String) -> Result<DeployAnswer>,
) -> Result<Exit> {
    let mut answers: Vec<DeployAnswer> = Vec::new();
    for component in components {
        match run(component).await {
            Ok(answer) => answers.push(answer),
            Err(error) if answers.is_empty() => return Err(error),
            Err(error) => {
                let record = error.to_record();
                let text = answers.iter().map(render::deploy).collect::<Vec<_>>().join("\n");
                output.result(&json!({ "deployments": answers, "error": record }), &text);
                return Ok(if output.is_json() { Exit::of(&error) } else { output.error(&error) });
            }
        }
        if answers.last().is_some_and(|answer| answer.status == RunStatus::Failed) {
            break;
        }
    }
    Ok(conclude(output, &answers))
}
