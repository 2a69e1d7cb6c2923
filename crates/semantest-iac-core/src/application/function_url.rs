//! URLs of functions: which function has one, and what it is like.

use crate::application::component_handler::Wanted;
use crate::application::cors::check_origins;
use crate::domain::component::{ComponentDefinition, FunctionSettings};
use crate::domain::networking::api_gateway::Cors;
use crate::domain::networking::function_url::{FunctionUrl, UrlSetting};
use crate::error::Result;

/// Methods that the cross-origin settings of a URL may name; what a preflight asks is answered without being named.
///
/// Source: AWS Lambda API reference, `Cors`.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "*"];
/// Longest time that a preflight may be kept, in seconds (same source).
const LONGEST_AGE: u32 = 86_400;

/// Whether `setting` asks for a URL.
pub(crate) fn is_asked(setting: Option<&UrlSetting>) -> bool {
    setting.is_some_and(|setting| setting.settings().is_some())
}

/// The URL of the function with that role, whose own settings are `own`; nothing where it has none.
pub(crate) fn of(wanted: &Wanted<'_>, role: &str, own: &FunctionSettings) -> Result<Option<FunctionUrl>> {
    let definition = wanted.definition;
    let several = !definition.functions.is_empty();
    if several && definition.url.is_some() {
        let text = "`url` stands beside `functions`: give each function its own `url`";
        return Err(wanted.invalid("url", text.into()));
    }
    let (setting, field) = match several {
        true => (own.url.as_ref(), format!("functions.{role}.url")),
        false => (definition.url.as_ref(), "url".to_owned()),
    };
    let Some(settings) = setting.and_then(UrlSetting::settings) else { return Ok(None) };
    settings.cors.iter().try_for_each(|cors| check_cors(wanted, &field, cors))?;
    Ok(Some(FunctionUrl {
        authorization: settings.authorization.unwrap_or_default(),
        invoke_mode: settings.invoke_mode.unwrap_or_default(),
        cors: settings.cors,
    }))
}

fn check_cors(wanted: &Wanted<'_>, field: &str, cors: &Cors) -> Result<()> {
    check_origins(wanted, &format!("{field}.cors"), cors)?;
    let unknown = |method: &&String| !METHODS.contains(&method.as_str());
    if let Some(method) = cors.allow_methods.iter().find(unknown) {
        let text = format!(
            "`{}` is no method that a URL's cors may name: use {} (preflights, OPTIONS, are answered without it)",
            method.escape_debug(),
            METHODS.join(", ")
        );
        return Err(wanted.invalid(&format!("{field}.cors.allow_methods"), text));
    }
    let age = cors.max_age_s.unwrap_or_default();
    wanted.check_range(&format!("{field}.cors.max_age_s"), age, 0, LONGEST_AGE)
}

/// Whether nothing but URLs leads to the functions of `definition`: then no API is made.
///
/// # Errors
/// For keys that mean something for an API only.
pub(crate) fn replace_the_api(wanted: &Wanted<'_>, has_routes: bool) -> Result<bool> {
    let definition = wanted.definition;
    let own = definition.functions.values().map(|function| function.url.as_ref());
    let has_url = own.chain([definition.url.as_ref()]).any(is_asked);
    if has_routes || !has_url {
        return Ok(false);
    }
    match of_an_api(definition).into_iter().find(|(_, given)| *given) {
        Some((key, _)) => {
            let instead = if key == "cors" { "set it in `url`, or " } else { "" };
            let text = format!(
                "`{key}` is the API's, and there is none: functions with a `url` have no routes unless they name some; \
                 {instead}add `routes`, or remove it"
            );
            Err(wanted.invalid(key, text))
        }
        None => Ok(true),
    }
}

/// Keys that are the API's, and whether they are given.
fn of_an_api(definition: &ComponentDefinition) -> [(&'static str, bool); 7] {
    [
        ("cors", definition.cors.is_some()),
        ("access_log", definition.access_log.is_some()),
        ("throttling", definition.throttling.is_some()),
        ("stage_variables", !definition.stage_variables.is_empty()),
        ("authorizers", !definition.authorizers.is_empty()),
        ("authorizer", definition.authorizer.is_some()),
        ("authorization_scopes", definition.authorization_scopes.is_some()),
    ]
}
