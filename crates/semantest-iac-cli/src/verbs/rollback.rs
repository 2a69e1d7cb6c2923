//! `rollback`

use semantest_iac::Result;
use semantest_iac::events::request::RollbackRequested;

use super::conclude;
use crate::Exit;
use crate::arguments::RollbackArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &RollbackArguments) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    let request = RollbackRequested {
        component: session.component(&iac)?,
        environment: session.global.environment.clone(),
        version: arguments.to,
    };
    let answer = iac.rollback(request, &session.cancel).await?;
    Ok(conclude(&session.output, &[answer]))
}
