//! `aws.websocket_api`: routes to functions over WebSocket.

use aws_sdk_apigatewayv2::types::ProtocolType;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::networking::api_gateway::ApiGateway;

use crate::api::{self, Protocol};

pub(crate) const WORD: &str = "aws.websocket_api";

/// Which part of a message names its route.
const ROUTE_SELECTION: &str = "$request.body.action";

/// The API, whose clients connect to `stage`.
pub(crate) fn lower(
    blueprint: &Blueprint,
    gateway: &ApiGateway,
    region: &str,
    stage: &str,
) -> Result<Resource> {
    let mut inputs = api::inputs(blueprint, gateway, region, api::invocation)?;
    inputs.stage = Some(stage.to_owned());
    inputs.route_selection = Some(ROUTE_SELECTION.to_owned());
    Ok(api::resource(WORD, &inputs))
}

/// How it is made, seen, changed and taken away.
pub(crate) const WEBSOCKET_API: Protocol =
    Protocol { word: WORD, protocol: ProtocolType::Websocket, payload_format: None };
