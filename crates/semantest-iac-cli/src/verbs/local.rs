//! `local stop`, and the host itself

use schemars::JsonSchema;
use semantest_iac::{Result, run_local_host, stop_local_host};
use serde::Serialize;

use crate::Exit;
use crate::arguments::{LocalAction, LocalArguments};
use crate::session::Session;

/// The answer of `local stop`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LocalStopAnswer {
    /// Whether a host ran.
    stopped: bool,
}

pub(super) async fn run(session: &Session, arguments: &LocalArguments) -> Result<Exit> {
    match arguments.action {
        LocalAction::Stop => {
            let stopped = stop_local_host(&session.directory()).await?;
            let text = if stopped { "the local host has stopped" } else { "no local host was running" };
            session.output.result(&LocalStopAnswer { stopped }, text);
        }
        LocalAction::Host => run_local_host(&session.directory()).await?,
    }
    Ok(Exit::DONE)
}
