//! Authorizers of an API: what there is, and the calls from there to what is wanted. Like its integrations they are part of
//! their API: a route is made with its authorizer in one call, so that at no time anybody may call it who should not.

use std::collections::BTreeMap;

use aws_sdk_apigatewayv2::types::{
    AuthorizationType, Authorizer as AwsAuthorizer, AuthorizerType, JwtConfiguration, Route,
};
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, ApiProtocol};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::api_routes::{gone, once};
use crate::clients::Clients;
use crate::error::{Failure, failed};

/// Format of what a function is told and answers, on HTTP APIs.
const PAYLOAD_FORMAT: &str = "2.0";

/// What an authorizer is asked to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Authorizer {
    /// Judges by a token.
    Jwt { issuer: String, audience: Vec<String>, identity_source: Vec<String> },
    /// Asks a function.
    Lambda {
        /// What API Gateway calls.
        uri: String,
        identity_source: Vec<String>,
        /// Of an HTTP API: whether answers are no policies, and for how many seconds they hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        simple_responses: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_s: Option<u32>,
    },
}

/// Who judges a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteAuthorization {
    /// Name of the authorizer.
    pub authorizer: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// The authorizers of `api` by name; `uri` says what is called for a function.
///
/// # Errors
/// `InvalidInput` for what API Gateway would refuse half-way.
pub(crate) fn lower(api: &ApiGateway, uri: impl Fn(&str) -> String) -> Result<BTreeMap<String, Authorizer>> {
    let mut all = BTreeMap::new();
    for (name, one) in &api.jwt_authorizers {
        if !one.issuer.starts_with("https://") {
            let text = format!(
                "issuer `{}` of authorizer `{name}`: API Gateway fetches its keys over https only",
                one.issuer
            );
            let field = format!("authorizers.{name}.issuer");
            return Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", field));
        }
        let (issuer, audience) = (one.issuer.clone(), one.audience.clone());
        let identity_source = vec![one.identity_source.clone()];
        all.insert(name.clone(), Authorizer::Jwt { issuer, audience, identity_source });
    }
    let is_http = api.protocol == ApiProtocol::Http;
    for (name, one) in &api.lambda_authorizers {
        let authorizer = Authorizer::Lambda {
            uri: uri(&one.function),
            identity_source: one.identity_source.clone(),
            simple_responses: is_http.then_some(one.simple_responses),
            ttl_s: is_http.then_some(one.ttl_s),
        };
        all.insert(name.clone(), authorizer);
    }
    Ok(all)
}

/// Who judges which route, by route key.
pub(crate) fn of_routes(api: &ApiGateway) -> BTreeMap<String, RouteAuthorization> {
    let judged = api.routes.iter().filter_map(|route| {
        let authorizer = route.authorizer.clone()?;
        let scopes = route.authorization_scopes.clone();
        Some((route.route_key.clone(), RouteAuthorization { authorizer, scopes }))
    });
    judged.collect()
}

/// All authorizers of an API.
pub(crate) async fn look_up(aws: &Clients, api: &str) -> Result<Vec<AwsAuthorizer>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let call = aws.apigateway.get_authorizers().api_id(api).max_results("500").set_next_token(next);
        let page = call.send().await.map_err(|error| failed("apigateway.GetAuthorizers", error))?;
        all.extend(page.items.unwrap_or_default());
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Authorizers as inputs; what is called for a function is told as it was asked, where it is that.
pub(crate) async fn as_inputs(
    aws: &Clients,
    there: &[AwsAuthorizer],
    asked: &BTreeMap<String, Authorizer>,
) -> Result<BTreeMap<String, Authorizer>> {
    let mut all = BTreeMap::new();
    for one in there {
        let name = one.name().unwrap_or_default();
        let mut found = found(one, asked.get(name));
        if let (Authorizer::Lambda { uri, .. }, Some(Authorizer::Lambda { uri: wanted, .. })) =
            (&mut found, asked.get(name))
            && *uri == aws.expand(wanted).await?
        {
            uri.clone_from(wanted);
        }
        all.insert(name.to_owned(), found);
    }
    Ok(all)
}

/// As it is there, `wanted` where it is known what it should be.
fn found(one: &AwsAuthorizer, wanted: Option<&Authorizer>) -> Authorizer {
    let identity_source = one.identity_source().to_vec();
    if one.authorizer_type() == Some(&AuthorizerType::Jwt) {
        let of = one.jwt_configuration();
        let issuer = of.and_then(JwtConfiguration::issuer).unwrap_or_default().to_owned();
        let audience = of.map(|of| of.audience().to_vec()).unwrap_or_default();
        return Authorizer::Jwt { issuer, audience, identity_source };
    }
    // Only authorizers of HTTP APIs have a format, and what goes with it; what is told of others means nothing.
    let is_http = match wanted {
        Some(Authorizer::Lambda { simple_responses, .. }) => simple_responses.is_some(),
        _ => one.authorizer_payload_format_version().is_some_and(|version| !version.is_empty()),
    };
    let ttl = one.authorizer_result_ttl_in_seconds().and_then(|ttl| u32::try_from(ttl).ok());
    Authorizer::Lambda {
        uri: one.authorizer_uri().unwrap_or_default().to_owned(),
        identity_source,
        simple_responses: is_http.then(|| one.enable_simple_responses().unwrap_or_default()),
        ttl_s: ttl.filter(|_| is_http),
    }
}

/// Who judges `route`, where anybody does; `names` of authorizers by id.
pub(crate) fn of_route(route: &Route, names: &BTreeMap<&str, &str>) -> Option<RouteAuthorization> {
    let authorizer = match route.authorization_type()? {
        AuthorizationType::None => return None,
        AuthorizationType::Custom | AuthorizationType::Jwt => {
            let id = route.authorizer_id().unwrap_or_default();
            names.get(id).map_or_else(|| format!("({id})"), |name| (*name).to_owned())
        }
        other => format!("({})", other.as_str()),
    };
    Some(RouteAuthorization { authorizer, scopes: route.authorization_scopes().to_vec() })
}

/// Names by id.
pub(crate) fn names(there: &[AwsAuthorizer]) -> BTreeMap<&str, &str> {
    there.iter().filter_map(|one| Some((one.authorizer_id()?, one.name()?))).collect()
}

/// Brings the authorizers of an API to what is wanted: ids by name. Those that nobody wants are left for [`sweep`]: routes
/// may still name them.
pub(crate) async fn bring(
    aws: &Clients,
    api: &str,
    wanted: &BTreeMap<String, Authorizer>,
    there: &[AwsAuthorizer],
) -> Result<BTreeMap<String, String>> {
    let mut ids = BTreeMap::new();
    for (name, authorizer) in wanted {
        let mut authorizer = authorizer.clone();
        if let Authorizer::Lambda { uri, .. } = &mut authorizer {
            *uri = aws.expand(uri).await?;
        }
        let known = there.iter().find(|one| one.name() == Some(name));
        let id = match known.and_then(|one| Some((one, one.authorizer_id()?))) {
            None => create(aws, api, name, &authorizer).await?,
            Some((one, id)) => {
                if found(one, Some(&authorizer)) != authorizer {
                    update(aws, api, id, &authorizer).await?;
                }
                id.to_owned()
            }
        };
        ids.insert(name.clone(), id);
    }
    Ok(ids)
}

/// Takes away what is not among `ids`.
pub(crate) async fn sweep(
    aws: &Clients,
    api: &str,
    there: &[AwsAuthorizer],
    ids: &BTreeMap<String, String>,
) -> Result<()> {
    let unwanted = there.iter().filter_map(AwsAuthorizer::authorizer_id);
    for id in unwanted.filter(|id| ids.values().all(|wanted| wanted != id)) {
        let sent = aws.apigateway.delete_authorizer().api_id(api).authorizer_id(id).send().await;
        gone(sent.map(drop).map_err(|error| Failure::of(&error)), "apigateway.DeleteAuthorizer")?;
    }
    Ok(())
}

/// What both calls say of an authorizer.
struct Said {
    kind: AuthorizerType,
    identity_source: Vec<String>,
    uri: Option<String>,
    format: Option<String>,
    simple_responses: Option<bool>,
    ttl: Option<i32>,
    jwt: Option<JwtConfiguration>,
}

impl Said {
    fn of(wanted: &Authorizer) -> Self {
        match wanted.clone() {
            Authorizer::Jwt { issuer, audience, identity_source } => Self {
                kind: AuthorizerType::Jwt,
                identity_source,
                uri: None,
                format: None,
                simple_responses: None,
                ttl: None,
                jwt: Some(JwtConfiguration::builder().issuer(issuer).set_audience(Some(audience)).build()),
            },
            Authorizer::Lambda { uri, identity_source, simple_responses, ttl_s } => Self {
                kind: AuthorizerType::Request,
                identity_source,
                uri: Some(uri),
                format: simple_responses.map(|_| PAYLOAD_FORMAT.to_owned()),
                simple_responses,
                ttl: ttl_s.and_then(|ttl| i32::try_from(ttl).ok()),
                jwt: None,
            },
        }
    }
}

async fn create(aws: &Clients, api: &str, name: &str, wanted: &Authorizer) -> Result<String> {
    let said = Said::of(wanted);
    let call = aws.apigateway.create_authorizer().api_id(api).name(name).authorizer_type(said.kind);
    let call = call.set_identity_source(Some(said.identity_source)).set_authorizer_uri(said.uri);
    let call = call.set_authorizer_payload_format_version(said.format).set_jwt_configuration(said.jwt);
    let call = call.set_enable_simple_responses(said.simple_responses);
    let call = call.set_authorizer_result_ttl_in_seconds(said.ttl);
    let sent = call.customize().config_override(once()).send().await;
    let made = sent.map_err(|error| failed("apigateway.CreateAuthorizer", error))?;
    made.authorizer_id.ok_or_else(|| {
        let text = "apigateway.CreateAuthorizer gave no id";
        Error::new(ErrorKind::Unavailable, "aws.apigateway", text).retry_later()
    })
}

async fn update(aws: &Clients, api: &str, id: &str, wanted: &Authorizer) -> Result<()> {
    let said = Said::of(wanted);
    let call = aws.apigateway.update_authorizer().api_id(api).authorizer_id(id).authorizer_type(said.kind);
    let call = call.set_identity_source(Some(said.identity_source)).set_authorizer_uri(said.uri);
    let call = call.set_authorizer_payload_format_version(said.format).set_jwt_configuration(said.jwt);
    let call = call.set_enable_simple_responses(said.simple_responses);
    let sent = call.set_authorizer_result_ttl_in_seconds(said.ttl).send().await;
    sent.map(drop).map_err(|error| failed("apigateway.UpdateAuthorizer", error))
}

/// How a route says who judges it.
pub(crate) fn authorization_type(wanted: &Authorizer) -> AuthorizationType {
    match wanted {
        Authorizer::Jwt { .. } => AuthorizationType::Jwt,
        Authorizer::Lambda { .. } => AuthorizationType::Custom,
    }
}
