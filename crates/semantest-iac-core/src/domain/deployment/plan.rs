//! The plan: what would be done, as data. It prints, serialises and compares; making one changes nothing.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::deployment::resource::Address;

/// What a step does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// Bring it into being.
    Create,
    /// Change it in place.
    Update,
    /// Make it anew.
    Replace,
    /// Take it away.
    Delete,
    /// Nothing.
    Unchanged,
}

impl StepAction {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PropertyChange {
    /// Path of the property: names joined by dots.
    pub property: String,
    /// Value before; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Value after; absent where there will be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the value is known only when the plan is applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_after_apply: bool,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStep {
    /// What is done.
    pub action: StepAction,
    /// To which resource.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// Properties that differ, sorted.
    #[serde(default)]
    pub diff: Vec<PropertyChange>,
    /// Steps (by address) that must end first.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<Address>,
    /// Why, where the diff does not say it: `interrupted`, `drifted`, `missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How many resources each action touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCounts {
    /// Created.
    pub created: usize,
    /// Changed in place.
    pub updated: usize,
    /// Made anew.
    pub replaced: usize,
    /// Taken away.
    pub deleted: usize,
    /// Left as they are.
    pub unchanged: usize,
}

impl ChangeCounts {
    /// Counts one more.
    pub fn add(&mut self, action: StepAction) {
        match action {
            StepAction::Create => self.created += 1,
            StepAction::Update => self.updated += 1,
            StepAction::Replace => self.replaced += 1,
            StepAction::Delete => self.deleted += 1,
            StepAction::Unchanged => self.unchanged += 1,
        }
    }

    /// How many are not left as they are.
    pub fn total_changes(&self) -> usize {
        self.created + self.updated + self.replaced + self.deleted
    }
}

/// The ordered steps from what is to what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// In an order that respects the dependencies; unchanged resources included.
    pub steps: Vec<PlanStep>,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == StepAction::Unchanged)
    }

    /// How many resources each action touches.
    pub fn counts(&self) -> ChangeCounts {
        let mut counts = ChangeCounts::default();
        self.steps.iter().for_each(|step| counts.add(step.action));
        counts
    }
}
