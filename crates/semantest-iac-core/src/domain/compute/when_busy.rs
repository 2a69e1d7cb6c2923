//! What becomes of an invocation that finds as many running as may run at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `local` does with an invocation beyond `reserved_concurrency`. Clouds have their own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenBusy {
    /// It waits.
    Queue,
    /// It is refused at once, as AWS does it: `TooManyRequestsException`, and 503 from an HTTP API.
    Reject,
}

impl WhenBusy {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Queue, Self::Reject];

    /// The word in the project file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Reject => "reject",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_written_by_their_words() {
        for way in WhenBusy::ALL {
            assert_eq!(serde_json::to_value(way).expect("JSON"), way.as_str());
        }
    }
}
