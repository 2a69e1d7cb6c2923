//! `aws.api_stage`: where an API is called, with its access log and its throttling. The stage of a WebSocket API shows what
//! was deployed to it; that of an HTTP API deploys itself. It is part of its API.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_apigatewayv2::operation::get_stage::GetStageOutput;
use aws_sdk_apigatewayv2::types::{AccessLogSettings, RouteSettings};
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Address, Properties, Reference, Resource};
use semantest_iac_core::domain::networking::api_gateway::ApiGateway;
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Observed, Operation, ResourceHandle,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api_routes::once;
use crate::api_tags;
use crate::clients::Clients;
use crate::error::{Failure, failed, gone, seen};
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.api_stage";

/// The stage of an HTTP API whose address needs no stage.
pub(crate) const DEFAULT_STAGE: &str = "$default";

/// A line of the access log: JSON, with what a request is found again by.
const ACCESS_LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime","#,
    r#""routeKey":"$context.routeKey","status":"$context.status","responseLength":"$context.responseLength","#,
    r#""integrationError":"$context.integrationErrorMessage"}"#
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Throttling {
    rate: f64,
    burst: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    api_id: String,
    stage_name: String,
    /// Digest of what is deployed to it; absent where it deploys itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployed: Option<String>,
    /// Log group that its requests are written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_log: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttling: Option<Throttling>,
    /// What it tells functions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    stage_variables: BTreeMap<String, String>,
    #[serde(default)]
    tags: Tags,
}

/// The stage of the API at `api`, which writes to the group at `access_log`.
pub(crate) fn lower(
    blueprint: &Blueprint,
    gateway: &ApiGateway,
    api: &Resource,
    stage_name: &str,
    access_log: Option<&Address>,
) -> Resource {
    let text = |key: &str| api.inputs.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let content = |key: &str| api.inputs.get(key).map(Value::to_string).unwrap_or_default();
    let deployed = (stage_name != DEFAULT_STAGE).then(|| {
        let always = ["routes", "integrations", "route_selection"].map(content);
        // An API without authorizers has the digest that it always had.
        let more = ["authorizers", "authorization"].map(content).into_iter().filter(|text| !text.is_empty());
        let all = always.into_iter().chain(more).collect::<Vec<_>>().join("\n");
        hex::encode(&Sha256::digest(all)[..8])
    });
    let inputs = Inputs {
        region: text("region"),
        api_id: Reference::text(&api.address, "api_id"),
        stage_name: stage_name.to_owned(),
        deployed,
        access_log: access_log.map(|group| Reference::text(group, "log_group_name")),
        throttling: gateway.throttling.map(|one| Throttling { rate: one.rate, burst: one.burst }),
        stage_variables: gateway.stage_variables.clone(),
        tags: blueprint.tags.clone(),
    };
    let mut resource = Resource::new(format!("{}.stage", api.address), WORD, properties(&inputs));
    resource.replace_on.insert("stage_name".into());
    resource
}

pub(crate) struct ApiStage;

#[async_trait]
impl ResourceKind for ApiStage {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let call = aws.apigateway.get_stage().api_id(&asked.api_id).stage_name(&asked.stage_name);
        let Some(stage) = seen("apigateway.GetStage", call.send().await)? else { return Ok(None) };
        let tags = api_tags::current(aws, &path(&asked), stage.tags.clone(), Some(&asked.tags)).await?;
        let mut inputs = properties(&json!({
            "api_id": asked.api_id, "stage_name": stage.stage_name(), "tags": ownership::of_user(&tags),
        }));
        if asked.access_log.is_some() {
            let arn = stage.access_log_settings().and_then(|log| log.destination_arn()).unwrap_or_default();
            let group = arn.split_once(":log-group:").map(|(_, group)| group.trim_end_matches(":*"));
            inputs.insert("access_log".into(), json!(group));
        }
        if asked.throttling.is_some() {
            inputs.insert(
                "throttling".into(),
                json!(stage.default_route_settings().and_then(throttling_found)),
            );
        }
        let variables = variables_found(&stage);
        if !asked.stage_variables.is_empty() || !variables.is_empty() {
            inputs.insert("stage_variables".into(), json!(variables));
        }
        let mut outputs = Properties::new();
        if asked.deployed.is_some() {
            outputs.insert("deployment_id".into(), json!(stage.deployment_id()));
        }
        Ok(Some(Observed { id: id(&asked), inputs, outputs }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let deployment = match &wanted.deployed {
            Some(digest) => Some(deployment(aws, change, operation, &wanted, digest).await?),
            None => None,
        };
        let found = match change.action {
            ChangeAction::Update if change.changed.iter().eq(["tags"]) => Ok(()),
            ChangeAction::Update => update(aws, change, &wanted, deployment.as_deref()).await,
            _ => create(aws, change, operation, &wanted, deployment.as_deref()).await,
        };
        let fresh = found.is_ok() && change.action != ChangeAction::Update;
        let failure = match found {
            Ok(()) => None,
            Err(failure) if failure.is(&["Conflict"]) && change.action != ChangeAction::Update => {
                update(aws, change, &wanted, deployment.as_deref()).await.err()
            }
            Err(failure) => Some(failure),
        };
        match failure {
            None => {}
            // What was made a moment ago may not be seen everywhere yet.
            Some(failure) if failure.is_not_found() => {
                return Err(failure.into_error("apigateway.CreateStage").retry_later());
            }
            Some(failure) => return Err(failure.into_error("apigateway.CreateStage")),
        }
        if !fresh {
            retag(aws, change, &wanted).await?;
        }
        let mut outputs = Properties::new();
        outputs.extend(deployment.map(|id| ("deployment_id".to_owned(), Value::String(id))));
        Ok(Applied { id: id(&wanted), outputs, adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        // The API it is part of was never made: neither was it.
        if there.api_id.starts_with("${") {
            return Ok(());
        }
        let call = aws.apigateway.delete_stage().api_id(&there.api_id).stage_name(&there.stage_name);
        gone("apigateway.DeleteStage", call.send().await)
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}/{}", inputs.api_id, inputs.stage_name)
}

/// A variable without a value is one that was taken away.
fn variables_found(stage: &GetStageOutput) -> BTreeMap<String, String> {
    let all = stage.stage_variables().into_iter().flatten().filter(|(_, value)| !value.is_empty());
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn throttling_found(settings: &RouteSettings) -> Option<Throttling> {
    let burst = settings.throttling_burst_limit.and_then(|burst| u32::try_from(burst).ok())?;
    Some(Throttling { rate: settings.throttling_rate_limit?, burst })
}

/// The deployment that the stage is to show: the log's, or, where what is deployed changes, one of this operation, which is
/// known by its description.
async fn deployment(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    digest: &str,
) -> Result<String> {
    let known = change.resource.outputs.get("deployment_id").and_then(Value::as_str);
    if change.action == ChangeAction::Update
        && !change.changed.contains("deployed")
        && let Some(known) = known
    {
        return Ok(known.to_owned());
    }
    let early = |failure: Failure, operation: &str| match failure.is_not_found() {
        true => failure.into_error(operation).retry_later(),
        false => failure.into_error(operation),
    };
    let description = format!("{digest} {}", operation.id);
    let there = aws.apigateway.get_deployments().api_id(&wanted.api_id).send().await;
    let there = there.map_err(|error| early(Failure::of(&error), "apigateway.GetDeployments"))?;
    let same = there.items().iter().find(|one| one.description() == Some(&description));
    if let Some(id) = same.and_then(|one| one.deployment_id()) {
        return Ok(id.to_owned());
    }
    let call = aws.apigateway.create_deployment().api_id(&wanted.api_id).description(description);
    let sent = call.customize().config_override(once()).send().await;
    let made = sent.map_err(|error| early(Failure::of(&error), "apigateway.CreateDeployment"))?;
    Ok(made.deployment_id.unwrap_or_default())
}

async fn access_log(aws: &Clients, wanted: &Inputs) -> Result<Option<AccessLogSettings>, Failure> {
    let Some(group) = &wanted.access_log else { return Ok(None) };
    let arn = format!("arn:${{partition}}:logs:${{region}}:${{account}}:log-group:{group}");
    let arn = aws.expand(&arn).await?;
    Ok(Some(AccessLogSettings::builder().destination_arn(arn).format(ACCESS_LOG_FORMAT).build()))
}

fn route_settings(wanted: &Inputs) -> Option<RouteSettings> {
    let throttling = wanted.throttling.as_ref()?;
    let burst = i32::try_from(throttling.burst).unwrap_or(i32::MAX);
    let settings = RouteSettings::builder().throttling_burst_limit(burst);
    Some(settings.throttling_rate_limit(throttling.rate).build())
}

async fn create(
    aws: &Clients,
    change: &Change,
    operation: &Operation,
    wanted: &Inputs,
    deployment: Option<&str>,
) -> Result<(), Failure> {
    let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
    let call = aws.apigateway.create_stage().api_id(&wanted.api_id).stage_name(&wanted.stage_name);
    let call = call.auto_deploy(deployment.is_none()).set_deployment_id(deployment.map(str::to_owned));
    let call = call.set_access_log_settings(access_log(aws, wanted).await?);
    let call = call.set_default_route_settings(route_settings(wanted));
    let variables = wanted.stage_variables.clone();
    let call = call.set_stage_variables((!variables.is_empty()).then(|| variables.into_iter().collect()));
    let sent = call.set_tags(Some(tags.into_iter().collect())).send().await;
    sent.map(drop).map_err(|error| Failure::of(&error))
}

async fn update(
    aws: &Clients,
    change: &Change,
    wanted: &Inputs,
    deployment: Option<&str>,
) -> Result<(), Failure> {
    let was_logged = change.previous_inputs.as_ref().is_some_and(|before| before.contains_key("access_log"));
    if was_logged && wanted.access_log.is_none() {
        let call = aws.apigateway.delete_access_log_settings().api_id(&wanted.api_id);
        let sent = call.stage_name(&wanted.stage_name).send().await;
        sent.map_err(|error| Failure::of(&error))?;
    }
    let call = aws.apigateway.update_stage().api_id(&wanted.api_id).stage_name(&wanted.stage_name);
    let call = call.set_deployment_id(deployment.map(str::to_owned));
    let call = call.set_auto_deploy(deployment.is_none().then_some(true));
    let call = call.set_access_log_settings(access_log(aws, wanted).await?);
    let call = call.set_stage_variables(variables(aws, change, wanted).await?);
    let sent = call.set_default_route_settings(route_settings(wanted)).send().await;
    sent.map(drop).map_err(|error| Failure::of(&error))
}

/// What changes the variables there are into those that are wanted: nothing where they are as they should be. One is taken away
/// by giving it no value.
async fn variables(
    aws: &Clients,
    change: &Change,
    wanted: &Inputs,
) -> Result<Option<HashMap<String, String>>, Failure> {
    if change.action == ChangeAction::Update && !change.changed.contains("stage_variables") {
        return Ok(None);
    }
    let call = aws.apigateway.get_stage().api_id(&wanted.api_id).stage_name(&wanted.stage_name);
    let there = call.send().await.map_err(|error| Failure::of(&error))?;
    let there = variables_found(&there);
    let gone = there.keys().filter(|name| !wanted.stage_variables.contains_key(*name));
    let mut all: HashMap<String, String> = gone.map(|name| (name.clone(), String::new())).collect();
    all.extend(wanted.stage_variables.clone());
    Ok((!all.is_empty()).then_some(all))
}

fn path(stage: &Inputs) -> String {
    format!("/apis/{}/stages/{}", stage.api_id, stage.stage_name)
}

async fn retag(aws: &Clients, change: &Change, wanted: &Inputs) -> Result<()> {
    if change.action == ChangeAction::Update && !change.changed.contains("tags") {
        return Ok(());
    }
    let call = aws.apigateway.get_stage().api_id(&wanted.api_id).stage_name(&wanted.stage_name);
    let stage = call.send().await.map_err(|error| failed("apigateway.GetStage", error))?;
    let there = api_tags::current(aws, &path(wanted), stage.tags, Some(&wanted.tags)).await?;
    api_tags::bring(aws, &path(wanted), &there, &wanted.tags).await.map(drop)
}
