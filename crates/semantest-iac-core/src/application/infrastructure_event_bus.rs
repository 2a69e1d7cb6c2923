//! The bridge: application events of other domains become requests of ours.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::application::service::DeploymentService;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::events::request::DeploymentRequested;
use crate::ports::event_bus::{EventFilter, EventHandler, SubscriptionId};

/// The application event that asks for a service.
const SERVICE_DEPLOYMENT_NEEDED: &str = "ServiceDeploymentNeeded";

/// Listens for `ServiceDeploymentNeeded {service_type, environment, service_config}` on the bus and carries out
/// the `DeploymentRequested` it means: the component is the service type, the provider the environment's.
pub struct InfrastructureEventBus {
    /// The service owns the bus, and the bus this handler: it must not own the service in turn.
    service: Weak<DeploymentService>,
}

impl InfrastructureEventBus {
    /// Begins to listen on the service's bus.
    ///
    /// # Errors
    /// Where the bus takes no subscriber.
    pub async fn attach(service: &Arc<DeploymentService>) -> Result<SubscriptionId> {
        let filter = EventFilter::names([SERVICE_DEPLOYMENT_NEEDED]);
        let bridge = Self { service: Arc::downgrade(service) };
        service.ports.bus.subscribe(filter, Arc::new(bridge)).await
    }
}

#[async_trait]
impl EventHandler for InfrastructureEventBus {
    fn name(&self) -> &str {
        "infrastructure-event-bus"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let Some(service) = self.service.upgrade() else { return Ok(()) };
        if service.taken_in.has(event) {
            return Ok(());
        }
        match translate(&service, event)? {
            Some((envelope, request)) => {
                service.deploy(envelope, &request, &CancellationToken::new()).await?;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The request an application event means, where it means one. The request's id is derived from the event's source, id
/// and time, so that an event delivered twice is one request.
pub(crate) fn translate(
    service: &DeploymentService,
    event: &Envelope,
) -> Result<Option<(Envelope, DeploymentRequested)>> {
    let Event::Unknown(foreign) = &event.data else { return Ok(None) };
    if foreign.name() != SERVICE_DEPLOYMENT_NEEDED {
        return Ok(None);
    }
    let data = foreign.data_map();
    let component = text(&data, "service_type")?;
    let environment = text(&data, "environment")?;
    let configuration = match data.get("service_config").or_else(|| data.get("serviceConfig")) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(malformed("service_config", "must be an object")),
    };
    let defined = service.ports.project.environment(&environment)?;
    let provider = defined.as_ref().map(|environment| environment.provider.clone());
    let region = defined.and_then(|environment| environment.region);
    let request = DeploymentRequested { component, provider, environment, region, configuration };
    let mut envelope = service.envelope(request.clone());
    envelope.id = request_id(event);
    envelope.correlation_id = event.correlation_id.clone().or_else(|| Some(event.id.clone()));
    envelope.causation_id = Some(event.id.clone());
    envelope.previous_event_ids =
        std::iter::once(event.id.clone()).chain(event.previous_event_ids.iter().cloned()).collect();
    Ok(Some((envelope, request)))
}

/// A UUID version 7 of the event's time whose other bits come from the event's source and id (RFC 9562, section 5.7).
fn request_id(event: &Envelope) -> String {
    let digest = Sha256::digest(format!("{}\0{}", event.source, event.id));
    let mut bits = [0; 10];
    bits.copy_from_slice(&digest[..10]);
    let milliseconds = u64::try_from(event.time.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &bits).into_uuid().to_string()
}

fn text(data: &Map<String, Value>, key: &str) -> Result<String> {
    let camel = if key == "service_type" { "serviceType" } else { key };
    match data.get(key).or_else(|| data.get(camel)).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(malformed(key, "must be non-empty text")),
    }
}

fn malformed(field: &str, why: &str) -> Error {
    let text = format!("{SERVICE_DEPLOYMENT_NEEDED}: `{field}` {why}");
    Error::new(ErrorKind::InvalidInput, "bridge.translate", text).with("field", field)
}
