//! An API of either kind: it, its integrations (one for each function) and its routes. They come and go together, and
//! what there is of them is read in as few calls as can be.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_apigatewayv2::types::ProtocolType;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, Cors};
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api_authorizers::{self, Authorizer, RouteAuthorization};
use crate::api_index::KnownApi;
use crate::api_routes::{self, Parts};
use crate::clients::Clients;
use crate::error::{Failure, failed, foreign, seen};
use crate::ownership::{self, Tags};
use crate::resource_kind::{ResourceKind, properties, read};
use crate::{api_tags, function, function_alias, http_api};

/// Address of a component's API.
pub(crate) const ADDRESS: &str = "api";

/// API Gateway's limit for names.
const NAME_LIMIT: usize = 128;

/// What an API is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub region: String,
    pub name: String,
    /// Role of a function by route key.
    pub routes: BTreeMap<String, String>,
    /// What API Gateway calls for each function, by the function's role.
    pub integrations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// The stage that the endpoint of a WebSocket API ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Which part of a message names its route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_selection: Option<String>,
    /// Authorizers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorizers: BTreeMap<String, Authorizer>,
    /// Who judges a route, by route key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorization: BTreeMap<String, RouteAuthorization>,
    #[serde(default)]
    pub tags: Tags,
}

/// How the two kinds differ.
pub(crate) struct Protocol {
    pub word: &'static str,
    pub protocol: ProtocolType,
    /// Payload format of an HTTP API's events.
    pub payload_format: Option<&'static str>,
}

/// The API of `blueprint`; `uri` makes a function's ARN what its integration calls.
pub(crate) fn inputs(
    blueprint: &Blueprint,
    api: &ApiGateway,
    region: &str,
    uri: impl Fn(&str) -> String,
) -> Result<Inputs> {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    let arn = |role: &str| {
        let name = function::function_name(blueprint, role);
        let alias = function_alias::NAME;
        format!("arn:${{partition}}:lambda:${{region}}:${{account}}:function:{name}:{alias}")
    };
    let routes = api.routes.iter().map(|route| (route.route_key.clone(), route.function.clone()));
    Ok(Inputs {
        region: region.to_owned(),
        name: physical_name(&parts, NAME_LIMIT),
        integrations: api.routes.iter().map(|one| (one.function.clone(), uri(&arn(&one.function)))).collect(),
        routes: routes.collect(),
        cors: None,
        stage: None,
        route_selection: None,
        authorizers: api_authorizers::lower(api, |role| invocation(&arn(role)))?,
        authorization: api_authorizers::of_routes(api),
        tags: blueprint.tags.clone(),
    })
}

/// What API Gateway calls for the function of that ARN, where it is not told the ARN itself.
pub(crate) fn invocation(arn: &str) -> String {
    format!("arn:${{partition}}:apigateway:${{region}}:lambda:path/2015-03-31/functions/{arn}/invocations")
}

pub(crate) fn resource(word: &str, inputs: &Inputs) -> Resource {
    let mut resource = Resource::new(ADDRESS, word, properties(inputs));
    resource.role = Some(ResourceRole::ApiGateway);
    resource
}

#[async_trait]
impl ResourceKind for Protocol {
    fn word(&self) -> &'static str {
        self.word
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(known) = self.look_up(aws, resource).await? else { return Ok(None) };
        let call = aws.apigateway.get_api().api_id(&known.id);
        let Some(api) = seen("apigateway.GetApi", call.send().await)? else { return Ok(None) };
        let asked: Option<Inputs> = read(resource).ok();
        let authorized = asked.as_ref().is_some_and(|asked| !asked.authorizers.is_empty());
        let parts = api_routes::look_up(aws, &known.id, authorized).await?;
        let path = format!("/apis/{}", known.id);
        let user_tags = asked.as_ref().map(|asked| &asked.tags);
        let tags = api_tags::current(aws, &path, api.tags.clone(), user_tags).await?;
        let mut inputs = properties(&json!({
            "name": api.name(), "tags": ownership::of_user(&tags),
        }));
        if let Some(asked) = &asked {
            let (routes, integrations) = parts.as_inputs(aws, asked).await?;
            inputs.insert("routes".into(), json!(routes));
            inputs.insert("integrations".into(), json!(integrations));
            inputs.extend(parts.authorization_as_inputs(aws, asked).await?);
            if asked.cors.is_some() || api.cors_configuration.is_some() {
                inputs
                    .insert("cors".into(), json!(api.cors_configuration.as_ref().map(http_api::cors_found)));
            }
            if asked.route_selection.is_some() {
                inputs.insert("route_selection".into(), json!(api.route_selection_expression()));
            }
        }
        let outputs = outputs(&known, asked.as_ref());
        Ok(Some(Observed { id: known.id, inputs, outputs }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let there = self.look_up(aws, &change.resource).await?;
        let (api, fresh) = match there {
            Some(api) => (api, false),
            None => (self.create(aws, change, operation, &wanted).await?, true),
        };
        let adopted = !fresh && change.resource.id.is_none() && !ownership::is_made_by(&api.tags, operation);
        if !fresh {
            self.bring(aws, change, &wanted, &api).await?;
        }
        let of_parts = ["routes", "integrations", "authorizers", "authorization"];
        if change.action != ChangeAction::Update || of_parts.iter().any(|key| change.changed.contains(*key)) {
            let authorized = !wanted.authorizers.is_empty() || change.changed.contains("authorizers");
            let parts = if fresh { Parts::default() } else { self.parts(aws, &api.id, authorized).await? };
            let done = api_routes::bring(aws, &api.id, self, &wanted, parts).await;
            // What was made a moment ago may not be seen everywhere yet.
            done.map_err(|error| match error.kind() {
                ErrorKind::NotFound => error.retry_later(),
                _ => error,
            })?;
        }
        Ok(Applied { outputs: outputs(&api, Some(&wanted)), id: api.id, adopted })
    }

    /// Takes it away with all its parts; should there be several of its tags, all of them.
    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let all = aws.apis.all(aws).await?;
        let ours = all.into_iter().filter(|api| match &resource.id {
            Some(id) => api.id == *id && ownership::is_owned(&api.tags, &resource.tags),
            None => self.is_it(api, resource),
        });
        for api in ours {
            let sent = aws.apigateway.delete_api().api_id(&api.id).send().await;
            match sent.map_err(|error| Failure::of(&error)) {
                Err(failure) if !failure.is_not_found() => {
                    aws.apis.forget().await;
                    return Err(failure.into_error("apigateway.DeleteApi"));
                }
                _ => aws.apis.remove(&api.id).await,
            }
        }
        Ok(())
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let all = aws.apis.all(aws).await?;
        let of_kind = all.into_iter().filter(|api| api.protocol == self.protocol.as_str());
        let found = of_kind.filter_map(|api| {
            let tags = ownership::owner_in(&api.tags, scope)?;
            Some(Discovered { tags, kind: self.word.into(), id: api.id })
        });
        Ok(found.collect())
    }
}

impl Protocol {
    fn is_it(&self, api: &KnownApi, resource: &ResourceHandle) -> bool {
        api.protocol == self.protocol.as_str() && ownership::is_owned(&api.tags, &resource.tags)
    }

    /// The API that the log tells of, or else the one with its tags.
    async fn look_up(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<KnownApi>> {
        let mut ours: Vec<KnownApi> =
            aws.apis.all(aws).await?.into_iter().filter(|api| self.is_it(api, resource)).collect();
        ours.sort_by(|one, other| one.id.cmp(&other.id));
        let known = ours.iter().position(|api| Some(&api.id) == resource.id.as_ref());
        Ok(match known {
            Some(at) => Some(ours.swap_remove(at)),
            None => ours.into_iter().next(),
        })
    }

    /// One call, made once: a second would make a second API. Where its answer is lost, the next try looks first.
    async fn create(
        &self,
        aws: &Clients,
        change: &Change,
        operation: &Operation,
        wanted: &Inputs,
    ) -> Result<KnownApi> {
        // Names need not be unique, but ours are made of project, environment and component: another one of that name is
        // a mix-up that somebody has to look at.
        let all = aws.apis.all(aws).await?;
        if all.iter().any(|api| api.name == wanted.name && api.protocol == self.protocol.as_str()) {
            return Err(foreign("API", &wanted.name));
        }
        let tags = ownership::tags(&change.resource.tags, operation, &wanted.tags);
        let call = aws.apigateway.create_api().name(&wanted.name).protocol_type(self.protocol.clone());
        let call = call.set_tags(Some(tags.clone().into_iter().collect()));
        let call = call.set_cors_configuration(wanted.cors.as_ref().map(http_api::cors_wanted));
        let call = call.set_route_selection_expression(wanted.route_selection.clone());
        match call.customize().config_override(api_routes::once()).send().await {
            Ok(made) => {
                let (id, endpoint) = (made.api_id.unwrap_or_default(), made.api_endpoint.unwrap_or_default());
                let protocol = self.protocol.as_str().to_owned();
                let api = KnownApi { id, name: wanted.name.clone(), endpoint, tags, protocol };
                aws.apis.add(api.clone()).await;
                Ok(api)
            }
            Err(error) => {
                let failure = Failure::of(&error);
                if failure.is_unknown() {
                    aws.apis.forget().await;
                }
                Err(failure.into_error("apigateway.CreateApi"))
            }
        }
    }

    /// Brings the API itself to what is wanted; its parts are not looked at.
    async fn bring(&self, aws: &Clients, change: &Change, wanted: &Inputs, api: &KnownApi) -> Result<()> {
        let changed = |key: &str| change.action != ChangeAction::Update || change.changed.contains(key);
        if changed("name") || changed("cors") || changed("route_selection") {
            if wanted.cors.is_none() && changed("cors") {
                let sent = aws.apigateway.delete_cors_configuration().api_id(&api.id).send().await;
                match sent.map_err(|error| Failure::of(&error)) {
                    Err(failure) if !failure.is_not_found() && self.payload_format.is_some() => {
                        return Err(failure.into_error("apigateway.DeleteCorsConfiguration"));
                    }
                    _ => {}
                }
            }
            let call = aws.apigateway.update_api().api_id(&api.id).name(&wanted.name);
            let call = call.set_cors_configuration(wanted.cors.as_ref().map(http_api::cors_wanted));
            let call = call.set_route_selection_expression(wanted.route_selection.clone());
            call.send().await.map_err(|error| failed("apigateway.UpdateApi", error))?;
        }
        let path = format!("/apis/{}", api.id);
        if changed("tags") {
            let there = api_tags::current(
                aws,
                &path,
                Some(api.tags.clone().into_iter().collect()),
                Some(&wanted.tags),
            );
            if api_tags::bring(aws, &path, &there.await?, &wanted.tags).await? {
                aws.apis.forget().await;
            }
        }
        Ok(())
    }

    /// Integrations, routes and, where any are looked for, authorizers there are. An API that is listed and not there was deleted a moment ago.
    async fn parts(&self, aws: &Clients, id: &str, authorized: bool) -> Result<Parts> {
        match api_routes::look_up(aws, id, authorized).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                aws.apis.forget().await;
                Err(Error::new(ErrorKind::Unavailable, "aws.apigateway", error.message()).retry_later())
            }
            parts => parts,
        }
    }
}

fn outputs(api: &KnownApi, asked: Option<&Inputs>) -> Properties {
    let base = api.endpoint.trim_end_matches('/');
    let endpoint = match asked.and_then(|asked| asked.stage.as_ref()) {
        // Clients of a stage speak WebSocket, whatever the API itself calls its endpoint.
        Some(stage) => {
            format!("{}/{stage}", base.replacen("http", "ws", usize::from(base.starts_with("http"))))
        }
        None => base.to_owned(),
    };
    properties(&json!({ "api_id": api.id, "endpoint": endpoint }))
}
