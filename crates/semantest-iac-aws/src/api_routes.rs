//! Integrations and routes of an API: what there is, and the calls from there to what is wanted.

use std::collections::BTreeMap;

use aws_sdk_apigatewayv2::config::Builder;
use aws_sdk_apigatewayv2::types::{AuthorizationType, Authorizer, Integration, IntegrationType, Route};
use futures::stream::{self, StreamExt, TryStreamExt};
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::api::{Inputs, Protocol};
use crate::api_authorizers::{self, RouteAuthorization};
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
    authorizers: Vec<Authorizer>,
}

/// For calls that must not be repeated blindly: what they make has no name by which a second one would be noticed. Only
/// where the service says that it did nothing, because there were too many calls, they are made again.
pub(crate) fn once() -> Builder {
    aws_sdk_apigatewayv2::config::Config::builder().retry_classifier(OnlyThrottled)
}

/// Reads the parts of an API; with `authorized`, its authorizers too: calls are scarce, and most APIs have none.
///
/// # Errors
/// `NotFound` where there is no such API.
pub(crate) async fn look_up(aws: &Clients, api: &str, authorized: bool) -> Result<Parts> {
    let authorizers = async {
        match authorized {
            true => api_authorizers::look_up(aws, api).await,
            false => Ok(Vec::new()),
        }
    };
    let (integrations, routes, authorizers) =
        tokio::try_join!(integrations(aws, api), routes(aws, api), authorizers)?;
    Ok(Parts { integrations, routes, authorizers })
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

impl Parts {
    /// Who judges which route, and the authorizers, as inputs; those that are asked or there.
    pub async fn authorization_as_inputs(&self, aws: &Clients, asked: &Inputs) -> Result<Properties> {
        let names = api_authorizers::names(&self.authorizers);
        let judged = self.routes.iter().filter_map(|route| {
            Some((route.route_key()?.to_owned(), api_authorizers::of_route(route, &names)?))
        });
        let judged: BTreeMap<String, RouteAuthorization> = judged.collect();
        let authorizers = api_authorizers::as_inputs(aws, &self.authorizers, &asked.authorizers).await?;
        let mut inputs = Properties::new();
        if !judged.is_empty() || !asked.authorization.is_empty() {
            inputs.insert("authorization".into(), json!(judged));
        }
        if !authorizers.is_empty() || !asked.authorizers.is_empty() {
            inputs.insert("authorizers".into(), json!(authorizers));
        }
        Ok(inputs)
    }
}

/// Brings the parts of an API from `there` to what is wanted: integrations and authorizers, then routes, then what nothing leads to
/// any more.
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
    let judges = api_authorizers::bring(aws, api, &wanted.authorizers, &there.authorizers).await?;
    let mut routes = Vec::new();
    for (key, role) in &wanted.routes {
        let target = format!("integrations/{}", ids.get(role).map_or("", String::as_str));
        let known = there.routes.iter().find(|route| route.route_key() == Some(key));
        let judged = WantedRoute { key, target, authorization: authorization(wanted, key, &judges)? };
        routes.push(bring_route(aws, api, judged, known));
    }
    stream::iter(routes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    sweep(aws, api, wanted, &there, &ids).await?;
    api_authorizers::sweep(aws, api, &there.authorizers, &judges).await
}

/// A route as it has to be.
struct WantedRoute<'a> {
    key: &'a str,
    target: String,
    authorization: Option<Authorization<'a>>,
}

/// Who judges a route: how, by which authorizer, and the scopes it asks for.
struct Authorization<'a> {
    kind: AuthorizationType,
    authorizer: &'a str,
    scopes: &'a [String],
}

/// Who judges the route of that key. A route whose authorizer is not there must not be made: everybody could call it.
fn authorization<'a>(
    wanted: &'a Inputs,
    key: &str,
    ids: &'a BTreeMap<String, String>,
) -> Result<Option<Authorization<'a>>> {
    let Some(asked) = wanted.authorization.get(key) else { return Ok(None) };
    match (wanted.authorizers.get(&asked.authorizer), ids.get(&asked.authorizer)) {
        (Some(authorizer), Some(id)) => {
            let kind = api_authorizers::authorization_type(authorizer);
            Ok(Some(Authorization { kind, authorizer: id, scopes: &asked.scopes }))
        }
        _ => {
            let text = format!("route `{key}` names authorizer `{}`, which there is not", asked.authorizer);
            Err(Error::new(ErrorKind::InvalidInput, "aws.apigateway", text))
        }
    }
}

impl WantedRoute<'_> {
    fn is(&self, route: &Route) -> bool {
        let judged = match &self.authorization {
            None => route.authorization_type().is_none_or(|kind| *kind == AuthorizationType::None),
            Some(wanted) => {
                route.authorization_type() == Some(&wanted.kind)
                    && route.authorizer_id() == Some(wanted.authorizer)
                    && route.authorization_scopes() == wanted.scopes
            }
        };
        judged && route.target() == Some(self.target.as_str())
    }
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

pub(crate) fn gone(sent: Result<(), Failure>, operation: &str) -> Result<()> {
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

async fn bring_route(aws: &Clients, api: &str, wanted: WantedRoute<'_>, known: Option<&Route>) -> Result<()> {
    let judged = wanted.authorization.as_ref();
    let kind = judged.map(|judged| judged.kind.clone());
    let authorizer = judged.map(|judged| judged.authorizer.to_owned());
    match known {
        Some(route) if wanted.is(route) => Ok(()),
        Some(route) => {
            let call =
                aws.apigateway.update_route().api_id(api).route_id(route.route_id().unwrap_or_default());
            // Scopes that are not wanted any more only go when they are named: as none.
            let scopes = judged.map_or(&[][..], |judged| judged.scopes);
            let stale = !scopes.is_empty() || !route.authorization_scopes().is_empty();
            let call = call.set_authorization_scopes(stale.then(|| scopes.to_vec()));
            let open = route.authorization_type().is_some().then_some(AuthorizationType::None);
            let call = call.set_authorization_type(kind.or(open)).set_authorizer_id(authorizer);
            let sent = call.target(wanted.target).send().await;
            sent.map(drop).map_err(|error| failed("apigateway.UpdateRoute", error))
        }
        None => {
            let call = aws.apigateway.create_route().api_id(api).route_key(wanted.key).target(wanted.target);
            let call = call.set_authorization_type(kind).set_authorizer_id(authorizer);
            let scopes = judged.map(|judged| judged.scopes.to_vec()).filter(|scopes| !scopes.is_empty());
            let call = call.set_authorization_scopes(scopes);
            // Not every API Gateway minds a second route of the same key, so an answer that was lost is followed by a look.
            match call.customize().config_override(once()).send().await.map_err(|error| Failure::of(&error)) {
                Ok(_) => Ok(()),
                Err(failure) => Err(failure.into_error("apigateway.CreateRoute")),
            }
        }
    }
}
