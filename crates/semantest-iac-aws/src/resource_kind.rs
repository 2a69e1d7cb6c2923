//! What a kind of resource can do: one file for each implements it.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clients::Clients;

/// One kind of resource. Every method is safe to repeat.
#[async_trait]
pub(crate) trait ResourceKind: Send + Sync {
    /// The word in plans: `aws.iam_role`.
    fn word(&self) -> &'static str;

    /// What is there, or nothing. What does not carry our tags is nothing of ours.
    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>>;

    /// Brings it to what is wanted.
    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied>;

    /// Takes it away. `id` alone must do: an orphan has no inputs.
    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()>;

    /// Whether what a replacement takes the place of is in use until others have moved on to the new one, and is taken away
    /// by them.
    fn is_left_to_its_users(&self) -> bool {
        false
    }

    /// All of this kind that carry our tags; nothing for what is untaggable, which goes with what it is part of.
    async fn discover(&self, _aws: &Clients, _scope: &Scope) -> Result<Vec<Discovered>> {
        Ok(Vec::new())
    }
}

/// Reads the inputs of a resource.
///
/// # Errors
/// `InvalidInput`, where the log holds what this version does not understand.
pub(crate) fn read<T: DeserializeOwned>(resource: &ResourceHandle) -> Result<T> {
    serde_json::from_value(Value::Object(resource.inputs.clone())).map_err(|error| {
        let text =
            format!("the inputs of {} `{}` cannot be read: {error}", resource.kind, resource.tags.address);
        Error::new(ErrorKind::InvalidInput, "aws.read", text)
    })
}

/// Whatever is an object in JSON, as properties.
pub(crate) fn properties(value: &impl Serialize) -> Properties {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Properties::new(),
    }
}
