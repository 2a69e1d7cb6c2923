//! `refresh`

use semantest_iac::Result;
use serde_json::json;

use crate::Exit;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open().await?;
    let environment = &session.global.environment;
    let components = match &session.global.component {
        Some(component) => vec![component.clone()],
        None => {
            let status = iac.status(Some(environment), None).await?;
            let live = status.deployments.into_iter().filter(|deployment| !deployment.resources.is_empty());
            live.map(|deployment| deployment.component).collect()
        }
    };
    let mut answers = Vec::new();
    for component in components {
        answers.push(iac.refresh(environment, &component).await?);
    }
    let text = answers.iter().map(render::refresh).collect::<Vec<_>>().join("\n");
    match answers.as_slice() {
        [one] => session.output.result(one, &text),
        [] => session.output.result(&json!({ "deployments": [] }), "nothing is deployed"),
        several => session.output.result(&json!({ "deployments": several }), &text),
    }
    Ok(Exit::DONE)
}
