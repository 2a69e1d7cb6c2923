//! `plan`

use semantest_iac::answer::PlanAnswer;
use semantest_iac::events::request::RemovalRequested;
use semantest_iac::{Error, ErrorKind, Iac, Result};

use super::{alone, exit_of, gather, live};
use crate::Exit;
use crate::arguments::PlanArguments;
use crate::render;
use crate::session::{Session, name_setting};
use crate::several::{Plans, SeveralPlans};

pub(super) async fn run(session: &Session, arguments: &PlanArguments) -> Result<Exit> {
    let settings = session.settings()?;
    if arguments.destroy && !settings.is_empty() {
        let text = "`plan --destroy` has no use for --set: leave it out";
        return Err(Error::new(ErrorKind::InvalidInput, "cli.read", text));
    }
    let iac = session.open().await?;
    session.check_place(&iac).await?;
    let components = match arguments.destroy {
        true => to_remove(session, &iac).await?,
        false => session.to_deploy(&iac, &settings).await?,
    };
    if !arguments.destroy {
        session.tell_of_undefined(&iac).await?;
    }
    let (mut plans, failures) = gather(components, async |component| {
        if arguments.destroy {
            let (component, environment) = (component.to_owned(), session.global.environment.clone());
            return iac.plan_removal(RemovalRequested { component, environment }).await;
        }
        let request = session.deployment(&iac, component, &settings)?;
        iac.plan(request).await.map_err(|error| name_setting(error, &settings))
    })
    .await?;
    let changes = plans.iter().any(|answer| answer.changes.total_changes() > 0);
    let exit = exit_of(&failures, changes && arguments.detailed_exitcode);
    let text = text(&plans);
    session.output.explain_all(&failures);
    match alone(&mut plans, &failures) {
        Some(only) => session.output.diff(&Plans::One(only), &text),
        None => session.output.diff(&Plans::Several(SeveralPlans::new(plans, failures)), &text),
    }
    Ok(exit)
}

/// The named components, or everything that is deployed.
async fn to_remove(session: &Session, iac: &Iac) -> Result<Vec<String>> {
    let named = session.named(iac).await?;
    let components = match named.is_empty() {
        true => live(session, iac).await?.into_iter().map(|deployment| deployment.component).collect(),
        false => named,
    };
    session.check_provider(iac, &components).await?;
    Ok(components)
}

/// The plans, one after the other; of several the sum.
fn text(plans: &[PlanAnswer]) -> String {
    let mut parts: Vec<String> = plans.iter().map(render::plan).collect();
    match plans {
        [] => parts.push("nothing to plan".into()),
        [_] => {}
        several => parts.push(format!(
            "total of {} components: {}",
            several.len(),
            render::to_do(&crate::several::sum(several.iter().map(|plan| &plan.changes)))
        )),
    }
    parts.join("\n\n")
}
