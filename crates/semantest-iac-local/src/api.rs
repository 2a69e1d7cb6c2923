//! An API of either kind, as a resource.

use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::provider::ResourceHandle;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::host::definition::{ApiDefinition, Tags};
use crate::provider::properties;
use crate::{http_api, websocket_api};

pub(crate) fn unknown(kind: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "local.read", format!("`local` has no resources of kind `{kind}`"))
}

pub(crate) fn definition(resource: &ResourceHandle) -> Result<ApiDefinition> {
    match resource.kind.as_str() {
        http_api::KIND => http_api::definition(resource).map(ApiDefinition::Http),
        websocket_api::KIND => websocket_api::definition(resource).map(ApiDefinition::Websocket),
        other => Err(unknown(other)),
    }
}

pub(crate) fn kind(api: &ApiDefinition) -> &'static str {
    match api {
        ApiDefinition::Http(_) => http_api::KIND,
        ApiDefinition::Websocket(_) => websocket_api::KIND,
    }
}

pub(crate) fn tags(api: &ApiDefinition) -> &Tags {
    match api {
        ApiDefinition::Http(api) => &api.tags,
        ApiDefinition::Websocket(api) => &api.tags,
    }
}

pub(crate) fn inputs(api: &ApiDefinition) -> Properties {
    match api {
        ApiDefinition::Http(api) => http_api::inputs(api),
        ApiDefinition::Websocket(api) => websocket_api::inputs(api),
    }
}

pub(crate) fn endpoint(api: &ApiDefinition) -> Option<String> {
    match api {
        ApiDefinition::Http(api) => http_api::endpoint(api),
        ApiDefinition::Websocket(api) => websocket_api::endpoint(api),
    }
}

pub(crate) fn outputs(api: &ApiDefinition) -> Properties {
    properties(&json!({"api_id": api.id(), "endpoint": endpoint(api)}))
}
