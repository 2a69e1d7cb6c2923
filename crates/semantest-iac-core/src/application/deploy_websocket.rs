//! websocket: functions behind a WebSocket API.

use std::collections::BTreeMap;

use crate::application::authorization::asked_functions;
use crate::application::component_handler::{ComponentHandler, Wanted};
use crate::application::function_url;
use crate::domain::blueprint::Blueprint;
use crate::domain::component::ComponentKind;
use crate::domain::networking::api_gateway::{ApiProtocol, Route};
use crate::error::Result;

/// Routes of functions that name none, by role.
const ROUTES_BY_ROLE: [(&str, &str); 4] = [
    ("connect", "$connect"),
    ("disconnect", "$disconnect"),
    ("message", "$default"),
    ("default", "$default"),
];

/// Makes blueprints of websocket components.
pub(crate) struct DeployWebsocket;

impl ComponentHandler for DeployWebsocket {
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint> {
        wanted.refuse(&[("cors", wanted.definition.cors.is_some())])?;
        let mut blueprint = wanted.empty_blueprint(ComponentKind::Websocket);
        blueprint.functions = wanted.functions()?;
        blueprint.api = Some(wanted.api(ApiProtocol::Websocket, routes(wanted)?)?);
        Ok(blueprint)
    }
}

fn routes(wanted: &Wanted<'_>) -> Result<Vec<Route>> {
    let definition = wanted.definition;
    let mut by_key: BTreeMap<String, String> = BTreeMap::new();
    if definition.functions.is_empty() {
        let all = ["$connect", "$default", "$disconnect"].map(str::to_owned).to_vec();
        for key in definition.routes.clone().unwrap_or(all) {
            add(wanted, &mut by_key, "routes", &key, wanted.component)?;
        }
    } else if definition.routes.is_some() {
        let text = "`routes` stands beside `functions`: give each function its own routes";
        return Err(wanted.invalid("routes", text.into()));
    }
    let asked = asked_functions(definition);
    for (role, function) in &definition.functions {
        let by_role =
            ROUTES_BY_ROLE.iter().find(|(known, _)| known == role).map(|(_, route)| vec![(*route).into()]);
        let called = asked.contains(role.as_str()) || function_url::is_asked(function.url.as_ref());
        let none = called.then(Vec::new);
        let Some(keys) = function.routes.clone().or(by_role).or(none) else {
            let text = format!(
                "function `{role}` has no `routes`; only connect, disconnect and message have one by their name"
            );
            return Err(wanted.invalid(&format!("functions.{role}"), text));
        };
        for key in keys {
            add(wanted, &mut by_key, &format!("functions.{role}.routes"), &key, role)?;
        }
    }
    let routes = by_key.into_iter();
    Ok(routes.map(|(route_key, function)| Route { route_key, function, ..Route::default() }).collect())
}

fn add(
    wanted: &Wanted<'_>,
    routes: &mut BTreeMap<String, String>,
    field: &str,
    key: &str,
    role: &str,
) -> Result<()> {
    let known = ["$connect", "$disconnect", "$default"].contains(&key);
    let plain = !key.is_empty()
        && key.len() <= 128
        && !key.starts_with('$')
        && !key.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    if !known && !plain {
        let text = format!(
            "`{}` is not a WebSocket route: use $connect, $disconnect, $default or a name without spaces",
            key.escape_debug()
        );
        return Err(wanted.invalid(field, text));
    }
    match routes.insert(key.to_owned(), role.to_owned()) {
        Some(other) => {
            Err(wanted.invalid(field, format!("route `{key}` belongs to both `{other}` and `{role}`")))
        }
        None => Ok(()),
    }
}
