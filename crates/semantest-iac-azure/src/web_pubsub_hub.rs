//! `azure.web_pubsub_hub`: what clients connect to, and which app hears of what they do. It is part of its service and goes
//! with it.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::function_app;
use crate::function_app_settings;
use crate::resource_kind::{ResourceKind, properties, read};
use crate::web_pubsub::{self, API_VERSION};

pub(crate) const WORD: &str = "azure.web_pubsub_hub";
pub(crate) const ADDRESS: &str = "web_pubsub.hub";

/// What the hub of every component is called: each has a service of its own.
pub(crate) const NAME: &str = "semantest";

/// Where the app takes the service's events.
const EVENTS_PATH: &str = "/_semantest/web-pubsub";

/// Where clients ask the app for an address to connect to.
const NEGOTIATE_PATH: &str = "/negotiate";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// Id of the service.
    service: String,
    /// Where the service is.
    host: String,
    name: String,
    /// Where the app is called.
    app_endpoint: String,
    /// Where events are sent.
    events_url: String,
    system_events: Vec<String>,
    user_events: String,
    /// Whether clients may connect without a token: the functions judge them, as on AWS.
    anonymous: String,
}

pub(crate) fn lower(region: &str) -> Resource {
    let (app, service) = (function_app::ADDRESS.into(), web_pubsub::ADDRESS.into());
    let endpoint = Reference::text(&app, "endpoint");
    let inputs = Inputs {
        region: region.to_owned(),
        service: Reference::text(&service, "id"),
        host: Reference::text(&service, "host"),
        name: NAME.into(),
        events_url: format!("{endpoint}{EVENTS_PATH}"),
        app_endpoint: endpoint,
        system_events: ["connect", "disconnected"].map(str::to_owned).to_vec(),
        user_events: "*".into(),
        anonymous: "allow".into(),
    };
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.role = Some(ResourceRole::ApiGateway);
    // The service asks whoever is to hear of events whether they want to.
    resource.depends_on.insert(function_app_settings::ADDRESS.into());
    resource.replace_on.extend(["service", "name"].map(str::to_owned));
    resource
}

pub(crate) struct WebPubSubHub;

#[async_trait]
impl ResourceKind for WebPubSubHub {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let Some(found) = azure.arm.get(&id(&asked), API_VERSION).await? else { return Ok(None) };
        let hub = &found["properties"];
        let handlers = hub["eventHandlers"].as_array().map_or(&[][..], Vec::as_slice);
        let handler = handlers.first().unwrap_or(&Value::Null);
        let mut inputs = properties(&json!({
            "service": asked.service, "name": asked.name, "anonymous": hub["anonymousConnectPolicy"],
            "events_url": handler["urlTemplate"], "user_events": handler["userEventPattern"],
            "system_events": handler["systemEvents"],
        }));
        if handlers.len() > 1 {
            inputs.insert(
                "events_url".into(),
                json!(handlers.iter().map(|one| &one["urlTemplate"]).collect::<Vec<_>>()),
            );
        }
        Ok(Some(Observed { id: id(&asked), inputs, outputs: outputs(&asked) }))
    }

    async fn apply(&self, azure: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let body = json!({ "properties": {
            "anonymousConnectPolicy": wanted.anonymous,
            "eventHandlers": [{
                "urlTemplate": wanted.events_url, "userEventPattern": wanted.user_events,
                "systemEvents": wanted.system_events,
            }],
        }});
        azure.arm.put(&id(&wanted), API_VERSION, &body, operation).await?;
        Ok(Applied { id: id(&wanted), outputs: outputs(&wanted), adopted: false })
    }

    /// It goes with its service, which is deleted next.
    async fn delete(
        &self,
        _azure: &Clients,
        _resource: &ResourceHandle,
        _operation: &Operation,
    ) -> Result<()> {
        Ok(())
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}/hubs/{}", inputs.service, inputs.name)
}

/// Clients connect to the endpoint as they are, or to what they get from the negotiate endpoint.
fn outputs(inputs: &Inputs) -> Properties {
    properties(&json!({
        "arn": id(inputs), "api_id": inputs.name,
        "endpoint": format!("wss://{}/client/hubs/{}", inputs.host, inputs.name),
        "negotiate_endpoint": format!("{}{NEGOTIATE_PATH}", inputs.app_endpoint),
    }))
}
