//! `aws.http_api`: routes to functions over HTTP.

use aws_sdk_apigatewayv2::types::{Cors as AwsCors, ProtocolType};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, Cors};

use crate::api::{self, Protocol};

pub(crate) const WORD: &str = "aws.http_api";

pub(crate) fn lower(blueprint: &Blueprint, gateway: &ApiGateway, region: &str) -> Result<Resource> {
    let mut inputs = api::inputs(blueprint, gateway, region, str::to_owned)?;
    inputs.cors.clone_from(&gateway.cors);
    Ok(api::resource(WORD, &inputs))
}

/// How it is made, seen, changed and taken away.
pub(crate) const HTTP_API: Protocol =
    Protocol { word: WORD, protocol: ProtocolType::Http, payload_format: Some("2.0") };

/// As API Gateway is told.
pub(crate) fn cors_wanted(cors: &Cors) -> AwsCors {
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.to_vec());
    AwsCors::builder()
        .set_allow_origins(list(&cors.allow_origins))
        .set_allow_methods(list(&cors.allow_methods))
        .set_allow_headers(list(&cors.allow_headers))
        .set_expose_headers(list(&cors.expose_headers))
        .allow_credentials(cors.allow_credentials)
        .set_max_age(cors.max_age_s.and_then(|age| i32::try_from(age).ok()))
        .build()
}

/// As API Gateway tells.
pub(crate) fn cors_found(cors: &AwsCors) -> Cors {
    Cors {
        allow_origins: cors.allow_origins().to_vec(),
        allow_methods: cors.allow_methods().to_vec(),
        allow_headers: cors.allow_headers().to_vec(),
        expose_headers: cors.expose_headers().to_vec(),
        allow_credentials: cors.allow_credentials().unwrap_or_default(),
        max_age_s: cors.max_age().filter(|age| *age > 0).and_then(|age| u32::try_from(age).ok()),
    }
}
