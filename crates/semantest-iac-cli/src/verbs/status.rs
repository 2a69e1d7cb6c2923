//! `status`

use semantest_iac::Result;

use crate::Exit;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open().await?;
    let component = session.global.component.as_deref();
    let answer = iac.status(Some(&session.global.environment), component).await?;
    session.output.result(&answer, &render::status(&answer));
    Ok(Exit::DONE)
}
