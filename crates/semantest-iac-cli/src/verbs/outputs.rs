//! `outputs`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semantest_iac::Result;
use semantest_iac::answer::FunctionAnswer;
use serde::Serialize;

use super::live;
use crate::Exit;
use crate::session::Session;

/// The answer of `outputs`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutputsAnswer {
    /// By component.
    outputs: BTreeMap<String, ComponentOutputs>,
}

/// Outputs of one component.
#[derive(Debug, Serialize, JsonSchema)]
struct ComponentOutputs {
    /// Where to call it.
    endpoint: Option<String>,
    /// Its functions.
    functions: Vec<FunctionAnswer>,
}

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open_to_look().await?;
    let deployed = session.on_provider(&iac, live(session, &iac).await?)?.into_iter();
    let outputs: BTreeMap<String, ComponentOutputs> = deployed
        .map(|deployment| {
            let outputs = ComponentOutputs { endpoint: deployment.endpoint, functions: deployment.functions };
            (deployment.component, outputs)
        })
        .collect();
    let mut lines = Vec::new();
    for (component, outputs) in &outputs {
        lines.extend(outputs.endpoint.iter().map(|endpoint| format!("{component}.endpoint={endpoint}")));
        for function in &outputs.functions {
            let name = &function.function_name;
            lines.push(format!("{component}.functions.{name}.arn={}", function.arn));
            if let Some(url) =
                function.endpoint.as_ref().filter(|url| Some(*url) != outputs.endpoint.as_ref())
            {
                lines.push(format!("{component}.functions.{name}.endpoint={url}"));
            }
        }
    }
    session.output.result(&OutputsAnswer { outputs }, &lines.join("\n"));
    Ok(Exit::DONE)
}
