//! What a kind of resource can do: one file for each implements it.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clients::Clients;

/// One kind of resource. Every method is safe to repeat.
#[async_trait]
pub(crate) trait ResourceKind: Send + Sync {
    /// The word in plans: `azure.function_app`.
    fn word(&self) -> &'static str;

    /// ARM's word for what carries tags: `Microsoft.Web/sites`. By it resources of ours are found in lists. `None` for what
    /// carries none and goes with what it is part of.
    fn arm_type(&self) -> Option<&'static str> {
        None
    }

    /// What is there, or nothing. What does not carry our tags is nothing of ours.
    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>>;

    /// Brings it to what is wanted.
    async fn apply(&self, azure: &Clients, change: &Change, operation: &Operation) -> Result<Applied>;

    /// Takes it away. `id` alone must do: an orphan has no inputs.
    async fn delete(&self, azure: &Clients, resource: &ResourceHandle, operation: &Operation) -> Result<()>;
}

/// Reads the inputs of a resource.
///
/// # Errors
/// `InvalidInput`, where the log holds what this version does not understand.
pub(crate) fn read<T: DeserializeOwned>(resource: &ResourceHandle) -> Result<T> {
    serde_json::from_value(Value::Object(resource.inputs.clone())).map_err(|error| {
        let text =
            format!("the inputs of {} `{}` cannot be read: {error}", resource.kind, resource.tags.address);
        Error::new(ErrorKind::InvalidInput, "azure.read", text)
    })
}

/// Whatever is an object in JSON, as properties.
pub(crate) fn properties(value: &impl Serialize) -> Properties {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Properties::new(),
    }
}
