//! `local.http_api`: routes to functions over HTTP, on a port of this machine.

use std::collections::BTreeMap;

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, Cors, Throttling};
use semantest_iac_core::ports::provider::ResourceHandle;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::malformed;
use crate::host::definition::{Authorization, HttpApiDefinition, Route};
use crate::provider::{properties, tags_of};
use crate::{authorization, function};

/// Provider's word for an HTTP API.
pub(crate) const KIND: &str = "local.http_api";

/// Address of a component's API.
pub(crate) const ADDRESS: &str = "api";

const NAME_LIMIT: usize = 64;

/// What an HTTP API is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct HttpApiInputs {
    api_id: String,
    name: String,
    routes: Vec<Route>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttling: Option<Throttling>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: BTreeMap<String, String>,
}

pub(crate) fn lower(blueprint: &Blueprint, api: &ApiGateway, region: Option<&str>) -> Result<Resource> {
    let mut inputs = common_inputs(blueprint, api, region)?;
    if let Some(cors) = &api.cors {
        inputs.insert("cors".into(), json!(cors));
    }
    Ok(resource(KIND, inputs))
}

/// What both kinds of API have.
pub(crate) fn common_inputs(
    blueprint: &Blueprint,
    api: &ApiGateway,
    region: Option<&str>,
) -> Result<Properties> {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    let routes = api.routes.iter().map(|route| Route {
        route_key: route.route_key.clone(),
        function: name_of(&route.function),
        authorizer: route.authorizer.clone(),
        authorization_scopes: route.authorization_scopes.clone(),
    });
    let mut inputs = properties(&json!({
        "api_id": api_id(&parts),
        "name": physical_name(&parts, NAME_LIMIT),
        "routes": routes.collect::<Vec<Route>>(),
    }));
    if let Some(authorization) = authorization::lower(api, region)? {
        inputs.insert("authorization".into(), json!(authorization));
    }
    if let Some(throttling) = &api.throttling {
        inputs.insert("throttling".into(), json!(throttling));
    }
    if !api.stage_variables.is_empty() {
        inputs.insert("stage_variables".into(), json!(api.stage_variables));
    }
    Ok(inputs)
}

/// The name of the function with that role, known once it is there.
pub(crate) fn name_of(role: &str) -> String {
    Reference::text(&function::address(role).into(), "function_name")
}

pub(crate) fn resource(kind: &str, inputs: Properties) -> Resource {
    let mut resource = Resource::new(ADDRESS, kind, inputs);
    resource.role = Some(ResourceRole::ApiGateway);
    resource.replace_on.insert("api_id".into());
    resource
}

/// Ten letters and digits, as API Gateway's are.
pub(crate) fn api_id(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn definition(handle: &ResourceHandle) -> Result<HttpApiDefinition> {
    let read = |error| malformed(KIND, error);
    let inputs: HttpApiInputs = serde_json::from_value(handle.inputs.clone().into()).map_err(read)?;
    Ok(HttpApiDefinition {
        id: inputs.api_id,
        name: inputs.name,
        tags: tags_of(&handle.tags),
        port: None,
        routes: inputs.routes,
        cors: inputs.cors.map(|cors| serde_json::from_value(json!(cors))).transpose().map_err(read)?,
        throttling: inputs.throttling,
        authorization: inputs.authorization,
        stage_variables: inputs.stage_variables,
    })
}

pub(crate) fn inputs(definition: &HttpApiDefinition) -> Properties {
    let cors = definition.cors.as_ref().and_then(|cors| serde_json::from_value(json!(cors)).ok());
    properties(&HttpApiInputs {
        api_id: definition.id.clone(),
        name: definition.name.clone(),
        routes: definition.routes.clone(),
        cors,
        throttling: definition.throttling,
        authorization: definition.authorization.clone(),
        stage_variables: definition.stage_variables.clone(),
    })
}

pub(crate) fn endpoint(definition: &HttpApiDefinition) -> Option<String> {
    definition.port.map(endpoint_on)
}

pub(crate) fn endpoint_on(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
