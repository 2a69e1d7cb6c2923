//! From a blueprint to the resources that make it up on AWS. Pure: every name is known beforehand, but for the account's
//! number and what AWS makes up itself.

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Reference, Resource};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, ApiProtocol};
use semantest_iac_core::ports::provider::ProviderSettings;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::api_stage::{self, DEFAULT_STAGE};
use crate::{
    function, function_alias, function_layer, function_permission, function_url, http_api, iam_role,
    iam_role_policy, log_group, websocket_api,
};

/// The resources of `blueprint`.
pub(crate) fn lower(blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
    let region = settings.region.as_deref().ok_or_else(no_region)?;
    check_tags(blueprint)?;
    if let Some(service) = &blueprint.service {
        return crate::container_service_graph::lower(blueprint, service, region);
    }
    let role = iam_role::lower(blueprint, region, "role", "", "lambda.amazonaws.com");
    let mut statements = vec![may_log(blueprint)];
    let mut resources = function_layer::lower(blueprint, region);
    let front = blueprint.api.as_ref().map(|gateway| front(blueprint, gateway, region)).transpose()?;
    for one in &blueprint.functions {
        let name = function::function_name(blueprint, &one.role);
        let group = log_group::lower(
            blueprint,
            region,
            format!("log_group.{}", one.role),
            format!("/aws/lambda/{name}"),
            one.log_retention_days,
        );
        let function = function::lower(blueprint, one, region, &role.address, &group.address)?;
        let alias = function_alias::lower(region, one, &function);
        if let Some(front) = &front
            && front.calls(&one.role)
        {
            resources.push(function_permission::lower(region, &function, &alias, &front.api.address));
        }
        resources.extend(function_url::lower(region, one, &function, &alias));
        resources.extend([group, function, alias]);
    }
    if let Some(front) = front {
        statements.extend(front.may_send);
        resources.extend([front.api, front.stage]);
        resources.extend(front.access_log);
    }
    resources.push(iam_role_policy::lower(region, &role, Value::Array(statements)));
    resources.push(role);
    ResourceGraph::new(resources)
}

/// What stands in front of the functions.
struct Front<'a> {
    gateway: &'a ApiGateway,
    api: Resource,
    stage: Resource,
    access_log: Option<Resource>,
    /// The statement by which functions may send messages to who is connected.
    may_send: Option<Value>,
}

impl Front<'_> {
    /// Whether the API calls the function with that role: for a route, or to ask it who may call one.
    fn calls(&self, role: &str) -> bool {
        let asked = self.gateway.lambda_authorizers.values().any(|authorizer| authorizer.function == role);
        asked || self.gateway.routes.iter().any(|route| route.function == role)
    }
}

fn front<'a>(blueprint: &Blueprint, gateway: &'a ApiGateway, region: &str) -> Result<Front<'a>> {
    let is_http = gateway.protocol == ApiProtocol::Http;
    // A stage's name may hold letters, digits, - and _ only.
    let stage_name = physical_name(&[&blueprint.environment], 64);
    let api = match is_http {
        true => http_api::lower(blueprint, gateway, region)?,
        false => websocket_api::lower(blueprint, gateway, region, &stage_name)?,
    };
    // The access log of a WebSocket API needs a role that somebody has to set for the whole account, once.
    let access_log = gateway.access_log.unwrap_or(is_http).then(|| {
        let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
        let name = format!("/aws/apigateway/{}", physical_name(&parts, 128));
        log_group::lower(blueprint, region, "api.log_group".into(), name, gateway.log_retention_days)
    });
    let stage_name = if is_http { DEFAULT_STAGE } else { &stage_name };
    let group = access_log.as_ref().map(|group| &group.address);
    let stage = api_stage::lower(blueprint, gateway, &api, stage_name, group);
    let may_send = (!is_http).then(|| {
        let api = Reference::text(&api.address, "api_id");
        let connections = format!(
            "arn:${{partition}}:execute-api:${{region}}:${{account}}:{api}/{stage_name}/*/@connections/*"
        );
        json!({ "Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": connections })
    });
    Ok(Front { gateway, api, stage, access_log, may_send })
}

/// Functions write to their own log groups and to nothing else.
fn may_log(blueprint: &Blueprint) -> Value {
    let groups = blueprint.functions.iter().map(|one| {
        let name = function::function_name(blueprint, &one.role);
        format!("arn:${{partition}}:logs:${{region}}:${{account}}:log-group:/aws/lambda/{name}:*")
    });
    json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": groups.collect::<Vec<String>>(),
    })
}

fn no_region() -> Error {
    let text = "no AWS region: set `region` of the environment in semantest.toml, AWS_REGION, or the profile's region";
    Error::new(ErrorKind::InvalidProject, "aws.lower", text).with("field", "region")
}

/// Tags that AWS would refuse half-way.
///
/// Source: AWS tagging guide, "Tag naming limits and requirements".
fn check_tags(blueprint: &Blueprint) -> Result<()> {
    let fine = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
    for (key, value) in &blueprint.tags {
        let why = match () {
            () if key.to_lowercase().starts_with("aws:") => "begins with `aws:`, which AWS keeps for itself",
            () if key.starts_with(crate::ownership::PREFIX) => "begins with `semantest:`, which is ours",
            () if key.is_empty() || key.chars().count() > 128 => "must be 1 to 128 characters long",
            () if value.chars().count() > 256 => "has a value of more than 256 characters",
            () if !fine(key) || !fine(value) => "may hold letters, digits, spaces and _ . : / = + - @ only",
            () => continue,
        };
        let text = format!("tag `{}` {why}", key.escape_debug());
        return Err(
            Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", format!("tags.{key}"))
        );
    }
    if blueprint.tags.len() > 40 {
        let text =
            format!("{} tags are too many: AWS takes 50, and 5 of them are ours", blueprint.tags.len());
        return Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", "tags"));
    }
    Ok(())
}
