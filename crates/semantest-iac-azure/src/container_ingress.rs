//! `azure.ingress`: what takes a container app's requests, as the outside world knows it. It is part of the app, which is told
//! of it; nothing of its own is there to be made.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clients::Clients;
use crate::container_app::{self, API_VERSION};
use crate::ownership;
use crate::resource_kind::{ResourceKind, properties, read};
use crate::tracked::is_of_component;

pub(crate) const WORD: &str = "azure.ingress";
const ADDRESS: &str = "load_balancer";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// Id of the app.
    app: String,
    /// Where the app is called.
    app_endpoint: String,
    target_port: u16,
}

pub(crate) fn lower(region: &str, target_port: u16) -> Resource {
    let app = container_app::ADDRESS.into();
    let inputs = Inputs {
        region: region.to_owned(),
        app: Reference::text(&app, "arn"),
        app_endpoint: Reference::text(&app, "endpoint"),
        target_port,
    };
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.role = Some(ResourceRole::LoadBalancer);
    resource
}

pub(crate) struct ContainerIngress;

#[async_trait]
impl ResourceKind for ContainerIngress {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let Some(app) = azure.arm.get(&asked.app, API_VERSION).await? else { return Ok(None) };
        let ingress = &app["properties"]["configuration"]["ingress"];
        if !is_of_component(&ownership::tags_of(&app), &resource.tags) || ingress.is_null() {
            return Ok(None);
        }
        let inputs = properties(&json!({ "app": asked.app, "target_port": ingress["targetPort"] }));
        Ok(Some(Observed { id: id(&asked), inputs, outputs: outputs(&asked) }))
    }

    async fn apply(&self, _azure: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        Ok(Applied { id: id(&wanted), outputs: outputs(&wanted), adopted: false })
    }

    /// It goes with its app.
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
    format!("{}#ingress", inputs.app)
}

fn outputs(inputs: &Inputs) -> Properties {
    properties(&json!({ "arn": id(inputs), "endpoint": inputs.app_endpoint }))
}
