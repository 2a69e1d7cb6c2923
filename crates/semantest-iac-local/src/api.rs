//! What listens on a port, as a resource: an API of either kind, a function's URL, a load balancer.

use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::ResourceHandle;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::host::definition::{ApiDefinition, Tags};
use crate::provider::properties;
use crate::{function_url, http_api, load_balancer, websocket_api};

pub(crate) fn unknown(kind: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "local.read", format!("`local` has no resources of kind `{kind}`"))
}

pub(crate) fn definition(resource: &ResourceHandle) -> Result<ApiDefinition> {
    match resource.kind.as_str() {
        http_api::KIND => http_api::definition(resource).map(ApiDefinition::Http),
        websocket_api::KIND => websocket_api::definition(resource).map(ApiDefinition::Websocket),
        function_url::KIND => function_url::definition(resource).map(ApiDefinition::Url),
        load_balancer::KIND => load_balancer::definition(resource).map(ApiDefinition::Balancer),
        other => Err(unknown(other)),
    }
}

pub(crate) fn kind(api: &ApiDefinition) -> &'static str {
    match api {
        ApiDefinition::Http(_) => http_api::KIND,
        ApiDefinition::Websocket(_) => websocket_api::KIND,
        ApiDefinition::Url(_) => function_url::KIND,
        ApiDefinition::Balancer(_) => load_balancer::KIND,
    }
}

pub(crate) fn tags(api: &ApiDefinition) -> &Tags {
    match api {
        ApiDefinition::Http(api) => &api.tags,
        ApiDefinition::Websocket(api) => &api.tags,
        ApiDefinition::Url(url) => &url.tags,
        ApiDefinition::Balancer(balancer) => &balancer.tags,
    }
}

pub(crate) fn inputs(api: &ApiDefinition) -> Properties {
    match api {
        ApiDefinition::Http(api) => http_api::inputs(api),
        ApiDefinition::Websocket(api) => websocket_api::inputs(api),
        ApiDefinition::Url(url) => function_url::inputs(url),
        ApiDefinition::Balancer(balancer) => load_balancer::inputs(balancer),
    }
}

pub(crate) fn endpoint(api: &ApiDefinition) -> Option<String> {
    match api {
        ApiDefinition::Http(api) => http_api::endpoint(api),
        ApiDefinition::Websocket(api) => websocket_api::endpoint(api),
        ApiDefinition::Url(url) => url.port.map(http_api::endpoint_on),
        ApiDefinition::Balancer(balancer) => balancer.port.map(http_api::endpoint_on),
    }
}

pub(crate) fn outputs(api: &ApiDefinition) -> Properties {
    match api {
        ApiDefinition::Balancer(_) => properties(&json!({"endpoint": endpoint(api)})),
        ApiDefinition::Url(url) => {
            properties(&json!({"function_name": url.function, "endpoint": endpoint(api)}))
        }
        _ => properties(&json!({"api_id": api.id(), "endpoint": endpoint(api)})),
    }
}
