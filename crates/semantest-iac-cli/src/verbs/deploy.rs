//! `deploy`

use semantest_iac::Result;

use super::{NOTHING, run_each};
use crate::Exit;
use crate::session::{Session, name_setting};

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let settings = session.settings()?;
    let iac = session.open().await?;
    session.check_place(&iac).await?;
    let components = session.to_deploy(&iac, &settings).await?;
    session.tell_of_undefined(&iac).await?;
    session.show_progress(&iac, components.len()).await?;
    run_each(session, &iac, components, NOTHING, async |component| {
        let request = session.deployment(&iac, component, &settings)?;
        iac.deploy(request, &session.cancel).await.map_err(|error| name_setting(error, &settings))
    })
    .await
}
