//! `azure.function`: one function of the app, as the outside world knows it. ARM learns of it from the package; nothing of its
//! own is there to be made.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clients::Clients;
use crate::environment_variables::Settings;
use crate::ownership;
use crate::resource_kind::{ResourceKind, properties, read};
use crate::tracked::is_of_component;
use crate::{function_app, function_app_settings, workspace};

pub(crate) const WORD: &str = "azure.function";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub region: String,
    /// Id of the app.
    pub app: String,
    /// Where the app is called.
    pub app_endpoint: String,
    pub function_name: String,
    pub role: String,
    pub handler: String,
    pub runtime: String,
    pub package: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    /// Told to the app; here so that it is known what a function was deployed with.
    #[serde(default)]
    pub environment_variables: Settings,
    /// By which the workspace of its logs is asked.
    pub workspace: String,
}

/// What the function is called outside; the same as on AWS.
pub(crate) fn function_name(blueprint: &Blueprint, role: &str) -> String {
    let mut parts = vec![blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    if role != blueprint.component {
        parts.push(role);
    }
    physical_name(&parts, 64)
}

pub(crate) fn lower(blueprint: &Blueprint, function: &ServerlessFunction, region: &str) -> Resource {
    let app = function_app::ADDRESS.into();
    let inputs = Inputs {
        region: region.to_owned(),
        app: Reference::text(&app, "arn"),
        app_endpoint: Reference::text(&app, "endpoint"),
        function_name: function_name(blueprint, &function.role),
        role: function.role.clone(),
        handler: function.handler.clone(),
        runtime: function.runtime.clone(),
        package: function.package.clone(),
        memory_mb: function.memory_mb.0,
        timeout_s: function.timeout_s.0,
        environment_variables: function.environment_variables.clone(),
        workspace: Reference::text(&workspace::ADDRESS.into(), "customer_id"),
    };
    let mut resource = Resource::new(format!("function.{}", function.role), WORD, properties(&inputs));
    resource.role = Some(ResourceRole::Function);
    resource.depends_on.insert(function_app_settings::ADDRESS.into());
    resource
}

pub(crate) struct Function;

#[async_trait]
impl ResourceKind for Function {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let app = azure.arm.get(&asked.app, function_app::API_VERSION).await?;
        let is_ours = app.is_some_and(|app| is_of_component(&ownership::tags_of(&app), &resource.tags));
        let inputs = properties(&json!({ "app": asked.app, "function_name": asked.function_name }));
        Ok(is_ours.then(|| Observed { id: id(&asked), inputs, outputs: outputs(&asked) }))
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
    format!("{}/functions/{}", inputs.app, inputs.function_name)
}

/// The endpoint of a rest-api's function is its component's, as on AWS: its routes tell it apart.
fn outputs(inputs: &Inputs) -> Properties {
    properties(&json!({ "arn": id(inputs), "function_name": inputs.function_name }))
}
