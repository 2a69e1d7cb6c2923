//! Where a deployment stands: the state machine as one transition table.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// Never deployed.
    #[default]
    Absent,
    /// Asked for.
    Requested,
    /// Planned, not begun.
    Planned,
    /// Being changed.
    Deploying,
    /// As planned.
    Deployed,
    /// Something failed; a next run goes on.
    Failed,
    /// Removal asked for.
    RemovalRequested,
    /// Removal planned, not begun.
    RemovalPlanned,
    /// Being taken away.
    Removing,
    /// Something of it could not be taken away; a next run goes on.
    RemovalFailed,
    /// Gone.
    Removed,
}

/// What moves a deployment from one status to another: the events that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Any request but a removal.
    UpdateRequested,
    /// `RemovalRequested`.
    RemovalRequested,
    /// `DeploymentPlanned` with something to do.
    Planned,
    /// `DeploymentPlanned` with nothing to do.
    PlannedNothing,
    /// `DeploymentStarted`.
    Started,
    /// `InfrastructureUpdated`.
    Updated,
    /// `InfrastructureUpdateFailed`.
    UpdateFailed,
    /// `InfrastructureRemoved`.
    Removed,
    /// `InfrastructureRemovalFailed`.
    RemovalFailed,
}

use DeploymentStatus as S;

/// Every legal move. A request is legal anywhere: the run that was under way before it has crashed,
/// or the lease would have kept the request out.
const TRANSITIONS: &[(S, Trigger, S)] = &[
    (S::Requested, Trigger::Planned, S::Planned),
    (S::Requested, Trigger::PlannedNothing, S::Deployed),
    (S::Planned, Trigger::Started, S::Deploying),
    (S::Deploying, Trigger::Updated, S::Deployed),
    (S::Deploying, Trigger::UpdateFailed, S::Failed),
    (S::RemovalRequested, Trigger::Planned, S::RemovalPlanned),
    (S::RemovalPlanned, Trigger::Started, S::Removing),
    (S::Removing, Trigger::Removed, S::Removed),
    (S::Removing, Trigger::RemovalFailed, S::RemovalFailed),
];

impl DeploymentStatus {
    /// The status after `trigger`, where the move is legal.
    pub fn after(self, trigger: Trigger) -> Option<Self> {
        match trigger {
            Trigger::UpdateRequested => Some(S::Requested),
            Trigger::RemovalRequested => Some(S::RemovalRequested),
            _ => {
                TRANSITIONS.iter().find(|(from, by, _)| *from == self && *by == trigger).map(|(_, _, to)| *to)
            }
        }
    }

    /// Whether something is, or is to be, in place: there is nothing before the first request and after a removal.
    pub fn is_in_place(self) -> bool {
        matches!(self, S::Requested | S::Planned | S::Deploying | S::Deployed | S::Failed)
    }

    /// Whether the last run ended as it was meant to.
    pub fn is_settled(self) -> bool {
        matches!(self, S::Deployed | S::Removed)
    }

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            S::Absent => "absent",
            S::Requested => "requested",
            S::Planned => "planned",
            S::Deploying => "deploying",
            S::Deployed => "deployed",
            S::Failed => "failed",
            S::RemovalRequested => "removal_requested",
            S::RemovalPlanned => "removal_planned",
            S::Removing => "removing",
            S::RemovalFailed => "removal_failed",
            S::Removed => "removed",
        }
    }
}
