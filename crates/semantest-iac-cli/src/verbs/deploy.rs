//! `deploy`

use semantest_iac::Result;

use super::{conclude, goes_on};
use crate::Exit;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    let mut answers = Vec::new();
    for component in session.components(&iac)? {
        let answer = iac.deploy(session.deployment(&component)?, &session.cancel).await?;
        let well = goes_on(&answer);
        answers.push(answer);
        if !well {
            break;
        }
    }
    Ok(conclude(&session.output, &answers))
}
