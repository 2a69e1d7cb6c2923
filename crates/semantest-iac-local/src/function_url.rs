//! `local.function_url`: a function's own address, on a port of this machine.

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::networking::api_gateway::Cors;
use semantest_iac_core::domain::networking::function_url::{InvokeMode, UrlAuthorization};
use semantest_iac_core::ports::provider::ResourceHandle;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::malformed;
use crate::function;
use crate::host::definition::FunctionUrlDefinition;
use crate::http_api::{api_id, name_of};
use crate::provider::{properties, tags_of};

/// Provider's word for a function's URL.
pub(crate) const KIND: &str = "local.function_url";

/// What a URL is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FunctionUrlInputs {
    url_id: String,
    function: String,
    authorization: UrlAuthorization,
    invoke_mode: InvokeMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
}

/// The URL of `function`; nothing where it has none.
pub(crate) fn lower(blueprint: &Blueprint, function: &ServerlessFunction) -> Option<Resource> {
    let url = function.url.as_ref()?;
    let (component, role) = (&blueprint.component, &function.role);
    let parts: [&str; 5] = [&blueprint.project, &blueprint.environment, component, role, "url"];
    let inputs = FunctionUrlInputs {
        url_id: api_id(&parts),
        function: name_of(&function.role),
        authorization: url.authorization,
        invoke_mode: url.invoke_mode,
        cors: url.cors.clone(),
    };
    let address = format!("{}.url", function::address(&function.role));
    let mut resource = Resource::new(address, KIND, properties(&inputs));
    resource.role = Some(ResourceRole::FunctionUrl);
    resource.replace_on.insert("url_id".into());
    Some(resource)
}

pub(crate) fn definition(handle: &ResourceHandle) -> Result<FunctionUrlDefinition> {
    let read = |error| malformed(KIND, error);
    let inputs: FunctionUrlInputs = serde_json::from_value(handle.inputs.clone().into()).map_err(read)?;
    Ok(FunctionUrlDefinition {
        id: inputs.url_id,
        tags: tags_of(&handle.tags),
        function: inputs.function,
        port: None,
        authorization: inputs.authorization,
        invoke_mode: inputs.invoke_mode,
        cors: inputs.cors.map(|cors| serde_json::from_value(json!(cors))).transpose().map_err(read)?,
    })
}

pub(crate) fn inputs(definition: &FunctionUrlDefinition) -> Properties {
    let cors = definition.cors.as_ref().and_then(|cors| serde_json::from_value(json!(cors)).ok());
    properties(&FunctionUrlInputs {
        url_id: definition.id.clone(),
        function: definition.function.clone(),
        authorization: definition.authorization,
        invoke_mode: definition.invoke_mode,
        cors,
    })
}
