//! rest-api: functions behind an HTTP API.

use std::collections::BTreeMap;

use crate::application::component_handler::{ComponentHandler, Wanted};
use crate::domain::blueprint::Blueprint;
use crate::domain::component::ComponentKind;
use crate::domain::networking::api_gateway::{ApiGateway, ApiProtocol, Route};
use crate::error::Result;

const METHODS: [&str; 8] = ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Makes blueprints of rest-api components.
pub(crate) struct DeployRestApi;

impl ComponentHandler for DeployRestApi {
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint> {
        let mut blueprint = wanted.empty_blueprint(ComponentKind::RestApi);
        blueprint.functions = wanted.functions()?;
        let routes = routes(wanted)?;
        let cors = wanted.definition.cors.clone();
        blueprint.api = Some(ApiGateway { protocol: ApiProtocol::Http, routes, cors });
        Ok(blueprint)
    }
}

fn routes(wanted: &Wanted<'_>) -> Result<Vec<Route>> {
    let definition = wanted.definition;
    let mut by_key: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |key: String, role: &str| match by_key.insert(key.clone(), role.to_owned()) {
        Some(other) if other != role => {
            let text = format!("route `{key}` belongs to both `{other}` and `{role}`");
            Err(wanted.invalid("routes", text))
        }
        Some(_) => Err(wanted.invalid("routes", format!("route `{key}` is listed twice"))),
        None => Ok(()),
    };
    if definition.functions.is_empty() {
        for route in definition.routes.clone().unwrap_or_else(|| vec!["$default".into()]) {
            add(route_key(wanted, &route)?, wanted.component)?;
        }
    }
    if !definition.functions.is_empty() && definition.routes.is_some() {
        let text = "`routes` stands beside `functions`: give each function its own routes";
        return Err(wanted.invalid("routes", text.into()));
    }
    for (role, function) in &definition.functions {
        for route in function.routes.clone().unwrap_or_else(|| vec!["$default".into()]) {
            add(route_key(wanted, &route)?, role)?;
        }
    }
    Ok(by_key.into_iter().map(|(route_key, function)| Route { route_key, function }).collect())
}

/// `METHOD /path` in API Gateway's form, or `$default`.
fn route_key(wanted: &Wanted<'_>, text: &str) -> Result<String> {
    let malformed = |why: &str| {
        let text =
            format!("`{text}` is not a route: {why}; write it like `GET /orders/{{id}}` or `$default`");
        Err(wanted.invalid("routes", text))
    };
    if text == "$default" {
        return Ok(text.to_owned());
    }
    let Some((method, path)) = text.split_once(' ') else { return malformed("method and path are missing") };
    let (method, path) = (method.to_ascii_uppercase(), path.trim());
    if !METHODS.contains(&method.as_str()) {
        return malformed("the method is unknown");
    }
    if !path.starts_with('/') || path.contains([' ', '?', '#']) {
        return malformed("the path must start with `/` and hold no space, `?` or `#`");
    }
    for (at, segment) in path.split('/').enumerate() {
        let last = at == path.split('/').count() - 1;
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let name = inner.map(|name| name.strip_suffix('+').unwrap_or(name));
        match (inner, name) {
            (None, _) if segment.contains(['{', '}']) => return malformed("braces enclose a whole segment"),
            (Some(inner), _) if inner.ends_with('+') && !last => return malformed("`{name+}` comes last"),
            (_, Some(name)) if name.is_empty() || !name.chars().all(is_parameter_letter) => {
                return malformed("a parameter has letters, digits, `_`, `-` and `.`");
            }
            _ => {}
        }
    }
    Ok(format!("{method} {path}"))
}

fn is_parameter_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}
