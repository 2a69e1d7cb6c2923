//! Who may call a component's routes: its authorizers, and which of them judges which route.

use std::collections::{BTreeMap, BTreeSet};

use crate::application::component_handler::Wanted;
use crate::application::function_url;
use crate::application::identity_source;
use crate::domain::component::{ComponentDefinition, FunctionSettings, nearest};
use crate::domain::networking::api_gateway::{ApiGateway, ApiProtocol, Route};
use crate::domain::networking::authorizer::{
    AuthorizerKind, AuthorizerSettings, JwtAuthorizer, LambdaAuthorizer, NO_AUTHORIZER,
};
use crate::error::{Error, Result};

/// Longest time that an answer of an authorizer may hold, in seconds.
///
/// Source: Amazon API Gateway v2 API reference, `CreateAuthorizer`.
const LONGEST_TTL: u32 = 3600;
/// How long it holds where nothing is said of it.
const DEFAULT_TTL: u32 = 300;
/// Longest scope, in bytes (API Gateway v2 API reference, `AuthorizationScopes`).
const SCOPE_LIMIT: usize = 64;

/// Roles of the functions that authorizers ask: without routes of their own they have none.
pub(crate) fn asked_functions(definition: &ComponentDefinition) -> BTreeSet<&str> {
    definition.authorizers.values().filter_map(|one| one.function.as_deref()).collect()
}

/// Files that key sets are read from, by the authorizer that names them.
pub(crate) fn key_files(definition: &ComponentDefinition) -> BTreeMap<&str, &str> {
    let named = definition.authorizers.iter();
    named.filter_map(|(name, one)| Some((name.as_str(), one.jwks.as_deref()?))).collect()
}

/// Puts the authorizers into `api`, and their names on its routes.
pub(crate) fn authorize(wanted: &Wanted<'_>, api: &mut ApiGateway) -> Result<()> {
    let authorizers = &wanted.definition.authorizers;
    for (name, settings) in authorizers {
        let one = One { wanted, name, settings, protocol: api.protocol };
        one.check_name()?;
        match settings.kind {
            AuthorizerKind::Jwt => drop(api.jwt_authorizers.insert(name.clone(), one.jwt()?)),
            AuthorizerKind::Lambda => drop(api.lambda_authorizers.insert(name.clone(), one.lambda()?)),
        }
    }
    check_named(wanted)?;
    for route in &mut api.routes {
        judge(wanted, api.protocol, route)?;
    }
    check_used(wanted, api)?;
    // What an environment takes out is not made there.
    let used: BTreeSet<&String> = api.routes.iter().filter_map(|route| route.authorizer.as_ref()).collect();
    api.jwt_authorizers.retain(|name, _| used.contains(name));
    api.lambda_authorizers.retain(|name, _| used.contains(name));
    Ok(())
}

/// An authorizer that is being read.
struct One<'a> {
    wanted: &'a Wanted<'a>,
    name: &'a str,
    settings: &'a AuthorizerSettings,
    protocol: ApiProtocol,
}

impl One<'_> {
    fn field(&self, key: &str) -> String {
        format!("authorizers.{}.{key}", self.name)
    }

    fn invalid(&self, key: &str, text: String) -> Error {
        self.wanted.invalid(&self.field(key), text)
    }

    fn check_name(&self) -> Result<()> {
        let field = format!("authorizers.{}", self.name);
        if self.name == NO_AUTHORIZER {
            let text = "an authorizer cannot be called `none`: that takes routes out of authorization";
            return Err(self.wanted.invalid(&field, text.into()));
        }
        crate::domain::identifiers::check_name("an authorizer", self.name)
            .map_err(|error| self.wanted.invalid(&field, error.message().to_owned()))
    }

    fn refuse(&self, keys: &[(&str, bool)], of: &str) -> Result<()> {
        match keys.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(self.invalid(key, format!("`{key}` means nothing for {of}; remove it"))),
            None => Ok(()),
        }
    }

    fn missing(&self, key: &str, what: &str) -> Error {
        self.invalid(key, format!("authorizer `{}` has no `{key}`: {what}", self.name))
    }

    fn identity_sources(&self) -> Result<Vec<String>> {
        let default = || vec![identity_source::default_of(self.protocol).to_owned()];
        let sources = self.settings.identity_source.as_ref().map_or_else(default, |all| all.all().to_vec());
        for source in &sources {
            identity_source::check(self.protocol, source)
                .map_err(|why| self.invalid("identity_source", why))?;
        }
        Ok(sources)
    }

    fn jwt(&self) -> Result<JwtAuthorizer> {
        if self.protocol == ApiProtocol::Websocket {
            let text = "a websocket knows authorizers of type lambda only: ask a function about the token";
            return Err(self.invalid("type", text.into()));
        }
        let AuthorizerSettings { function, simple_responses, ttl_s, .. } = self.settings;
        let unfit = [("function", function.is_some()), ("simple_responses", simple_responses.is_some())];
        self.refuse(&unfit, "a jwt authorizer")?;
        self.refuse(&[("ttl_s", ttl_s.is_some())], "a jwt authorizer")?;
        let issuer = self.settings.issuer.clone().ok_or_else(|| {
            self.missing(
                "issuer",
                "name who issues the tokens, exactly as in their `iss`, such as https://id.example.com",
            )
        })?;
        check_issuer(&issuer).map_err(|why| self.invalid("issuer", why))?;
        let audience = self.settings.audience.clone().unwrap_or_default();
        if audience.is_empty() || audience.iter().any(String::is_empty) {
            return Err(self.missing("audience", "name whom tokens are for, such as [\"orders\"]"));
        }
        let mut sources = self.identity_sources()?;
        let (Some(source), true) = (sources.pop(), sources.is_empty()) else {
            let text = "a jwt authorizer has one `identity_source`, where the token is";
            return Err(self.invalid("identity_source", text.into()));
        };
        if !identity_source::is_of_client(&source) {
            let text = format!(
                "`{source}` holds no token: name a header or a parameter of the query, such as \
                 $request.header.Authorization"
            );
            return Err(self.invalid("identity_source", text));
        }
        let jwks = self.settings.jwks.as_ref().and_then(|path| self.wanted.key_sets.get(path)).cloned();
        Ok(JwtAuthorizer { issuer, audience, identity_source: source, jwks })
    }

    fn lambda(&self) -> Result<LambdaAuthorizer> {
        let AuthorizerSettings { issuer, audience, jwks, simple_responses, ttl_s, .. } = self.settings;
        let of = "a lambda authorizer";
        self.refuse(&[("issuer", issuer.is_some()), ("audience", audience.is_some())], of)?;
        self.refuse(&[("jwks", jwks.is_some())], of)?;
        if self.protocol == ApiProtocol::Websocket {
            let of = "an authorizer of a websocket, which is asked once for each connection and answers with a policy";
            self.refuse(&[("simple_responses", simple_responses.is_some()), ("ttl_s", ttl_s.is_some())], of)?;
        }
        let function =
            self.settings.function.clone().ok_or_else(|| {
                self.missing("function", "name the function of this component that is asked")
            })?;
        self.check_function(&function)?;
        let identity_source = self.identity_sources()?;
        let cached = self.protocol == ApiProtocol::Http && !identity_source.is_empty();
        let ttl_s = ttl_s.unwrap_or(if cached { DEFAULT_TTL } else { 0 });
        self.wanted.check_range(&self.field("ttl_s"), ttl_s, 0, LONGEST_TTL)?;
        if ttl_s > 0 && !cached {
            let text = format!(
                "`ttl_s` is {ttl_s} and there is no `identity_source` by which an answer could be found again: \
                 name one, or set ttl_s = 0"
            );
            return Err(self.invalid("ttl_s", text));
        }
        let simple_responses = simple_responses.unwrap_or_default();
        Ok(LambdaAuthorizer { function, identity_source, simple_responses, ttl_s })
    }

    fn check_function(&self, function: &str) -> Result<()> {
        let functions = &self.wanted.definition.functions;
        if functions.contains_key(function) {
            return Ok(());
        }
        let hint = match nearest(function, functions.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("add [components.{}.functions.{function}], without routes", self.wanted.component)
            }
        };
        let function = function.escape_debug();
        let text =
            format!("authorizer `{}` asks function `{function}`, which there is not; {hint}", self.name);
        Err(self.invalid("function", text))
    }
}

fn check_issuer(issuer: &str) -> Result<(), String> {
    let address = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    match address {
        Some(address) if !address.is_empty() && is_plain(address) => Ok(()),
        _ => Err(format!(
            "issuer `{}` is no address: write it as in the tokens' `iss`, such as https://id.example.com",
            issuer.escape_debug()
        )),
    }
}

/// Checks what `authorizer` says, on the component and on each function.
fn check_named(wanted: &Wanted<'_>) -> Result<()> {
    let definition = wanted.definition;
    check_is_there(wanted, "authorizer", definition.authorizer.as_deref())?;
    check_scopes(wanted, "authorization_scopes", definition.authorization_scopes.as_deref())?;
    for (role, own) in &definition.functions {
        check_is_there(wanted, &format!("functions.{role}.authorizer"), own.authorizer.as_deref())?;
        let field = format!("functions.{role}.authorization_scopes");
        check_scopes(wanted, &field, own.authorization_scopes.as_deref())?;
        check_judges(wanted, role, own)?;
    }
    Ok(())
}

fn check_is_there(wanted: &Wanted<'_>, field: &str, name: Option<&str>) -> Result<()> {
    let authorizers = &wanted.definition.authorizers;
    let Some(name) = name.filter(|name| *name != NO_AUTHORIZER && !authorizers.contains_key(*name)) else {
        return Ok(());
    };
    let known = authorizers.keys().map(String::as_str).chain([NO_AUTHORIZER]);
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("define it in [components.{}.authorizers.<name>]", wanted.component),
    };
    let text = format!("there is no authorizer `{}`; {hint}", name.escape_debug());
    Err(wanted.invalid(field, text))
}

fn check_scopes(wanted: &Wanted<'_>, field: &str, scopes: Option<&[String]>) -> Result<()> {
    // RFC 6749, section 3.3.
    let is_letter = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let fits =
        |scope: &&String| !scope.is_empty() && scope.len() <= SCOPE_LIMIT && scope.bytes().all(is_letter);
    match scopes.unwrap_or_default().iter().find(|scope| !fits(scope)) {
        Some(scope) => {
            let text = format!(
                "`{}` is no scope: {SCOPE_LIMIT} letters at most, no spaces or quotes",
                scope.escape_debug()
            );
            Err(wanted.invalid(field, text))
        }
        None => Ok(()),
    }
}

/// What stands on a function must mean something for it.
fn check_judges(wanted: &Wanted<'_>, role: &str, own: &FunctionSettings) -> Result<()> {
    let definition = wanted.definition;
    let called_otherwise =
        asked_functions(definition).contains(role) || function_url::is_asked(own.url.as_ref());
    let has_routes = own.routes.as_ref().map_or_else(|| !called_otherwise, |routes| !routes.is_empty());
    if own.authorizer.is_some() && !has_routes {
        let text =
            format!("function `{role}` has no routes that an authorizer could judge; remove `authorizer`");
        return Err(wanted.invalid(&format!("functions.{role}.authorizer"), text));
    }
    let judging = own.authorizer.as_ref().or(definition.authorizer.as_ref());
    let by_token = judging.and_then(|name| definition.authorizers.get(name));
    let by_token = by_token.is_some_and(|one| one.kind == AuthorizerKind::Jwt);
    if own.authorization_scopes.as_ref().is_some_and(|scopes| !scopes.is_empty()) && !by_token {
        let text = format!(
            "only a jwt authorizer knows scopes, and function `{role}` has none: set its `authorizer`"
        );
        return Err(wanted.invalid(&format!("functions.{role}.authorization_scopes"), text));
    }
    Ok(())
}

/// Says who judges `route`.
fn judge(wanted: &Wanted<'_>, protocol: ApiProtocol, route: &mut Route) -> Result<()> {
    let definition = wanted.definition;
    let own = definition.functions.get(&route.function);
    // A connection is judged when it is made, and what comes over it is not.
    if protocol == ApiProtocol::Websocket && route.route_key != "$connect" {
        return Ok(());
    }
    let name = own.and_then(|own| own.authorizer.as_ref()).or(definition.authorizer.as_ref());
    let Some(name) = name.filter(|name| *name != NO_AUTHORIZER) else { return Ok(()) };
    route.authorizer = Some(name.clone());
    if definition.authorizers.get(name).is_some_and(|one| one.kind == AuthorizerKind::Jwt) {
        let scopes = own.and_then(|own| own.authorization_scopes.as_ref());
        let scopes = scopes.or(definition.authorization_scopes.as_ref());
        route.authorization_scopes = scopes.cloned().unwrap_or_default();
    }
    Ok(())
}

/// An authorizer that is defined and forgotten would leave the API open.
fn check_used(wanted: &Wanted<'_>, api: &ApiGateway) -> Result<()> {
    let definition = wanted.definition;
    let functions = definition.functions.iter();
    let named: Vec<(String, &str)> = functions
        .filter_map(|(role, own)| Some((format!("functions.{role}.authorizer"), own.authorizer.as_deref()?)))
        .chain(definition.authorizer.as_deref().map(|name| ("authorizer".to_owned(), name)))
        .collect();
    if let (Some((name, _)), true) = (definition.authorizers.first_key_value(), named.is_empty()) {
        let text = format!(
            "no route names authorizer `{name}`, so that everybody may call them all: set authorizer = \"{name}\" on the \
             component or on its functions (\"none\" where everybody may)"
        );
        return Err(wanted.invalid(&format!("authorizers.{name}"), text));
    }
    let unheard = |name: &str| api.routes.iter().all(|route| route.authorizer.as_deref() != Some(name));
    let on_connections = named.iter().filter(|(_, name)| *name != NO_AUTHORIZER && unheard(name));
    match on_connections.into_iter().find(|_| api.protocol == ApiProtocol::Websocket) {
        Some((field, name)) => {
            let text = format!(
                "authorizer `{name}` judges connections when they are made, and it stands where there is no $connect \
                 route: set it on the function of $connect, or give a function that route"
            );
            Err(wanted.invalid(field, text))
        }
        None => Ok(()),
    }
}
