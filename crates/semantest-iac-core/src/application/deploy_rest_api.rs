//! rest-api: functions behind an HTTP API.

use std::collections::{BTreeMap, BTreeSet};

use crate::application::authorization::asked_functions;
use crate::application::component_handler::{ComponentHandler, Wanted};
use crate::application::function_url;
use crate::domain::blueprint::Blueprint;
use crate::domain::component::ComponentKind;
use crate::domain::networking::api_gateway::{ApiProtocol, Route};
use crate::error::Result;

const METHODS: [&str; 8] = ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Makes blueprints of rest-api components.
pub(crate) struct DeployRestApi;

impl ComponentHandler for DeployRestApi {
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint> {
        let mut blueprint = wanted.empty_blueprint(ComponentKind::RestApi);
        blueprint.functions = wanted.functions()?;
        let routes = routes(wanted)?;
        if !function_url::replace_the_api(wanted, !routes.is_empty())? {
            blueprint.api = Some(wanted.api(ApiProtocol::Http, routes)?);
        }
        Ok(blueprint)
    }
}

fn routes(wanted: &Wanted<'_>) -> Result<Vec<Route>> {
    let definition = wanted.definition;
    if !definition.functions.is_empty() && definition.routes.is_some() {
        let text = "`routes` stands beside `functions`: give each function its own routes";
        return Err(wanted.invalid("routes", text.into()));
    }
    let mut table = Table { wanted, by_key: BTreeMap::new() };
    let only_by_url = definition.routes.is_none() && function_url::is_asked(definition.url.as_ref());
    if definition.functions.is_empty() && !only_by_url {
        table.add_all("routes", wanted.component, definition.routes.as_deref())?;
    }
    let asked = asked_functions(definition);
    for (role, function) in &definition.functions {
        // What an authorizer asks is for the gateway to call, and what has a URL is called there; by the API only where it
        // says so.
        let called = asked.contains(role.as_str()) || function_url::is_asked(function.url.as_ref());
        if function.routes.is_none() && called {
            continue;
        }
        table.add_all(&format!("functions.{role}.routes"), role, function.routes.as_deref())?;
    }
    let routes = table.by_key.into_values();
    Ok(routes.map(|(route_key, function)| Route { route_key, function, ..Route::default() }).collect())
}

/// Routes by what they match: `GET /{a}` and `GET /{b}` match the same.
struct Table<'a> {
    wanted: &'a Wanted<'a>,
    by_key: BTreeMap<String, (String, String)>,
}

impl Table<'_> {
    fn add_all(&mut self, field: &str, role: &str, routes: Option<&[String]>) -> Result<()> {
        let everything = ["$default".to_owned()];
        for text in routes.unwrap_or(&everything) {
            let (key, shape) = route_key(text).map_err(|why| {
                let text = text.escape_debug();
                let text = format!(
                    "`{text}` is not a route: {why}; write it like `GET /orders/{{id}}` or `$default`"
                );
                self.wanted.invalid(field, text)
            })?;
            if let Some((other, of)) = self.by_key.insert(shape, (key.clone(), role.to_owned())) {
                let text = match (other == key, of == role) {
                    (true, true) => format!("route `{key}` is listed twice"),
                    (true, false) => format!("route `{key}` belongs to both `{of}` and `{role}`"),
                    (false, _) => format!("routes `{other}` and `{key}` match the same requests: keep one"),
                };
                return Err(self.wanted.invalid(field, text));
            }
        }
        Ok(())
    }
}

/// Longest route, in bytes.
const ROUTE_LIMIT: usize = 1024;

/// `METHOD /path` in API Gateway's form, or `$default`, and the same with nameless parameters.
fn route_key(text: &str) -> Result<(String, String), &'static str> {
    if text == "$default" {
        return Ok((text.to_owned(), text.to_owned()));
    }
    let (method, path) = text.split_once(' ').ok_or("method and path are missing")?;
    let (method, path) = (method.to_ascii_uppercase(), path.trim());
    if !METHODS.contains(&method.as_str()) {
        return Err("the method is unknown");
    }
    if !path.starts_with('/') || path.contains([' ', '?', '#']) {
        return Err("the path must start with `/` and hold no space, `?` or `#`");
    }
    if path.len() > ROUTE_LIMIT || path.chars().any(|letter| letter.is_control() || !letter.is_ascii()) {
        return Err("the path must be at most 1024 ASCII characters, none of them a control character");
    }
    let shape = path_shape(path)?;
    Ok((format!("{method} {path}"), format!("{method} {shape}")))
}

fn path_shape(path: &str) -> Result<String, &'static str> {
    let mut names = BTreeSet::new();
    let segments: Vec<&str> = path.split('/').collect();
    let mut shape = Vec::with_capacity(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        let Some(inner) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            if segment.contains(['{', '}']) {
                return Err("braces enclose a whole segment");
            }
            shape.push(*segment);
            continue;
        };
        let name = inner.strip_suffix('+').unwrap_or(inner);
        if name.is_empty() || !name.chars().all(is_parameter_letter) {
            return Err("a parameter has letters, digits, `_`, `-` and `.`");
        }
        if inner.ends_with('+') && at + 1 != segments.len() {
            return Err("`{name+}` comes last");
        }
        if !names.insert(name) {
            return Err("two of its parameters have the same name");
        }
        shape.push(if inner.ends_with('+') { "{+}" } else { "{}" });
    }
    Ok(shape.join("/"))
}

fn is_parameter_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}
