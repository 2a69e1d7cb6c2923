//! What Pulumi's engine tells while it works, a line of JSON for each event.
//!
//! Source of the format: Pulumi, sdk/go/common/apitype/events.go.

use semantest_iac_core::domain::deployment::plan::StepAction;
use semantest_iac_core::events::resource_change::{ChangeStage, NestedChange};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One event; exactly one of these is there in those that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EngineEvent {
    pub diagnostic_event: Option<Diagnostic>,
    pub policy_event: Option<Policy>,
    pub error_event: Option<EngineError>,
    pub resource_pre_event: Option<Step>,
    pub res_outputs_event: Option<Step>,
    pub res_op_failed_event: Option<Step>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Diagnostic {
    #[serde(default)]
    pub urn: String,
    pub message: String,
    pub severity: String,
    #[serde(default)]
    pub ephemeral: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    pub message: String,
    #[serde(default)]
    pub enforcement_level: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EngineError {
    pub error: String,
}

/// A step, before or after it was taken.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub metadata: Metadata,
    /// Whether nothing is really done.
    #[serde(default)]
    pub planning: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub op: String,
    pub urn: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub old: Option<Snapshot>,
    #[serde(default)]
    pub new: Option<Snapshot>,
    #[serde(default)]
    pub detailed_diff: Option<Map<String, Value>>,
    #[serde(default)]
    pub diffs: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Snapshot {
    pub inputs: Option<Map<String, Value>>,
    pub outputs: Option<Map<String, Value>>,
}

impl EngineEvent {
    /// Reads a line; nothing where it is no event.
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// What is being done to a resource of the stack, where it is that.
    pub fn change(&self) -> Option<NestedChange> {
        let (step, stage) = match self {
            Self { resource_pre_event: Some(step), .. } => (step, ChangeStage::Started),
            Self { res_outputs_event: Some(step), .. } => (step, ChangeStage::Done),
            Self { res_op_failed_event: Some(step), .. } => (step, ChangeStage::Failed),
            _ => return None,
        };
        let action = step.metadata.action().filter(|_| !step.planning)?;
        let (nested_kind, nested_name) = (step.metadata.kind.clone(), step.metadata.name().to_owned());
        Some(NestedChange { nested_kind, nested_name, action, stage })
    }

    /// What went wrong, where it says so.
    pub fn error(&self) -> Option<String> {
        match self {
            Self { diagnostic_event: Some(one), .. } if one.severity == "error" => {
                Some(match name_of(&one.urn) {
                    "" => one.message.clone(),
                    name => format!("{name}: {}", one.message),
                })
            }
            Self { policy_event: Some(one), .. } if one.enforcement_level == "mandatory" => {
                Some(one.message.clone())
            }
            Self { error_event: Some(one), .. } => Some(one.error.clone()),
            _ => None,
        }
    }

    /// What the user should know though nothing is wrong.
    pub fn warning(&self) -> Option<&str> {
        let warning =
            self.diagnostic_event.as_ref().filter(|one| one.severity == "warning" && !one.ephemeral);
        warning.map(|one| one.message.trim())
    }
}

impl Metadata {
    /// What is done, to what really is a resource: neither the stack itself nor its providers.
    ///
    /// Source of the words: Pulumi, pkg/resource/deploy/step.go. `replace` is only said, the two others around it are done.
    pub fn action(&self) -> Option<StepAction> {
        if self.kind.starts_with("pulumi:pulumi:") || self.kind.starts_with("pulumi:providers:") {
            return None;
        }
        match self.op.as_str() {
            "create" | "import" => Some(StepAction::Create),
            "update" => Some(StepAction::Update),
            "create-replacement" | "import-replacement" => Some(StepAction::Replace),
            "delete" | "delete-replaced" => Some(StepAction::Delete),
            _ => None,
        }
    }

    /// The name that the program gave it.
    pub fn name(&self) -> &str {
        name_of(&self.urn)
    }
}

/// The name in a URN (`urn:pulumi:<stack>::<project>::<type>::<name>`).
fn name_of(urn: &str) -> &str {
    urn.splitn(4, "::").nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Pulumi 3.259 printed them (`--json`), what is long cut out.
    const UP: &str = include_str!("../tests/recorded/up.jsonl");
    const FAILED: &str = include_str!("../tests/recorded/failed.jsonl");
    const DESTROY: &str = include_str!("../tests/recorded/destroy.jsonl");
    const REFRESH: &str = include_str!("../tests/recorded/refresh.jsonl");

    fn events(recorded: &str) -> Vec<EngineEvent> {
        recorded.lines().map(|line| EngineEvent::read(line).expect(line)).collect()
    }

    fn changes(recorded: &str) -> Vec<(StepAction, ChangeStage)> {
        let changes = events(recorded).iter().filter_map(EngineEvent::change).collect::<Vec<_>>();
        for change in &changes {
            assert_eq!(change.nested_kind, "semantest:index:Deployment");
            assert_eq!(change.nested_name, "api");
        }
        changes.into_iter().map(|change| (change.action, change.stage)).collect()
    }

    #[test]
    fn what_is_done_to_a_resource_is_read_and_the_stack_itself_is_none() {
        let of = |action| [(action, ChangeStage::Started), (action, ChangeStage::Done)];
        assert_eq!(changes(UP), of(StepAction::Create));
        assert_eq!(changes(DESTROY), of(StepAction::Delete));
        assert!(events(UP).iter().all(|event| event.error().is_none()));
    }

    #[test]
    fn what_is_only_planned_is_no_change() {
        assert!(changes(include_str!("../tests/recorded/preview.jsonl")).is_empty());
    }

    #[test]
    fn an_error_is_told_with_the_resource_that_it_is_about() {
        let errors: Vec<String> = events(FAILED).iter().filter_map(EngineEvent::error).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with("api: ") && errors[0].contains("`rest-apj`"), "{errors:?}");
    }

    #[test]
    fn a_refresh_tells_what_is_not_as_it_was_left() {
        let drifted = |event: &EngineEvent| {
            let step = event.res_outputs_event.as_ref()?;
            step.metadata.action().map(|action| (action, step.metadata.name().to_owned()))
        };
        let drifted: Vec<_> = events(REFRESH).iter().filter_map(drifted).collect();
        assert_eq!(drifted, [(StepAction::Update, "api".to_owned())]);
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        for line in ["", "Updating (production):", "[1]", "{\"resourcePreEvent\": 3}"] {
            assert!(EngineEvent::read(line).is_none(), "{line}");
        }
        assert!(
            EngineEvent::read("{\"sequence\": 1, \"newEvent\": {}}").is_some(),
            "later versions tell more"
        );
    }
}
