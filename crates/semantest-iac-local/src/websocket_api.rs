//! `local.websocket_api`: routes to functions over WebSocket, on a port of this machine.

use std::collections::BTreeMap;

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, Throttling};
use semantest_iac_core::ports::provider::ResourceHandle;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::malformed;
use crate::host::definition::{Authorization, Route, WebsocketApiDefinition};
use crate::http_api;
use crate::provider::{properties, tags_of};

/// Provider's word for a WebSocket API.
pub(crate) const KIND: &str = "local.websocket_api";

/// Which part of a message names its route.
const ROUTE_SELECTION: &str = "$request.body.action";

/// What a WebSocket API is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WebsocketApiInputs {
    api_id: String,
    name: String,
    stage: String,
    routes: Vec<Route>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttling: Option<Throttling>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: BTreeMap<String, String>,
}

pub(crate) fn lower(blueprint: &Blueprint, api: &ApiGateway, region: Option<&str>) -> Result<Resource> {
    let mut inputs = http_api::common_inputs(blueprint, api, region)?;
    inputs.insert("stage".into(), json!(blueprint.environment));
    Ok(http_api::resource(KIND, inputs))
}

pub(crate) fn definition(handle: &ResourceHandle) -> Result<WebsocketApiDefinition> {
    let inputs: WebsocketApiInputs =
        serde_json::from_value(handle.inputs.clone().into()).map_err(|error| malformed(KIND, error))?;
    Ok(WebsocketApiDefinition {
        id: inputs.api_id,
        name: inputs.name,
        tags: tags_of(&handle.tags),
        stage: inputs.stage,
        port: None,
        routes: inputs.routes,
        route_selection_expression: ROUTE_SELECTION.into(),
        throttling: inputs.throttling,
        authorization: inputs.authorization,
        stage_variables: inputs.stage_variables,
    })
}

pub(crate) fn inputs(definition: &WebsocketApiDefinition) -> Properties {
    properties(&WebsocketApiInputs {
        api_id: definition.id.clone(),
        name: definition.name.clone(),
        stage: definition.stage.clone(),
        routes: definition.routes.clone(),
        throttling: definition.throttling,
        authorization: definition.authorization.clone(),
        stage_variables: definition.stage_variables.clone(),
    })
}

pub(crate) fn endpoint(definition: &WebsocketApiDefinition) -> Option<String> {
    Some(format!("ws://127.0.0.1:{}/{}", definition.port?, definition.stage))
}
