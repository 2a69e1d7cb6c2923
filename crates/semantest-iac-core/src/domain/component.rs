//! A component as its user defines it: the keys of `[components.<name>]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::compute::container_service::Replicas;
use crate::domain::compute::hosting_plan::HostingPlan;
use crate::domain::compute::when_busy::WhenBusy;
use crate::domain::environment::SettingValue;
use crate::domain::networking::api_gateway::{Cors, Throttling};
use crate::domain::networking::authorizer::{AUTHORIZER_KEYS, AuthorizerSettings};
use crate::domain::networking::function_url::{CORS_KEYS, URL_KEYS, UrlSetting};
use crate::error::{Error, ErrorKind, Result};

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// Functions behind an HTTP API.
    RestApi,
    /// Functions behind a WebSocket API.
    Websocket,
    /// A long-running container behind a load balancer.
    ContainerService,
    /// A stack of a Pulumi program.
    PulumiStack,
}

impl ComponentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::RestApi, Self::Websocket, Self::ContainerService, Self::PulumiStack];

    /// The word in the project file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RestApi => "rest-api",
            Self::Websocket => "websocket",
            Self::ContainerService => "container-service",
            Self::PulumiStack => "pulumi-stack",
        }
    }

    /// The kind a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The keys of `[components.<name>]`, of its environment overrides, and of
/// `DeploymentRequested.configuration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentDefinition {
    /// `rest-api`, `websocket`, `container-service` or `pulumi-stack`; defaults to the component's name where that is a kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ComponentKind>,
    /// Folder or zip with the code, relative to the project file. Of a container-service: where `command` runs on
    /// `local`; absent: in the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Layers of every function: folders or zips, relative to the project file, or ARNs of published ones; at most five. Their
    /// files are found under `/opt`, those of later ones before those of earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// `nodejs20.x`, `python3.12`, `provided.al2023`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// `file.function`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// Memory in MiB (128 to 10240).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// Time limit of one invocation in seconds (1 to 900).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// Routes of the only function; default: everything, or nothing where it has a `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Address of the only function's own, with no API in front: `true`, or `{ authorization, invoke_mode, cors }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlSetting>,
    /// Environment variables of every function: text, or `{ secret = "env:NAME" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
    /// File of environment variables (`NAME=value` lines), relative to the project file: each is a secret.
    /// `environment_variables` come before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// Several functions, each with its own routes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, FunctionSettings>,
    /// Cross-origin settings of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// How many invocations may run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// How many instances are kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency: Option<u32>,
    /// What `local` does with an invocation beyond `reserved_concurrency`: `queue` (the default), or `reject`, as AWS does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<WhenBusy>,
    /// Container image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Command of the container. `local` runs it as it is, with no container: it listens on the port that `PORT` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Port the container listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// CPUs of one replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Bounds of the container's scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// How many days logs are kept; absent: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
    /// Key (ARN or alias) that encrypts the functions' environment variables at rest; absent: the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Whether the API writes a log line for each request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<bool>,
    /// How many requests the API takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttling: Option<Throttling>,
    /// What the API's stage tells functions, beside the request (`stageVariables`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: BTreeMap<String, String>,
    /// Who may call the API's routes: authorizers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorizers: BTreeMap<String, AuthorizerSettings>,
    /// Authorizer of every route whose function names none; of a websocket, of `$connect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
    /// Scopes of which a token needs one, on every route that a `jwt` authorizer judges and whose function names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_scopes: Option<Vec<String>>,
    /// Plan the functions run on, on Azure: `consumption`, `flex-consumption` or `premium`; absent: `consumption`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<HostingPlan>,
    /// Subnets the container runs in; absent: the network's default ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// Security groups of the container; absent: the network's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// Path asked to find out whether a replica is well; default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_path: Option<String>,
    /// Stack of the Pulumi program in `code`; default: the environment's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Configuration of the stack, laid over that of its own file: text, or `{ secret = "env:NAME" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, SettingValue>,
    /// Tags put on every resource, beside ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// The keys of `[components.<name>.functions.<function>]`; what is absent comes from the component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionSettings {
    /// `file.function`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// Folder or zip with the code; default: the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its layers, instead of the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// Runtime; default: the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// Time limit in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// `GET /orders`, or a WebSocket route such as `sendMessage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// Address of its own, with no API in front: `true`, or `{ authorization, invoke_mode, cors }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlSetting>,
    /// Laid over the component's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
    /// File of environment variables, laid over the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// How many invocations may run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_concurrency: Option<u32>,
    /// How many instances are kept warm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_concurrency: Option<u32>,
    /// What `local` does with an invocation beyond `reserved_concurrency`: `queue` (the default), or `reject`, as AWS does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_busy: Option<WhenBusy>,
    /// Authorizer of its routes, or `none`; default: the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer: Option<String>,
    /// Scopes of which a token needs one; default: the component's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_scopes: Option<Vec<String>>,
}

/// The keys a component may have, for suggestions; a test compares them with the type's schema.
pub const COMPONENT_KEYS: &[&str] = &[
    "kind",
    "code",
    "layers",
    "runtime",
    "handler",
    "memory_mb",
    "timeout_s",
    "routes",
    "url",
    "environment_variables",
    "env_file",
    "functions",
    "cors",
    "reserved_concurrency",
    "provisioned_concurrency",
    "when_busy",
    "image",
    "command",
    "port",
    "cpu",
    "replicas",
    "log_retention_days",
    "kms_key",
    "access_log",
    "throttling",
    "stage_variables",
    "authorizers",
    "authorizer",
    "authorization_scopes",
    "plan",
    "subnets",
    "security_groups",
    "health_check_path",
    "stack",
    "config",
    "tags",
];

/// The keys a function may have.
pub const FUNCTION_KEYS: &[&str] = &[
    "handler",
    "code",
    "layers",
    "runtime",
    "memory_mb",
    "timeout_s",
    "routes",
    "url",
    "environment_variables",
    "env_file",
    "reserved_concurrency",
    "provisioned_concurrency",
    "when_busy",
    "authorizer",
    "authorization_scopes",
];

impl ComponentDefinition {
    /// Reads a definition; `component` is its name, used in messages and as the default kind.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown key (with the nearest known one) or a value of the wrong type.
    pub fn from_map(component: &str, map: Map<String, Value>) -> Result<Self> {
        check_keys(component, "", &map, COMPONENT_KEYS)?;
        check_url_keys(component, "", &map)?;
        for (table, known) in [("functions", FUNCTION_KEYS), ("authorizers", AUTHORIZER_KEYS)] {
            let Some(Value::Object(named)) = map.get(table) else { continue };
            for (name, settings) in named {
                if let Value::Object(settings) = settings {
                    check_keys(component, &format!("{table}.{name}."), settings, known)?;
                    check_url_keys(component, &format!("{table}.{name}."), settings)?;
                }
            }
        }
        let mut definition: Self = serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| {
            let field = error.path().to_string();
            let why = explain(&field, &error.into_inner().to_string());
            let text = format!("component `{component}` has a `{field}` that cannot be used: {why}");
            invalid(component, text).with("field", field)
        })?;
        if definition.kind.is_none() {
            definition.kind = ComponentKind::from_word(component);
        }
        Ok(definition)
    }
}

/// What a value under `field` should have been, where serde's own words would not help.
pub fn explain(field: &str, said: &str) -> String {
    let key = field.rsplit('.').next().unwrap_or(field);
    let wanted = match key {
        _ if said.contains("untagged enum SettingValue") => {
            r#"it must be text, or a reference such as { secret = "env:NAME" }"#
        }
        "memory_mb" => "it must be a whole number, in MiB",
        "timeout_s" => "it must be a whole number of seconds, from 1 to 900",
        "reserved_concurrency" | "provisioned_concurrency" => "it must be a whole number, 0 or more",
        "port" => "it must be a whole number from 1 to 65535",
        "cpu" => "it must be a number above 0",
        _ if said.contains("untagged enum IdentitySource") => {
            r#"it must be text, or a list of texts, such as ["$request.header.Authorization"]"#
        }
        "type" => "it must be jwt or lambda",
        "issuer" | "jwks" | "authorizer" => "it must be text",
        "audience" | "authorization_scopes" => r#"it must be a list of texts, such as ["orders"]"#,
        "simple_responses" => "it must be true or false",
        "ttl_s" => "it must be a whole number of seconds, from 0 to 3600",
        "layers" => r#"it must be a list of texts, such as ["layers/common"]"#,
        "routes" | "command" => r#"it must be a list of texts, such as ["GET /orders"]"#,
        "subnets" => r#"it must be a list of texts, such as ["subnet-0a1b2c3d"]"#,
        "security_groups" => r#"it must be a list of texts, such as ["sg-0a1b2c3d"]"#,
        "log_retention_days" => "it must be a whole number of days",
        "access_log" => "it must be true or false",
        "throttling" => "it must be a table such as { rate = 100, burst = 200 }",
        "url" => "it must be true, false, or a table such as { invoke_mode = \"response-stream\" }",
        "authorization" => "it must be none or iam",
        "invoke_mode" => "it must be buffered or response-stream",
        "plan" => "it must be consumption, flex-consumption or premium",
        "when_busy" => "it must be queue or reject",
        "rate" => "it must be a number of requests a second, above 0",
        "burst" => "it must be a whole number of requests",
        "kind" => "it must be rest-api, websocket, container-service or pulumi-stack",
        _ => return said.to_owned(),
    };
    wanted.to_owned()
}

/// Lays `over` onto `base`: tables are merged key by key, everything else is replaced, `null` removes
/// (RFC 7386, JSON merge patch).
pub fn lay_over(base: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (_, Value::Null) => {
                base.remove(key);
            }
            (Some(Value::Object(existing)), Value::Object(new)) if !new.contains_key("secret") => {
                lay_over(existing, new);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The known word nearest to `word`, where one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Checks the keys of `url` in `map`, which stands at `path`.
fn check_url_keys(component: &str, path: &str, map: &Map<String, Value>) -> Result<()> {
    let Some(Value::Object(url)) = map.get("url") else { return Ok(()) };
    check_keys(component, &format!("{path}url."), url, URL_KEYS)?;
    match url.get("cors") {
        Some(Value::Object(cors)) => check_keys(component, &format!("{path}url.cors."), cors, CORS_KEYS),
        _ => Ok(()),
    }
}

fn check_keys(component: &str, path: &str, map: &Map<String, Value>, known: &[&str]) -> Result<()> {
    for key in map.keys() {
        if !known.contains(&key.as_str()) {
            let hint = nearest(key, known.iter().copied())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_else(|| format!("; known keys are {}", known.join(", ")));
            return Err(invalid(
                component,
                format!("component `{component}` has an unknown key `{path}{key}`{hint}"),
            )
            .with("field", format!("{path}{key}")));
        }
    }
    Ok(())
}

fn invalid(component: &str, message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "component.read", message).with("component", component)
}
