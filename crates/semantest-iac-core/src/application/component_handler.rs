//! From a component's definition to its blueprint: one handler a kind.

use std::collections::{BTreeMap, BTreeSet};

use crate::application::authorization;
use crate::application::cors;
use crate::application::deploy_container_service::DeployContainerService;
use crate::application::deploy_pulumi_stack::DeployPulumiStack;
use crate::application::deploy_rest_api::DeployRestApi;
use crate::application::deploy_websocket::DeployWebsocket;
use crate::application::entry_point;
use crate::application::function_url;
use crate::application::layers;
use crate::application::stage_variables;
use crate::domain::blueprint::Blueprint;
use crate::domain::component::{ComponentDefinition, ComponentKind, FunctionSettings};
use crate::domain::compute::serverless_function::{
    FunctionScaling, MemoryMib, ServerlessFunction, TimeoutSeconds, check_not_reserved,
};
use crate::domain::compute::when_busy::WhenBusy;
use crate::domain::env_file;
use crate::domain::environment::{SecretSetting, SettingValue, check_value, check_variable_name};
use crate::domain::networking::api_gateway::{ApiGateway, ApiProtocol, Route, Throttling};
use crate::domain::networking::key_set::KeySet;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::project::Package;

/// Memory of a function that says nothing of it.
const DEFAULT_MEMORY: u32 = 256;
/// Time limit of a function that says nothing of it.
const DEFAULT_TIMEOUT: u32 = 30;

/// How many days logs can be kept: any other number is refused by the clouds.
///
/// Source: Amazon CloudWatch Logs API reference, `PutRetentionPolicy`.
const LOG_RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// What a handler makes a blueprint of.
pub(crate) struct Wanted<'a> {
    pub project: &'a str,
    pub environment: &'a str,
    pub component: &'a str,
    pub definition: &'a ComponentDefinition,
    /// Packages by code location.
    pub packages: &'a BTreeMap<String, Package>,
    /// Key sets by the path of their file.
    pub key_sets: &'a BTreeMap<String, KeySet>,
    /// Names of variables by environment file.
    pub env_files: &'a BTreeMap<String, Vec<String>>,
    /// Schemes of secrets that can be resolved.
    pub schemes: &'a [String],
}

/// Knows one kind of component.
pub(crate) trait ComponentHandler: Send + Sync {
    /// Makes the blueprint. Pure.
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint>;
}

/// The handler for `kind`.
pub(crate) fn handler_for(kind: ComponentKind) -> &'static dyn ComponentHandler {
    match kind {
        ComponentKind::RestApi => &DeployRestApi,
        ComponentKind::Websocket => &DeployWebsocket,
        ComponentKind::ContainerService => &DeployContainerService,
        ComponentKind::PulumiStack => &DeployPulumiStack,
    }
}

/// Every code location a definition names.
pub(crate) fn code_locations(definition: &ComponentDefinition) -> BTreeSet<String> {
    if definition.kind == Some(ComponentKind::ContainerService) {
        return container_code(definition).cloned().into_iter().collect();
    }
    let own = definition.functions.values().filter_map(|function| function.code.clone());
    let all_have_own = !definition.functions.is_empty()
        && definition.functions.values().all(|function| function.code.is_some());
    own.chain(definition.code.clone().filter(|_| !all_have_own)).collect()
}

/// Every environment file a definition names, with the key that names it.
pub(crate) fn env_files(definition: &ComponentDefinition) -> impl Iterator<Item = (String, &String)> {
    let own = definition.functions.iter().filter_map(|(role, function)| {
        Some((format!("functions.{role}.env_file"), function.env_file.as_ref()?))
    });
    definition.env_file.iter().map(|path| ("env_file".to_owned(), path)).chain(own)
}

/// The code location of a container service: only what a command runs in is code, an image holds its own.
pub(crate) fn container_code(definition: &ComponentDefinition) -> Option<&String> {
    definition.code.as_ref().filter(|_| definition.command.is_some())
}

impl Wanted<'_> {
    /// A blueprint with the names and tags filled in.
    pub fn empty_blueprint(&self, kind: ComponentKind) -> Blueprint {
        Blueprint {
            project: self.project.to_owned(),
            environment: self.environment.to_owned(),
            component: self.component.to_owned(),
            kind,
            functions: Vec::new(),
            plan: self.definition.plan,
            api: None,
            service: None,
            load_balancer: None,
            stack: None,
            tags: self.definition.tags.clone(),
        }
    }

    /// The functions by role: the component itself is the only one where it lists none.
    pub fn functions(&self) -> Result<Vec<ServerlessFunction>> {
        self.refuse(&[("image", self.definition.image.is_some()), ("port", self.definition.port.is_some())])?;
        self.refuse(&[
            ("command", self.definition.command.is_some()),
            ("cpu", self.definition.cpu.is_some()),
        ])?;
        self.refuse(&[
            ("replicas", self.definition.replicas.is_some()),
            ("subnets", self.definition.subnets.is_some()),
            ("security_groups", self.definition.security_groups.is_some()),
            ("health_check_path", self.definition.health_check_path.is_some()),
        ])?;
        self.refuse_stack()?;
        self.check_log_retention()?;
        self.check_throttling()?;
        if self.definition.functions.is_empty() {
            return Ok(vec![self.function(self.component, &FunctionSettings::default())?]);
        }
        self.definition.functions.iter().map(|(role, settings)| self.function(role, settings)).collect()
    }

    /// The API in front of the functions.
    pub fn api(&self, protocol: ApiProtocol, routes: Vec<Route>) -> Result<ApiGateway> {
        stage_variables::check(self)?;
        cors::check(self)?;
        let mut api = ApiGateway {
            protocol,
            routes,
            cors: self.definition.cors.clone(),
            access_log: self.definition.access_log,
            throttling: self.definition.throttling,
            log_retention_days: self.definition.log_retention_days,
            jwt_authorizers: BTreeMap::new(),
            lambda_authorizers: BTreeMap::new(),
            stage_variables: self.definition.stage_variables.clone(),
        };
        authorization::authorize(self, &mut api)?;
        Ok(api)
    }

    fn function(&self, role: &str, own: &FunctionSettings) -> Result<ServerlessFunction> {
        let all = self.definition;
        let code = own.code.as_ref().or(all.code.as_ref()).ok_or_else(|| self.missing(role, "code"))?;
        let runtime = own.runtime.clone().or_else(|| all.runtime.clone());
        let runtime = runtime.ok_or_else(|| self.missing(role, "runtime"))?;
        let handler = match own.handler.clone().or_else(|| all.handler.clone()) {
            Some(handler) => handler,
            None if runtime.starts_with("provided") => "bootstrap".to_owned(),
            None => return Err(self.missing(role, "handler")),
        };
        let memory = own.memory_mb.or(all.memory_mb).unwrap_or(DEFAULT_MEMORY);
        let timeout = own.timeout_s.or(all.timeout_s).unwrap_or(DEFAULT_TIMEOUT);
        let field =
            |key: &str, is_own: bool| if is_own { format!("functions.{role}.{key}") } else { key.into() };
        self.check_range(&field("memory_mb", own.memory_mb.is_some()), memory, 128, 10_240)?;
        self.check_range(&field("timeout_s", own.timeout_s.is_some()), timeout, 1, 900)?;
        self.check_function_variables("", &all.environment_variables)?;
        self.check_function_variables(&format!("functions.{role}."), &own.environment_variables)?;
        let mut variables = self.variables_of(all.env_file.as_deref());
        variables.extend(self.variables_of(own.env_file.as_deref()));
        self.check_env_files_variables(&variables)?;
        variables.extend(all.environment_variables.clone());
        variables.extend(own.environment_variables.clone());
        let package = self.packages.get(code);
        let layers = layers::of_function(self, role, own)?;
        layers::check_size(self, role, package, &layers)?;
        let sources = layers::sources(self, package, &layers);
        let typescript = entry_point::check(&runtime, &handler, &sources)
            .map_err(|why| self.invalid(&field("handler", own.handler.is_some()), why))?;
        Ok(ServerlessFunction {
            role: role.to_owned(),
            package: package.map(|package| package.address.clone()).unwrap_or_default(),
            layers,
            runtime,
            handler,
            typescript,
            memory_mb: MemoryMib(memory),
            timeout_s: TimeoutSeconds(timeout),
            environment_variables: variables,
            kms_key: all.kms_key.clone(),
            log_retention_days: all.log_retention_days,
            scaling: FunctionScaling {
                reserved_concurrency: own.reserved_concurrency.or(all.reserved_concurrency),
                provisioned_concurrency: own.provisioned_concurrency.or(all.provisioned_concurrency),
            },
            when_busy: self.when_busy(role, own)?,
            url: function_url::of(self, role, own)?,
        })
    }

    fn when_busy(&self, role: &str, own: &FunctionSettings) -> Result<Option<WhenBusy>> {
        let way = own.when_busy.or(self.definition.when_busy);
        let is_bounded = own.reserved_concurrency.or(self.definition.reserved_concurrency).is_some();
        if way == Some(WhenBusy::Reject) && !is_bounded {
            let field = if own.when_busy.is_some() {
                format!("functions.{role}.when_busy")
            } else {
                "when_busy".into()
            };
            let text = "`when_busy` is `reject`, and nothing says how many may run at once: set `reserved_concurrency`";
            return Err(self.invalid(&field, text.into()));
        }
        Ok(way)
    }

    /// Refuses keys that the kind has no use for.
    pub fn refuse(&self, keys: &[(&str, bool)]) -> Result<()> {
        match keys.iter().find(|(_, given)| *given) {
            Some((key, _)) => {
                let kind = self.definition.kind.map_or("", ComponentKind::as_str);
                Err(self.invalid(key, format!("`{key}` means nothing for a {kind}; remove it")))
            }
            None => Ok(()),
        }
    }

    /// Refuses keys of a pulumi-stack.
    pub fn refuse_stack(&self) -> Result<()> {
        self.refuse(&[
            ("stack", self.definition.stack.is_some()),
            ("config", !self.definition.config.is_empty()),
        ])
    }

    /// Checks names and references of environment variables; `path` is what stands before them in the definition.
    pub fn check_variables(&self, path: &str, variables: &BTreeMap<String, SettingValue>) -> Result<()> {
        for (name, value) in variables {
            let checked = check_variable_name(name).and_then(|()| check_value(name, value, self.schemes));
            checked.map_err(|why| self.invalid(&format!("{path}environment_variables.{name}"), why))?;
        }
        Ok(())
    }

    fn check_function_variables(&self, path: &str, variables: &BTreeMap<String, SettingValue>) -> Result<()> {
        for name in variables.keys() {
            let field = format!("{path}environment_variables.{name}");
            check_not_reserved(name).map_err(|why| self.invalid(&field, why))?;
        }
        self.check_variables(path, variables)
    }

    /// The variables of an environment file, each a secret.
    pub fn variables_of(&self, env_file: Option<&str>) -> BTreeMap<String, SettingValue> {
        let named = env_file.and_then(|path| Some((path, self.env_files.get(path)?)));
        let variables = named.into_iter().flat_map(|(path, names)| {
            names.iter().map(move |name| {
                let secret = env_file::reference(path, name);
                (name.clone(), SettingValue::Secret(SecretSetting { secret, digest: None }))
            })
        });
        variables.collect()
    }

    fn check_env_files_variables(&self, variables: &BTreeMap<String, SettingValue>) -> Result<()> {
        for name in variables.keys().filter(|name| check_not_reserved(name).is_err()) {
            let sets = |(_, path): &(String, &String)| {
                self.env_files.get(*path).is_some_and(|names| names.contains(name))
            };
            if let Some((field, path)) = env_files(self.definition).find(sets) {
                let text = format!(
                    "`{}` sets `{name}`, which the runtime itself sets: take it out of the file",
                    path.escape_debug()
                );
                return Err(self.invalid(&field, text));
            }
        }
        self.check_variables("", variables)
    }

    /// Checks that logs can be kept for as long as is wanted.
    pub fn check_log_retention(&self) -> Result<()> {
        match self.definition.log_retention_days {
            Some(days) if !LOG_RETENTION_DAYS.contains(&days) => {
                let known = LOG_RETENTION_DAYS.map(|days| days.to_string()).join(", ");
                let text = format!("`log_retention_days` is {days}; it must be one of {known}");
                Err(self.invalid("log_retention_days", text))
            }
            _ => Ok(()),
        }
    }

    fn check_throttling(&self) -> Result<()> {
        match self.definition.throttling {
            Some(Throttling { rate, .. }) if !(rate > 0.0 && rate.is_finite()) => {
                Err(self
                    .invalid("throttling.rate", format!("`throttling.rate` is {rate}; it must be above 0")))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the number under `field` is within its bounds.
    pub fn check_range(&self, field: &str, value: u32, least: u32, most: u32) -> Result<()> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        let text = format!("`{field}` is {value}; it must be from {least} to {most}");
        Err(self.invalid(field, text))
    }

    fn missing(&self, role: &str, key: &str) -> Error {
        let whose = match role == self.component {
            true => format!("component `{role}`"),
            false => format!("function `{role}` of component `{}`", self.component),
        };
        self.invalid(key, format!("{whose} has no `{key}`: add it to its definition"))
    }

    /// An error about `field` of this component.
    pub fn invalid(&self, field: &str, message: String) -> Error {
        Error::new(ErrorKind::InvalidProject, "component.blueprint", message)
            .with("component", self.component)
            .with("field", field)
    }
}
