//! What the keys of a component take, in words: for whoever wrote something else.

use semantest_iac_core::domain::component::{ComponentKind, nearest};
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::compute::when_busy::WhenBusy;
use semantest_iac_core::domain::networking::function_url::{InvokeMode, UrlAuthorization};
use serde_json::Value;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Takes {
    Text,
    Kind,
    Plan,
    WhenBusy,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// Memory of a function, or of a container.
    Memory,
    Number,
    Flag,
    Texts,
    /// A table of texts, with the user's own keys; with `true`, of secrets as well.
    Words(bool),
    /// A table with these keys.
    Table(&'static [(&'static str, Takes)]),
    /// Functions by name.
    Functions,
    /// Authorizers by name.
    Authorizers,
    /// Text, or a list of texts.
    TextOrTexts,
    /// The type of an authorizer.
    AuthorizerType,
    /// Whether a function has a URL, or what it is like.
    Url,
    UrlAuthorization,
    InvokeMode,
}

const FUNCTION: &[(&str, Takes)] = &[
    ("handler", Takes::Text),
    ("code", Takes::Text),
    ("layers", Takes::Texts),
    ("runtime", Takes::Text),
    ("memory_mb", Takes::Whole(128, 10_240)),
    ("timeout_s", Takes::Whole(1, 900)),
    ("routes", Takes::Texts),
    ("url", Takes::Url),
    ("environment_variables", Takes::Words(true)),
    ("env_file", Takes::Text),
    ("reserved_concurrency", Takes::Whole(0, u32::MAX as u64)),
    ("provisioned_concurrency", Takes::Whole(0, u32::MAX as u64)),
    ("when_busy", Takes::WhenBusy),
    ("authorizer", Takes::Text),
    ("authorization_scopes", Takes::Texts),
];

const AUTHORIZER: &[(&str, Takes)] = &[
    ("type", Takes::AuthorizerType),
    ("issuer", Takes::Text),
    ("audience", Takes::Texts),
    ("jwks", Takes::Text),
    ("function", Takes::Text),
    ("identity_source", Takes::TextOrTexts),
    ("simple_responses", Takes::Flag),
    ("ttl_s", Takes::Whole(0, 3600)),
];

const COMPONENT: &[(&str, Takes)] = &[
    ("kind", Takes::Kind),
    ("code", Takes::Text),
    ("layers", Takes::Texts),
    ("runtime", Takes::Text),
    ("handler", Takes::Text),
    ("memory_mb", Takes::Memory),
    ("timeout_s", Takes::Whole(1, 900)),
    ("routes", Takes::Texts),
    ("url", Takes::Url),
    ("environment_variables", Takes::Words(true)),
    ("env_file", Takes::Text),
    ("functions", Takes::Functions),
    ("cors", Takes::Table(CORS)),
    ("reserved_concurrency", Takes::Whole(0, u32::MAX as u64)),
    ("provisioned_concurrency", Takes::Whole(0, u32::MAX as u64)),
    ("when_busy", Takes::WhenBusy),
    ("image", Takes::Text),
    ("command", Takes::Texts),
    ("port", Takes::Whole(1, 65_535)),
    ("cpu", Takes::Number),
    ("replicas", Takes::Table(REPLICAS)),
    ("log_retention_days", Takes::Whole(1, 3653)),
    ("kms_key", Takes::Text),
    ("access_log", Takes::Flag),
    ("throttling", Takes::Table(THROTTLING)),
    ("stage_variables", Takes::Words(false)),
    ("authorizers", Takes::Authorizers),
    ("authorizer", Takes::Text),
    ("authorization_scopes", Takes::Texts),
    ("plan", Takes::Plan),
    ("subnets", Takes::Texts),
    ("security_groups", Takes::Texts),
    ("health_check_path", Takes::Text),
    ("stack", Takes::Text),
    ("config", Takes::Words(true)),
    ("tags", Takes::Words(false)),
];

const URL: &[(&str, Takes)] = &[
    ("authorization", Takes::UrlAuthorization),
    ("invoke_mode", Takes::InvokeMode),
    ("cors", Takes::Table(CORS)),
];

const CORS: &[(&str, Takes)] = &[
    ("allow_origins", Takes::Texts),
    ("allow_methods", Takes::Texts),
    ("allow_headers", Takes::Texts),
    ("expose_headers", Takes::Texts),
    ("allow_credentials", Takes::Flag),
    ("max_age_s", Takes::Whole(0, u32::MAX as u64)),
];

const THROTTLING: &[(&str, Takes)] = &[("rate", Takes::Number), ("burst", Takes::Whole(0, u32::MAX as u64))];

const REPLICAS: &[(&str, Takes)] = &[
    ("min", Takes::Whole(0, u32::MAX as u64)),
    ("max", Takes::Whole(1, u32::MAX as u64)),
    ("target_cpu_percent", Takes::Whole(1, 100)),
];

const AUTHORIZER_TYPES: [&str; 2] = ["jwt", "lambda"];

/// What stands at `path` below a component.
///
/// # Errors
/// For a key that is not known: which, and what was perhaps meant.
pub(crate) fn takes(path: &[&str]) -> Result<Takes, String> {
    path.iter().try_fold(Takes::Table(COMPONENT), |takes, key| match takes {
        Takes::Table(keys) => takes_of(keys, key),
        Takes::Url => takes_of(URL, key),
        Takes::Functions => Ok(Takes::Table(FUNCTION)),
        Takes::Authorizers => Ok(Takes::Table(AUTHORIZER)),
        Takes::Words(_) => Ok(Takes::Text),
        _ => Err(format!("`{}` is no table: there is no key `{key}` in it", path[0])),
    })
}

fn takes_of(keys: &[(&str, Takes)], key: &str) -> Result<Takes, String> {
    let known = keys.iter().find(|(known, _)| *known == key);
    known.map(|(_, takes)| *takes).ok_or_else(|| unknown(key, keys))
}

fn unknown(key: &str, keys: &[(&str, Takes)]) -> String {
    let known: Vec<&str> = keys.iter().map(|(known, _)| *known).collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
        None => format!("unknown key `{key}`; known keys here are {}", known.join(", ")),
    }
}

/// `a, b or c`.
fn one_of<const COUNT: usize>(words: [&str; COUNT]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

impl Takes {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Kind => one_of(ComponentKind::ALL.map(ComponentKind::as_str)),
            Self::Plan => one_of(HostingPlan::ALL.map(HostingPlan::as_str)),
            Self::WhenBusy => one_of(WhenBusy::ALL.map(WhenBusy::as_str)),
            Self::Whole(least, most) if most >= u64::from(u32::MAX) => {
                format!("a whole number of {least} or more")
            }
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Memory => "a whole number from 128 to 10240 (of a container to 122880)".into(),
            Self::Number => "a number".into(),
            Self::Flag => "true or false".into(),
            Self::Texts => "a list of texts, such as [\"a\", \"b\"]".into(),
            Self::Words(true) => "a table whose values are text or { secret = \"env:NAME\" }".into(),
            Self::Words(false) => "a table whose values are text".into(),
            Self::Table(keys) => {
                let keys: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
                format!("a table with the keys {}", keys.join(", "))
            }
            Self::Functions => "a table of functions by name".into(),
            Self::Authorizers => "a table of authorizers by name".into(),
            Self::TextOrTexts => "text, or a list of texts, such as [\"a\", \"b\"]".into(),
            Self::AuthorizerType => one_of(AUTHORIZER_TYPES),
            Self::Url => "true, false or a table with the keys authorization, invoke_mode, cors".into(),
            Self::UrlAuthorization => one_of(UrlAuthorization::ALL.map(UrlAuthorization::as_str)),
            Self::InvokeMode => one_of(InvokeMode::ALL.map(InvokeMode::as_str)),
        }
    }

    /// What is wrong with `value` at `path`, in words; tables are looked into.
    pub fn misfit(self, path: &str, value: &Value) -> Option<String> {
        let must_be = |path: &str, words: &str| Some(format!("{path} must be {words}"));
        match (self, value) {
            (Self::Table(keys), Value::Object(map)) => {
                map.iter().find_map(|(key, value)| match keys.iter().find(|(known, _)| known == key) {
                    Some((_, takes)) => takes.misfit(&format!("{path}.{key}"), value),
                    None => Some(unknown(key, keys)),
                })
            }
            (Self::Url, Value::Object(_)) => Self::Table(URL).misfit(path, value),
            (Self::Functions | Self::Authorizers, Value::Object(map)) => {
                let keys = if self == Self::Functions { FUNCTION } else { AUTHORIZER };
                let misfit = |(name, inner): (&String, &Value)| {
                    Self::Table(keys).misfit(&format!("{path}.{name}"), inner)
                };
                map.iter().find_map(misfit)
            }
            (Self::Words(secrets), Value::Object(map)) => {
                let fits = |value: &Value| value.is_string() || (secrets && value.get("secret").is_some());
                let wrong = map.iter().find(|(_, value)| !fits(value));
                wrong.and_then(|(key, _)| must_be(&format!("{path}.{key}"), "text"))
            }
            _ if self.fits(value) => None,
            _ => must_be(path, &self.words()),
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Kind => ComponentKind::ALL.iter().any(|kind| value == kind.as_str()),
            Self::Plan => HostingPlan::ALL.iter().any(|plan| value == plan.as_str()),
            Self::WhenBusy => WhenBusy::ALL.iter().any(|way| value == way.as_str()),
            Self::Whole(least, most) => value.as_u64().is_some_and(|value| (least..=most).contains(&value)),
            Self::Memory => Self::Whole(128, 122_880).fits(value),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Self::TextOrTexts => value.is_string() || Self::Texts.fits(value),
            Self::AuthorizerType => AUTHORIZER_TYPES.iter().any(|word| value == word),
            Self::Url => value.is_boolean() || value.is_object(),
            Self::UrlAuthorization => UrlAuthorization::ALL.iter().any(|way| value == way.as_str()),
            Self::InvokeMode => InvokeMode::ALL.iter().any(|mode| value == mode.as_str()),
            Self::Words(_) | Self::Table(_) | Self::Functions | Self::Authorizers => value.is_object(),
        }
    }
}

#[cfg(test)]
mod tests {
    use semantest_iac_core::domain::component::{COMPONENT_KEYS, FUNCTION_KEYS};
    use semantest_iac_core::domain::networking::authorizer::AUTHORIZER_KEYS;
    use semantest_iac_core::domain::networking::function_url::{CORS_KEYS, URL_KEYS};

    use super::*;

    #[test]
    fn every_key_of_a_component_and_of_a_function_is_known() {
        let names = |keys: &[(&'static str, Takes)]| keys.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        assert_eq!(names(COMPONENT), COMPONENT_KEYS);
        assert_eq!(names(FUNCTION), FUNCTION_KEYS);
        assert_eq!(names(AUTHORIZER), AUTHORIZER_KEYS);
        assert_eq!((names(URL), names(CORS)), (URL_KEYS.to_vec(), CORS_KEYS.to_vec()));
    }

    #[test]
    fn what_a_key_takes_is_found_by_its_path() {
        assert_eq!(takes(&["memory_mb"]), Ok(Takes::Memory));
        assert_eq!(takes(&["functions", "list", "environment_variables", "X"]), Ok(Takes::Text));
        assert_eq!(takes(&["cors", "allow_credentials"]), Ok(Takes::Flag));
        assert_eq!(takes(&["functions", "list", "url", "invoke_mode"]), Ok(Takes::InvokeMode));
        assert!(takes(&["memry_mb"]).expect_err("unknown").contains("`memory_mb`"));
        assert!(takes(&["functions", "list", "memry_mb"]).expect_err("unknown").contains("`memory_mb`"));
        assert!(takes(&["memory_mb", "x"]).is_err());
    }
}
