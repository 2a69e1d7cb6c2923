//! `aws.websocket_api`: routes to functions over WebSocket.

use async_trait::async_trait;
use aws_sdk_apigatewayv2::types::ProtocolType;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::networking::api_gateway::ApiGateway;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};

use crate::api::{self, Protocol};
use crate::clients::Clients;
use crate::resource_kind::ResourceKind;

pub(crate) const WORD: &str = "aws.websocket_api";

/// Which part of a message names its route.
const ROUTE_SELECTION: &str = "$request.body.action";

/// The API, whose clients connect to `stage`.
pub(crate) fn lower(blueprint: &Blueprint, gateway: &ApiGateway, region: &str, stage: &str) -> Resource {
    let path = |arn: &str| {
        format!(
            "arn:${{partition}}:apigateway:${{region}}:lambda:path/2015-03-31/functions/{arn}/invocations"
        )
    };
    let mut inputs = api::inputs(blueprint, gateway, region, path);
    inputs.stage = Some(stage.to_owned());
    inputs.route_selection = Some(ROUTE_SELECTION.to_owned());
    api::resource(WORD, &inputs)
}

pub(crate) struct WebsocketApi;

const PROTOCOL: Protocol = Protocol { word: WORD, protocol: ProtocolType::Websocket, payload_format: None };

#[async_trait]
impl ResourceKind for WebsocketApi {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        PROTOCOL.observe(aws, resource).await
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        PROTOCOL.apply(aws, change, operation).await
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        PROTOCOL.delete(aws, resource).await
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        PROTOCOL.discover(aws, scope).await
    }
}
