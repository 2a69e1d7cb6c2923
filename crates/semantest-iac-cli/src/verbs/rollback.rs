//! `rollback`

use semantest_iac::events::request::RollbackRequested;
use semantest_iac::ports::project::Project;
use semantest_iac::{Error, ErrorKind, Result};

use super::conclude;
use crate::Exit;
use crate::arguments::RollbackArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &RollbackArguments) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    session.check_environment(&iac).await?;
    let (component, environment) = (session.component(&iac).await?, session.global.environment.clone());
    let reached = iac.status(Some(&environment), Some(&component)).await?.deployments;
    if reached.iter().all(|deployment| deployment.version == 0) {
        let stream = format!("{}/{environment}/{component}", iac.project().name());
        let text = format!("`{stream}` is not deployed: there is no version to go back to");
        let error = Error::new(ErrorKind::NotFound, "deployment.rollback", text);
        return Err(error.with("deployment", stream));
    }
    let request = RollbackRequested { component, environment, version: arguments.to };
    let answer = iac.rollback(request, &session.cancel).await?;
    Ok(conclude(&session.output, answer))
}
