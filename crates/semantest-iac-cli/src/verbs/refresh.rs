//! `refresh`

use semantest_iac::Result;

use super::{alone, exit_of, gather};
use crate::Exit;
use crate::arguments::RefreshArguments;
use crate::render;
use crate::session::Session;
use crate::several::{Refreshes, SeveralRefreshes};

pub(super) async fn run(session: &Session, arguments: &RefreshArguments) -> Result<Exit> {
    let iac = session.open_to_look().await?;
    let environment = &session.global.environment;
    let named = session.named(&iac).await?;
    let components = match named.is_empty() {
        true => {
            let deployments = session.deployments(&iac).await?.into_iter();
            let live = deployments.filter(|deployment| !deployment.resources.is_empty());
            live.map(|deployment| deployment.component).collect()
        }
        false => named,
    };
    session.check_provider(&iac, &components).await?;
    let (mut answers, failures) = gather(components, async |component| {
        iac.refresh_unless(environment, component, &session.cancel).await
    })
    .await?;
    let text = match answers.is_empty() && failures.is_empty() {
        true => "nothing is deployed".to_owned(),
        false => answers.iter().map(render::refresh).collect::<Vec<_>>().join("\n"),
    };
    let drift = answers.iter().any(|answer| !answer.drift.is_empty());
    let exit = exit_of(&failures, drift && arguments.detailed_exitcode);
    session.output.explain_all(&failures);
    match alone(&mut answers, &failures) {
        Some(only) => session.output.diff(&Refreshes::One(only), &text),
        None => session.output.diff(&Refreshes::Several(SeveralRefreshes::new(answers, failures)), &text),
    }
    Ok(exit)
}
