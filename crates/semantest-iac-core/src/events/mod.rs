//! Infrastructure events: requests that come in, facts that go out.
//!
//! Application events of other domains are not here; they enter through the
//! [bridge](crate::application::infrastructure_event_bus) only.

pub mod catalogue;
pub mod envelope;
pub mod intake;
pub mod outcome;
pub mod request;
pub mod resource_change;
pub mod run;
mod strict_json;
pub mod upcast;

use schemars::JsonSchema;
use serde_json::Value;

use envelope::{TYPE_PREFIX, UnknownEvent};

/// Declares [`Event`] and everything that must know every event. Each is named by its module, so that the compiler
/// sees to it that [`family`] is right.
macro_rules! events {
    ($($family:ident::$name:ident = $version:literal),+ $(,)?) => {
        /// What happened, or is asked for.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented on its type")]
        pub enum Event {
            $($name($family::$name),)+
            /// A type this version does not know.
            Unknown(UnknownEvent),
        }

        $(impl From<$family::$name> for Event {
            fn from(event: $family::$name) -> Self { Self::$name(event) }
        })+

        /// Names of all events, requests first.
        pub const EVENT_NAMES: &[&str] = &[$(stringify!($name)),+];

        /// The version of `name`'s data that this program writes.
        pub fn current_version(name: &str) -> Option<u32> {
            match name {
                $(stringify!($name) => Some($version),)+
                _ => None,
            }
        }

        /// The module here that `name` is defined in: `request`, `run`, `resource_change` or `outcome`.
        pub fn family(name: &str) -> Option<&'static str> {
            match name {
                $(stringify!($name) => Some(stringify!($family)),)+
                _ => None,
            }
        }

        /// JSON Schema of the data of `name`.
        pub fn data_schema(name: &str) -> Option<Value> {
            match name {
                $(stringify!($name) => Some(schema_of::<$family::$name>(name, $version)),)+
                _ => None,
            }
        }

        /// Where in `data` something is not as `name` has it (a path such as `configuration`), and what.
        pub(crate) fn explain_data(name: &str, data: &Value) -> Option<(String, String)> {
            match name {
                $(stringify!($name) => serde_path_to_error::deserialize::<_, $family::$name>(data)
                    .err()
                    .map(|error| (error.path().to_string(), error.into_inner().to_string())),)+
                _ => None,
            }
        }

        impl Event {
            /// The event's name, e.g. `FunctionDeployed`.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                    Self::Unknown(event) => event.name(),
                }
            }

            /// Reads the data of the current version of `name`.
            ///
            /// # Errors
            /// Where the data has another shape.
            pub fn from_data(name: &str, data: Value) -> Result<Self, serde_json::Error> {
                match name {
                    $(stringify!($name) => serde_json::from_value(data).map(Self::$name),)+
                    _ => Ok(Self::Unknown(UnknownEvent {
                        event_type: format!("{TYPE_PREFIX}{name}"),
                        dataschema: None,
                        data,
                        attributes: Default::default(),
                    })),
                }
            }

            /// The data as JSON.
            pub fn to_data(&self) -> Value {
                match self {
                    $(Self::$name(event) => serde_json::to_value(event).unwrap_or_default(),)+
                    Self::Unknown(event) => event.data.clone(),
                }
            }
        }
    };
}

events! {
    request::DeploymentRequested = 2,
    request::RemovalRequested = 1,
    request::OrphanRemovalRequested = 1,
    request::RollbackRequested = 1,
    request::ScalingRequested = 1,
    request::EnvironmentConfigurationRequested = 1,
    run::DeploymentPlanned = 1,
    run::DeploymentStarted = 1,
    resource_change::ResourceChangeStarted = 1,
    resource_change::ResourceCreated = 1,
    resource_change::ResourceUpdated = 1,
    resource_change::ResourceReplaced = 1,
    resource_change::ResourceDeleted = 1,
    resource_change::ResourceChangeFailed = 1,
    resource_change::NestedResourceChanged = 1,
    outcome::FunctionDeployed = 1,
    outcome::ContainerServiceDeployed = 1,
    outcome::ApiGatewayDeployed = 1,
    outcome::LoadBalancerDeployed = 1,
    outcome::StackDeployed = 1,
    outcome::EnvironmentConfigured = 1,
    outcome::ScalingTriggered = 1,
    run::DriftDetected = 1,
    run::InfrastructureUpdated = 1,
    run::InfrastructureUpdateFailed = 1,
    run::InfrastructureRemoved = 1,
    run::InfrastructureRemovalFailed = 1,
}

impl Event {
    /// `com.semantest.iac.<EventName>`, or the foreign type.
    pub fn type_name(&self) -> String {
        match self {
            Self::Unknown(event) => event.event_type.clone(),
            known => format!("{TYPE_PREFIX}{}", known.name()),
        }
    }

    /// `urn:semantest-iac:<EventName>:<version>`, or the foreign one.
    pub fn dataschema(&self) -> Option<String> {
        match self {
            Self::Unknown(event) => event.dataschema.clone(),
            known => {
                let version = current_version(known.name())?;
                Some(format!("urn:semantest-iac:{}:{version}", known.name()))
            }
        }
    }

    /// Whether this asks for something rather than telling what happened.
    pub fn is_request(&self) -> bool {
        self.name().ends_with("Requested") && !matches!(self, Self::Unknown(_))
    }
}

/// Names of the keys that an event's data has.
pub(crate) struct DataKeys {
    /// Those it may have, sorted.
    pub known: Vec<String>,
    /// Those it must have.
    pub required: Vec<String>,
}

/// The keys of `name`'s data.
pub(crate) fn data_keys(name: &str) -> DataKeys {
    let schema = data_schema(name).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut known: Vec<String> = properties.into_iter().flat_map(|map| map.keys().cloned()).collect();
    known.sort();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let required = required.filter_map(|key| key.as_str().map(str::to_owned)).collect();
    DataKeys { known, required }
}

fn schema_of<T: JsonSchema>(name: &str, version: u32) -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("$id".into(), format!("urn:semantest-iac:{name}:{version}").into());
        map.insert("title".into(), name.into());
    }
    schema
}
