//! `deploy`

use semantest_iac::Result;

use super::one_by_one;
use crate::Exit;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    one_by_one(&session.output, session.components(&iac)?, async |component| {
        iac.deploy(session.deployment(&component)?, &session.cancel).await
    })
    .await
}
