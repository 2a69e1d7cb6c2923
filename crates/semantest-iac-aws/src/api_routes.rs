//! Integrations and routes of an API: what there is, and the calls from there to what is wanted.

use std::collections::BTreeMap;

use aws_sdk_apigatewayv2::config::Builder;
use aws_sdk_apigatewayv2::types::{Integration, IntegrationType, Route};
use futures::stream::{self, StreamExt, TryStreamExt};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::api::{Inputs, Protocol};
use crate::clients::Clients;
use crate::error::{Failure, failed};
use crate::retries::OnlyThrottled;

/// Calls at once for one API; the rate is the quotas' to keep.
const AT_ONCE: usize = 16;

/// What an API is made of.
#[derive(Default)]
pub(crate) struct Parts {
    integrations: Vec<Integration>,
    routes: Vec<Route>,
}

/// For calls that must not be repeated blindly: what they make has no name by which a second one would be noticed. Only
/// where the service says that it did nothing, because there were too many calls, they are made again.
pub(crate) fn once() -> Builder {
    aws_sdk_apigatewayv2::config::Config::builder().retry_classifier(OnlyThrottled)
}

/// Reads the parts of an API.
///
/// # Errors
/// `NotFound` where there is no such API.
pub(crate) async fn look_up(aws: &Clients, api: &str) -> Result<Parts> {
    let (integrations, routes) = tokio::try_join!(integrations(aws, api), routes(aws, api))?;
    Ok(Parts { integrations, routes })
}

async fn integrations(aws: &Clients, api: &str) -> Result<Vec<Integration>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let call = aws.apigateway.get_integrations().api_id(api).max_results("500").set_next_token(next);
        let page = call.send().await.map_err(|error| failed("apigateway.GetIntegrations", error))?;
        all.extend(page.items.unwrap_or_default());
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

async fn routes(aws: &Clients, api: &str) -> Result<Vec<Route>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let call = aws.apigateway.get_routes().api_id(api).max_results("500").set_next_token(next);
        let page = call.send().await.map_err(|error| failed("apigateway.GetRoutes", error))?;
        all.extend(page.items.unwrap_or_default());
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

impl Parts {
    /// As inputs: route keys with the functions they lead to, functions with what is called for them.
    pub async fn as_inputs(
        &self,
        aws: &Clients,
        asked: &Inputs,
    ) -> Result<(BTreeMap<String, String>, BTreeMap<String, String>)> {
        let mut roles = BTreeMap::new();
        let mut integrations = BTreeMap::new();
        for (role, uri) in &asked.integrations {
            let expanded = aws.expand(uri).await?;
            for one in self.integrations.iter().filter(|one| one.integration_uri() == Some(expanded.as_str()))
            {
                roles.insert(one.integration_id().unwrap_or_default().to_owned(), role.clone());
                integrations.insert(role.clone(), uri.clone());
            }
        }
        let target = |route: &Route| {
            let target = route.target().unwrap_or_default();
            let id = target.strip_prefix("integrations/").unwrap_or(target);
            roles.get(id).cloned().unwrap_or_else(|| format!("({target})"))
        };
        let key = |route: &Route| route.route_key().unwrap_or_default().to_owned();
        Ok((self.routes.iter().map(|route| (key(route), target(route))).collect(), integrations))
    }
}

/// Brings the parts of an API from `there` to what is wanted: integrations, then routes, then what nothing leads to any more.
pub(crate) async fn bring(
    aws: &Clients,
    api: &str,
    protocol: &Protocol,
    wanted: &Inputs,
    there: Parts,
) -> Result<()> {
    let mut integrations = Vec::new();
    for (role, uri) in &wanted.integrations {
        integrations.push(bring_integration(aws, api, protocol, role, uri, &there.integrations));
    }
    let ids = stream::iter(integrations).buffer_unordered(AT_ONCE);
    let ids: BTreeMap<String, String> = ids.try_collect().await?;
    let mut routes = Vec::new();
    for (key, role) in &wanted.routes {
        let target = format!("integrations/{}", ids.get(role).map_or("", String::as_str));
        let known = there.routes.iter().find(|route| route.route_key() == Some(key));
        routes.push(bring_route(aws, api, key, target, known));
    }
    stream::iter(routes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    sweep(aws, api, wanted, &there, &ids).await
}

/// Takes away routes that nobody wants, second ones of the same key, and integrations that no route leads to.
async fn sweep(
    aws: &Clients,
    api: &str,
    wanted: &Inputs,
    there: &Parts,
    ids: &BTreeMap<String, String>,
) -> Result<()> {
    let first = |route: &Route| {
        let same = there.routes.iter().find(|one| one.route_key() == route.route_key());
        same.and_then(Route::route_id) == route.route_id()
    };
    let is_wanted = |route: &Route| route.route_key().is_some_and(|key| wanted.routes.contains_key(key));
    for route in there.routes.iter().filter(|route| !is_wanted(route) || !first(route)) {
        let id = route.route_id().unwrap_or_default();
        let sent = aws.apigateway.delete_route().api_id(api).route_id(id).send().await;
        gone(sent.map(drop).map_err(|error| Failure::of(&error)), "apigateway.DeleteRoute")?;
    }
    let in_use = |id: &str| ids.values().any(|one| one == id);
    let ids = there.integrations.iter().filter_map(Integration::integration_id);
    for id in ids.filter(|id| !in_use(id)) {
        let sent = aws.apigateway.delete_integration().api_id(api).integration_id(id).send().await;
        gone(sent.map(drop).map_err(|error| Failure::of(&error)), "apigateway.DeleteIntegration")?;
    }
    Ok(())
}

fn gone(sent: Result<(), Failure>, operation: &str) -> Result<()> {
    match sent {
        Err(failure) if !failure.is_not_found() => Err(failure.into_error(operation)),
        _ => Ok(()),
    }
}

/// The integration of the function with that role; it is known by what it calls.
async fn bring_integration(
    aws: &Clients,
    api: &str,
    protocol: &Protocol,
    role: &str,
    uri: &str,
    known: &[Integration],
) -> Result<(String, String)> {
    let uri = aws.expand(uri).await?;
    let found = known.iter().find(|one| one.integration_uri() == Some(uri.as_str()));
    let id = match found.and_then(|one| one.integration_id()) {
        Some(id) => id.to_owned(),
        None => create_integration(aws, api, protocol, &uri).await?,
    };
    Ok((role.to_owned(), id))
}

async fn create_integration(aws: &Clients, api: &str, protocol: &Protocol, uri: &str) -> Result<String> {
    let call = aws.apigateway.create_integration().api_id(api).integration_uri(uri);
    let call = call.integration_type(IntegrationType::AwsProxy).integration_method("POST");
    let call = call.set_payload_format_version(protocol.payload_format.map(str::to_owned));
    let sent = call.customize().config_override(once()).send().await;
    let made = sent.map_err(|error| failed("apigateway.CreateIntegration", error))?;
    made.integration_id.ok_or_else(|| {
        let text = "apigateway.CreateIntegration gave no id";
        Error::new(ErrorKind::Unavailable, "aws.apigateway", text).retry_later()
    })
}

async fn bring_route(
    aws: &Clients,
    api: &str,
    key: &str,
    target: String,
    known: Option<&Route>,
) -> Result<()> {
    match known {
        Some(route) if route.target() == Some(target.as_str()) => Ok(()),
        Some(route) => {
            let call =
                aws.apigateway.update_route().api_id(api).route_id(route.route_id().unwrap_or_default());
            let sent = call.target(target).send().await;
            sent.map(drop).map_err(|error| failed("apigateway.UpdateRoute", error))
        }
        None => {
            let call = aws.apigateway.create_route().api_id(api).route_key(key).target(target);
            // Not every API Gateway minds a second route of the same key, so an answer that was lost is followed by a look.
            match call.customize().config_override(once()).send().await.map_err(|error| Failure::of(&error)) {
                Ok(_) => Ok(()),
                Err(failure) => Err(failure.into_error("apigateway.CreateRoute")),
            }
        }
    }
}
