//! The kind of plan that functions run on, where a cloud sells several.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What functions run on, and are paid by. Azure's; other clouds have one way only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostingPlan {
    /// Paid by the call; nothing runs while nobody calls.
    #[default]
    Consumption,
    /// Paid by the call, with a choice of memory and instances that are kept ready.
    FlexConsumption,
    /// Machines of one's own, at least one of them always running.
    Premium,
}

impl HostingPlan {
    /// Every plan.
    pub const ALL: [Self; 3] = [Self::Consumption, Self::FlexConsumption, Self::Premium];

    /// The word in the project file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consumption => "consumption",
            Self::FlexConsumption => "flex-consumption",
            Self::Premium => "premium",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_written_by_their_words() {
        for plan in HostingPlan::ALL {
            assert_eq!(serde_json::to_value(plan).expect("JSON"), plan.as_str());
        }
    }
}
