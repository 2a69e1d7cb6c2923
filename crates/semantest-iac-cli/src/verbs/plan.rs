//! `plan`

use semantest_iac::Result;
use semantest_iac::events::request::RemovalRequested;
use serde_json::json;

use crate::Exit;
use crate::arguments::PlanArguments;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &PlanArguments) -> Result<Exit> {
    let iac = session.open().await?;
    let mut plans = Vec::new();
    for component in session.components(&iac)? {
        plans.push(if arguments.destroy {
            let environment = session.global.environment.clone();
            iac.plan_removal(RemovalRequested { component, environment }).await?
        } else {
            iac.plan(session.deployment(&component)?).await?
        });
    }
    let colors = session.output.has_colors();
    let text = plans.iter().map(|answer| render::plan(answer, colors)).collect::<Vec<_>>().join("\n\n");
    match plans.as_slice() {
        [one] => session.output.result(one, &text),
        several => session.output.result(&json!({ "deployments": several }), &text),
    }
    let changes = plans.iter().any(|answer| answer.changes.total_changes() > 0);
    Ok(if changes && arguments.detailed_exitcode { Exit::CHANGES } else { Exit::DONE })
}
