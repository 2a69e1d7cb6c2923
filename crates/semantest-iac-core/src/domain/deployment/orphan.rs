//! An orphan: a resource in the cloud that carries our tags and is not in the log.
//!
//! It comes into the log to be taken away, under an address of its own: the address it is tagged with may be taken, and
//! is nowhere in a graph that a plan is made for. Whichever run comes next therefore deletes it.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::deployment::plan::StepAction;
use crate::domain::deployment::resource::{Address, Properties};
use crate::domain::deployment::state::ResourceState;
use crate::events::resource_change::{ResourceChangeStarted, ResourceCreated};

/// What the address of an orphan begins with.
const PREFIX: &str = "orphan.";

/// Input that holds the address it is tagged with.
const TAGGED: &str = "tagged_address";

/// How many hex digits of the digest an address ends with.
const DIGEST_DIGITS: usize = 8;

/// A resource that was found, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// Provider's word for what it is.
    pub kind: String,
    /// The cloud's id.
    pub id: String,
    /// The address it is tagged with.
    pub tagged: Address,
    /// Region it was found in, where known.
    pub region: Option<String>,
}

impl Orphan {
    /// Its address in the log: `orphan.http_api.1f0c2a9b`.
    pub fn address(&self) -> Address {
        let kind = self.kind.split_once('.').map_or(self.kind.as_str(), |(_, kind)| kind);
        let place = [self.region.as_deref().unwrap_or_default(), &self.kind, &self.id].join("\0");
        let digest = hex::encode(Sha256::digest(place.as_bytes()));
        Address::new(format!("{PREFIX}{kind}.{}", &digest[..DIGEST_DIGITS]))
    }

    /// What the log says of it once it is known.
    pub fn state(&self) -> ResourceState {
        let (kind, id) = (self.kind.clone(), Some(self.id.clone()));
        ResourceState { kind, id, inputs: self.inputs(), ..ResourceState::default() }
    }

    /// The facts that make it known, as of a creation that found it there.
    pub fn adopted(&self, operation: String) -> (ResourceChangeStarted, ResourceCreated) {
        let intent = ResourceChangeStarted {
            address: self.address(),
            kind: self.kind.clone(),
            action: StepAction::Create,
            operation: operation.clone(),
            inputs: self.inputs(),
            depends_on: BTreeSet::new(),
            volatile_outputs: BTreeSet::new(),
            role: None,
        };
        let created = ResourceCreated {
            address: self.address(),
            kind: self.kind.clone(),
            operation,
            id: self.id.clone(),
            outputs: Properties::new(),
            adopted: true,
        };
        (intent, created)
    }

    fn inputs(&self) -> Properties {
        let mut inputs = Properties::new();
        inputs.insert(TAGGED.into(), self.tagged.as_str().into());
        if let Some(region) = &self.region {
            inputs.insert("region".into(), region.as_str().into());
        }
        inputs
    }
}

/// Whether `address` is that of an orphan.
pub fn is_orphan(address: &Address) -> bool {
    address.as_str().starts_with(PREFIX)
}

/// The address that the resource is tagged with, and its inputs as the provider is told of them.
pub fn as_tagged(address: &Address, mut inputs: Properties) -> (Address, Properties) {
    if !is_orphan(address) {
        return (address.clone(), inputs);
    }
    match inputs.remove(TAGGED) {
        Some(Value::String(tagged)) => (Address::new(tagged), inputs),
        _ => (address.clone(), inputs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orphan(region: Option<&str>) -> Orphan {
        Orphan {
            kind: "memory.api".into(),
            id: "shop-api".into(),
            tagged: "api".into(),
            region: region.map(str::to_owned),
        }
    }

    #[test]
    fn an_orphan_has_an_address_of_its_own_and_keeps_the_one_it_is_tagged_with() {
        let found = orphan(Some("eu-west-1"));
        let address = found.address();
        assert!(address.as_str().starts_with("orphan.api."), "{address}");
        assert!(is_orphan(&address) && !is_orphan(&found.tagged));
        let (tagged, inputs) = as_tagged(&address, found.state().inputs);
        assert_eq!(tagged, found.tagged);
        assert_eq!(inputs, Properties::from_iter([("region".to_owned(), "eu-west-1".into())]));
    }

    #[test]
    fn the_same_id_in_another_region_is_another_orphan() {
        assert_ne!(orphan(Some("eu-west-1")).address(), orphan(Some("us-east-1")).address());
        assert_eq!(orphan(None).address(), orphan(None).address());
    }
}
