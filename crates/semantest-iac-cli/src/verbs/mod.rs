//! One file for each verb.

mod completions;
mod configure;
mod deploy;
mod destroy;
mod dev;
mod discover;
mod doctor;
mod events;
mod history;
mod init;
mod invoke;
mod local;
mod logs;
mod orphans;
mod outputs;
mod plan;
mod publish;
mod refresh;
mod rollback;
mod scale;
mod schema;
mod status;

/// Answers of verbs that are not the facade's.
pub(crate) mod answers {
    pub(crate) use super::completions::CompletionsAnswer;
    pub(crate) use super::dev::DevLine;
    pub(crate) use super::doctor::DoctorAnswer;
    pub(crate) use super::init::InitAnswer;
    pub(crate) use super::invoke::Invoked;
    pub(crate) use super::local::LocalStopAnswer;
    pub(crate) use super::logs::LogsAnswer;
    pub(crate) use super::outputs::OutputsAnswer;
    pub(crate) use super::schema::SchemasAnswer;
    pub(crate) use super::status::StatusOfAll;
}

use futures::stream::{self, StreamExt};
use semantest_iac::answer::{DeployAnswer, DeploymentAnswer, RunStatus};
use semantest_iac::domain::deployment::plan::ChangeCounts;
use semantest_iac::ports::project::Project;
use semantest_iac::{Error, ErrorKind, Iac, Result};

use crate::Exit;
use crate::arguments::Verb;
use crate::output::Output;
use crate::render;
use crate::session::Session;
use crate::several::{Failure, Runs, SeveralRuns, worst};

/// Carries out a verb.
pub(crate) async fn carry_out(session: &Session, verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Init(arguments) => init::run(session, &arguments),
        Verb::Deploy => deploy::run(session).await,
        Verb::Dev(arguments) => dev::run(session, &arguments).await,
        Verb::Plan(arguments) => plan::run(session, &arguments).await,
        Verb::Status => status::run(session).await,
        Verb::Outputs => outputs::run(session).await,
        Verb::History(arguments) => history::run(session, &arguments).await,
        Verb::Events(arguments) => events::run(session, &arguments).await,
        Verb::Logs(arguments) => logs::run(session, &arguments).await,
        Verb::Invoke(arguments) => invoke::run(session, &arguments).await,
        Verb::Refresh(arguments) => refresh::run(session, &arguments).await,
        Verb::Rollback(arguments) => rollback::run(session, &arguments).await,
        Verb::Configure(arguments) => configure::run(session, &arguments).await,
        Verb::Scale(arguments) => scale::run(session, &arguments).await,
        Verb::Destroy(arguments) if arguments.orphans => orphans::run(session, &arguments).await,
        Verb::Destroy(arguments) => destroy::run(session, &arguments).await,
        Verb::Discover => discover::run(session).await,
        Verb::Local(arguments) => local::run(session, &arguments).await,
        Verb::Doctor => doctor::run(session).await,
        Verb::Schema(arguments) => schema::run(session, &arguments),
        Verb::Completions(arguments) => Ok(completions::run(session, &arguments)),
    }
}

/// Deployments of the environment that are there: of the components that were named, or all, also what the project no
/// longer defines.
async fn live(session: &Session, iac: &Iac) -> Result<Vec<DeploymentAnswer>> {
    let mut deployments = session.deployments(iac).await?;
    deployments.retain(|deployment| deployment.status != "removed");
    Ok(deployments)
}

/// Does the same with one component after the other. What cannot be done with one keeps nothing from the others.
///
/// # Errors
/// The component's, where it is the only one.
async fn gather<T>(
    components: Vec<String>,
    mut run: impl AsyncFnMut(&str) -> Result<T>,
) -> Result<(Vec<T>, Vec<Failure>)> {
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    let alone = components.len() == 1;
    for component in components {
        match run(&component).await {
            Ok(answer) => answers.push(answer),
            Err(error) if alone => return Err(error),
            Err(error) => failures.push(Failure { component, error: error.to_record() }),
        }
    }
    Ok((answers, failures))
}

/// The only answer, where there is one and nothing else.
fn alone<T>(answers: &mut Vec<T>, failures: &[Failure]) -> Option<T> {
    if answers.len() == 1 && failures.is_empty() { answers.pop() } else { None }
}

/// The exit code of the worst failure; without one, that of `changes`.
fn exit_of(failures: &[Failure], changes: bool) -> Exit {
    match worst(failures.iter().map(|failure| &failure.error)) {
        Exit::DONE if changes => Exit::CHANGES,
        exit => exit,
    }
}

/// Prints the answer of a run and returns the exit code it calls for.
fn conclude(output: &Output, answer: DeployAnswer) -> Exit {
    let (text, exit) = (render::deploy(&answer), exit_of_run(&answer));
    output.result(&Runs::One(Box::new(answer)), &text);
    exit
}

fn exit_of_run(answer: &DeployAnswer) -> Exit {
    match &answer.error {
        Some(error) if error.kind == ErrorKind::Cancelled => Exit::INTERRUPTED,
        _ if answer.status == RunStatus::Failed => Exit::FAILED,
        _ => Exit::DONE,
    }
}

/// Said where no component is deployed.
const NOTHING: &str = "nothing is deployed";

/// At most so many components are worked on at once.
const AT_ONCE: usize = 16;

/// Runs the components side by side and prints what came of each, in their order, and of all; `none` is said where there
/// are none.
///
/// # Errors
/// The component's, where it is the only one and its run did not begin.
async fn run_each(
    session: &Session,
    iac: &Iac,
    components: Vec<String>,
    none: &str,
    run: impl AsyncFn(&str) -> Result<DeployAnswer>,
) -> Result<Exit> {
    if let [only] = components.as_slice() {
        return Ok(conclude(&session.output, run(only).await?));
    }
    let runs = components.iter().map(async |component| {
        let ran = match session.cancel.is_cancelled() {
            true => Err(Error::new(ErrorKind::Cancelled, "cli.run", "stopped before it was begun")),
            false => run(component).await,
        };
        let exit = ran.as_ref().map_or_else(Exit::of, exit_of_run);
        match ran {
            Ok(answer) => Ok((answer, exit)),
            Err(error) => Ok((not_begun(session, iac, component, &error).await?, exit)),
        }
    });
    let ended: Vec<Result<(DeployAnswer, Exit)>> = stream::iter(runs).buffered(AT_ONCE).collect().await;
    let (answers, exits): (Vec<_>, Vec<_>) =
        ended.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let mut text: Vec<String> = answers.iter().map(render::deploy).collect();
    let all = SeveralRuns::new(session.global.environment.clone(), answers);
    text.push(match components.is_empty() {
        true => format!("{none} in {}", all.environment),
        false => format!("total of {} components: {}", components.len(), render::counts(&all.changes)),
    });
    session.output.result(&Runs::Several(all), &text.join("\n"));
    let order = [Exit::INTERRUPTED, Exit::FAILED, Exit::USAGE, Exit::HELD];
    Ok(order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::DONE))
}

/// The answer about a component whose run did not begin: how it is, and why.
async fn not_begun(session: &Session, iac: &Iac, component: &str, error: &Error) -> Result<DeployAnswer> {
    let environment = session.global.environment.clone();
    let defined = iac.project().environment(&environment)?.map(|environment| environment.provider);
    let now = iac.status(Some(&environment), Some(component)).await?.deployments.pop();
    let blank = |provider: Option<String>| DeployAnswer {
        status: RunStatus::Failed,
        deployment: format!("{}/{environment}/{component}", iac.project().name()),
        provider: provider.or(session.global.provider.clone()).or(defined).unwrap_or_default(),
        environment: environment.clone(),
        component: component.to_owned(),
        version: 0,
        endpoint: None,
        functions: Vec::new(),
        changes: ChangeCounts::default(),
        error: Some(error.to_record()),
    };
    Ok(match now {
        None => blank(None),
        Some(now) => DeployAnswer {
            version: now.version,
            endpoint: now.endpoint,
            functions: now.functions,
            ..blank(now.provider)
        },
    })
}
