//! What replicas are made of.

use crate::control::messages::LackingSecret;
use crate::host::definition::{EnvironmentValue, SecretValues};
use crate::host::service_definition::ServiceDefinition;

/// A service as it was deployed, with the values of its secrets that are known.
pub(crate) struct Revision {
    pub definition: ServiceDefinition,
    pub secrets: SecretValues,
}

impl Revision {
    /// How many replicas there may be, nearest to `count`. There is always one: nothing here wakes a service that has none.
    pub fn bounded(&self, count: u32) -> u32 {
        let (least, most) = (self.definition.min_replicas.max(1), self.definition.max_replicas);
        count.min(most).max(least)
    }

    /// Whether replicas of `other` can go on as replicas of this.
    pub fn keeps_replicas_of(&self, other: &Self) -> bool {
        self.definition.keeps_replicas_of(&other.definition) && self.secrets.0 == other.secrets.0
    }

    /// Secrets without which no replica can start.
    pub fn lacking(&self) -> Vec<LackingSecret> {
        let values = self.definition.environment_variables.values();
        let lacking = values.filter_map(|value| match value {
            EnvironmentValue::Secret { secret, digest } if !self.secrets.0.contains_key(secret) => {
                let (function, secret) = (self.definition.name.clone(), secret.clone());
                Some(LackingSecret { function, secret, digest: digest.clone() })
            }
            _ => None,
        });
        lacking.collect()
    }
}
