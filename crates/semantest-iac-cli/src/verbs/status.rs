//! `status`

use schemars::JsonSchema;
use semantest_iac::answer::{DeploymentAnswer, StatusAnswer};
use semantest_iac::{Iac, Result};
use serde::Serialize;

use crate::Exit;
use crate::render;
use crate::session::Session;

/// The answer of `status`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatusOfAll {
    /// By stream name.
    deployments: Vec<DeploymentAnswer>,
    /// Where something is deployed on this machine: whether its host runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    local_host: Option<HostState>,
}

/// Whether the local host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HostState {
    /// It does.
    Running,
    /// It does not; the next deploy starts it.
    Stopped,
    /// It runs and does not answer.
    Silent,
}

impl HostState {
    /// Looks; starts nothing.
    pub async fn of(iac: &Iac) -> Self {
        match iac.local_host_runs().await {
            Ok(true) => Self::Running,
            Ok(false) => Self::Stopped,
            Err(_) => Self::Silent,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped; deploy starts it",
            Self::Silent => "does not answer; `semantest-iac local stop` ends it",
        }
    }
}

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open_to_look().await?;
    let deployments = session.on_provider(&iac, session.deployments(&iac).await?)?;
    let local = deployments.iter().any(|deployment| {
        deployment.provider.as_deref() == Some("local") && !deployment.resources.is_empty()
    });
    let local_host = if local { Some(HostState::of(&iac).await) } else { None };
    let answer = StatusAnswer { deployments };
    let mut text = render::status(&answer);
    if let Some(host) = local_host {
        text.push_str(&format!("\nhost: {}", host.words()));
    }
    session.output.result(&StatusOfAll { deployments: answer.deployments, local_host }, &text);
    Ok(Exit::DONE)
}
