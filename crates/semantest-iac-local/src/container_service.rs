//! `local.container_service`: replicas of a command, or of an image where this machine has a container engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource, ResourceRole};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::ResourceHandle;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::malformed;
use crate::host::definition::EnvironmentValue;
use crate::host::service_definition::{ServiceDefinition, Workload};
use crate::program_path::{in_search_path, is_executable};
use crate::provider::{properties, tags_of};

/// Provider's word for a container service.
pub(crate) const KIND: &str = "local.container_service";

/// Address of a component's service.
pub(crate) const ADDRESS: &str = "service";

/// Containers are named after it, with a suffix: names of hosts may have 63 characters (RFC 1123).
const NAME_LIMIT: usize = 44;

/// Container engines that take the same arguments, the one to be used first where several are there.
const ENGINES: [&str; 2] = ["docker", "podman"];

/// What a container service is asked to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceInputs {
    pub service_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where a container listens; a command is told (`PORT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    pub cpu: f64,
    pub memory_mb: u32,
    pub min_replicas: u32,
    pub max_replicas: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cpu_percent: Option<u8>,
    pub health_check_path: String,
    #[serde(default)]
    pub environment_variables: BTreeMap<String, EnvironmentValue>,
}

impl ServiceInputs {
    pub fn read(handle: &ResourceHandle) -> Result<Self> {
        serde_json::from_value(handle.inputs.clone().into()).map_err(|error| malformed(KIND, error))
    }

    /// As the host is told; programs are looked for in `search_path`, those of the package in `code`, where it is.
    ///
    /// # Errors
    /// What is missing on this machine, and what to do.
    pub fn definition(
        self,
        handle: &ResourceHandle,
        code: Option<&Path>,
        search_path: String,
    ) -> Result<ServiceDefinition> {
        let workload = match (self.command, self.image) {
            (Some(command), _) => {
                check_program(&command, code, &search_path)?;
                Workload::Process { command, package_sha256: self.package, folder: PathBuf::new() }
            }
            (None, Some(image)) => {
                let engine = engine(&search_path).ok_or_else(|| no_engine("local.apply", &image))?;
                Workload::Container { image, port: self.port.unwrap_or(8080), engine }
            }
            (None, None) => {
                return Err(refused("a container service needs a `command` or an `image`".into()));
            }
        };
        Ok(ServiceDefinition {
            tags: tags_of(&handle.tags),
            name: self.service_name,
            workload,
            cpu: self.cpu,
            memory_mb: self.memory_mb,
            min_replicas: self.min_replicas,
            max_replicas: self.max_replicas,
            target_cpu_percent: self.target_cpu_percent,
            health_check_path: self.health_check_path,
            environment_variables: self.environment_variables,
            search_path,
        })
    }
}

/// The inputs that `definition` was made of.
pub(crate) fn inputs(definition: &ServiceDefinition) -> Properties {
    let (command, image, port) = match &definition.workload {
        Workload::Process { command, .. } => (Some(command.clone()), None, None),
        Workload::Container { image, port, .. } => (None, Some(image.clone()), Some(*port)),
    };
    properties(&ServiceInputs {
        service_name: definition.name.clone(),
        command,
        package: definition.package().map(str::to_owned),
        image,
        port,
        cpu: definition.cpu,
        memory_mb: definition.memory_mb,
        min_replicas: definition.min_replicas,
        max_replicas: definition.max_replicas,
        target_cpu_percent: definition.target_cpu_percent,
        health_check_path: definition.health_check_path.clone(),
        environment_variables: definition.environment_variables.clone(),
    })
}

pub(crate) fn outputs(definition: &ServiceDefinition) -> Properties {
    properties(&json!({ "arn": arn(&definition.name), "service_name": definition.name }))
}

/// As the ECS service of that name would have it, in no account.
fn arn(name: &str) -> String {
    format!("arn:aws:ecs:local:000000000000:service/{name}/{name}")
}

/// A `command` runs as it is, also beside an image: that is then for the clouds. An image alone needs an engine.
///
/// # Errors
/// `Unsupported` for an image where there is none.
pub(crate) fn lower(blueprint: &Blueprint, service: &ContainerService, has_engine: bool) -> Result<Resource> {
    if let (None, Some(image), false) = (&service.command, &service.image, has_engine) {
        return Err(no_engine("local.lower", image).with("component", &blueprint.component));
    }
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    let is_process = service.command.is_some();
    let balancer = blueprint.load_balancer.as_ref();
    let mut inputs = properties(&json!({
        "service_name": physical_name(&parts, NAME_LIMIT),
        "cpu": service.cpu,
        "memory_mb": service.memory_mb,
        "min_replicas": service.replicas.min,
        "max_replicas": service.replicas.max,
        "health_check_path": balancer.map_or("/", |balancer| &balancer.health_check_path),
        "environment_variables": service.environment_variables,
    }));
    let port = balancer.map_or(service.port, |balancer| balancer.target_port);
    let given = [
        ("command", service.command.as_ref().map(|command| json!(command))),
        ("package", service.package.as_ref().filter(|_| is_process).map(|package| json!(package))),
        ("image", service.image.as_ref().filter(|_| !is_process).map(|image| json!(image))),
        ("port", Some(json!(port)).filter(|_| !is_process)),
        ("target_cpu_percent", service.replicas.target_cpu_percent.map(|percent| json!(percent))),
    ];
    inputs.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    let mut resource = Resource::new(ADDRESS, KIND, inputs);
    resource.role = Some(ResourceRole::ContainerService);
    resource.replace_on.insert("service_name".into());
    Ok(resource)
}

/// A replica may have printed much before it ended: an error has so many characters of each line.
const LINE_LIMIT: usize = 500;

/// The error with long lines cut off.
pub(crate) fn shortened(error: Error) -> Error {
    let said = error.message();
    if said.lines().all(|line| line.chars().count() <= LINE_LIMIT) {
        return error;
    }
    let cut = |line: &str| match line.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    };
    let text = said.lines().map(cut).collect::<Vec<_>>().join("\n");
    let bare = Error::new(error.kind(), error.operation(), text).with_retry(error.retry());
    error.context().iter().fold(bare, |bare, (key, value)| bare.with(key, value))
}

/// The program of a command: a path is one in the folder that the command runs in, a name is looked for in `PATH`.
fn check_program(command: &[String], code: Option<&Path>, search_path: &str) -> Result<()> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let said = program.escape_debug();
    if !program.contains('/') {
        return match in_search_path(program, search_path) {
            Some(_) => Ok(()),
            None => Err(refused(format!(
                "`{said}` is not on this machine's PATH: install it, or correct `command`; a program of your own is \
                 named by its path, such as `./{said}`"
            ))),
        };
    }
    // Where it is in the project's folder, the host will say.
    let Some(path) = code.map(|code| code.join(program)) else { return Ok(()) };
    if !path.is_file() {
        return Err(refused(format!(
            "`{said}` is not in the component's `code`: correct `command`, which is run in that folder"
        )));
    }
    match is_executable(&path) {
        true => Ok(()),
        false => Err(refused(format!("`{said}` is not executable: make it so (chmod +x {said})"))),
    }
}

/// Whether there is a container engine in `search_path`. It is not asked whether it answers.
pub(crate) fn has_engine(search_path: &str) -> bool {
    ENGINES.iter().any(|engine| in_search_path(engine, search_path).is_some())
}

/// The container engine in `search_path`, where there is one. Where there are several it is the first that answers: docker's
/// program is often there without the daemon that does the work.
fn engine(search_path: &str) -> Option<PathBuf> {
    let found: Vec<PathBuf> =
        ENGINES.iter().filter_map(|engine| in_search_path(engine, search_path)).collect();
    match found.as_slice() {
        [] | [_] => found.first().cloned(),
        several => several.iter().find(|engine| answers(engine)).or(several.first()).cloned(),
    }
}

fn answers(engine: &Path) -> bool {
    let mut command = Command::new(engine);
    command.args(["ps", "--quiet"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn no_engine(operation: &str, image: &str) -> Error {
    let text = format!(
        "image `{}` needs a container engine, and neither docker nor podman is on this machine's PATH: install one of \
         them, or give the component a `command` (with `code`, the folder it runs in), which `local` runs without a \
         container",
        image.escape_debug()
    );
    Error::new(ErrorKind::Unsupported, operation, text).with("field", "command")
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "local.apply", message).with("field", "command")
}
