//! container-service: replicas of a container behind a load balancer.

use crate::application::component_handler::{ComponentHandler, Wanted, container_code};
use crate::domain::blueprint::Blueprint;
use crate::domain::component::ComponentKind;
use crate::domain::compute::container_service::ContainerService;
use crate::domain::compute::serverless_function::MemoryMib;
use crate::domain::networking::load_balancer::LoadBalancer;
use crate::error::Result;

/// Makes blueprints of container-service components.
pub(crate) struct DeployContainerService;

impl ComponentHandler for DeployContainerService {
    fn blueprint(&self, wanted: &Wanted<'_>) -> Result<Blueprint> {
        let definition = wanted.definition;
        check(wanted)?;
        let port = definition.port.unwrap_or(8080);
        wanted.check_range("port", port.into(), 1, u16::MAX.into())?;
        let memory = definition.memory_mb.unwrap_or(512);
        wanted.check_range("memory_mb", memory, 128, 122_880)?;
        let replicas = definition.replicas.unwrap_or_default();
        if replicas.min > replicas.max || replicas.max == 0 {
            let text = format!("`replicas` has min {} and max {}", replicas.min, replicas.max);
            return Err(wanted.invalid("replicas", text));
        }
        let cpu = definition.cpu.unwrap_or(0.25);
        if !(cpu > 0.0 && cpu <= 64.0) {
            return Err(wanted.invalid("cpu", format!("`cpu` is {cpu}; it must be above 0 and at most 64")));
        }
        let mut variables = wanted.variables_of(definition.env_file.as_deref());
        variables.extend(definition.environment_variables.clone());
        let mut blueprint = wanted.empty_blueprint(ComponentKind::ContainerService);
        blueprint.service = Some(ContainerService {
            image: definition.image.clone(),
            command: definition.command.clone(),
            package: container_code(definition).map(|code| {
                wanted.packages.get(code).map(|package| package.address.clone()).unwrap_or_default()
            }),
            port,
            cpu,
            memory_mb: MemoryMib(memory),
            replicas,
            environment_variables: variables,
            subnets: definition.subnets.clone().unwrap_or_default(),
            security_groups: definition.security_groups.clone().unwrap_or_default(),
            log_retention_days: definition.log_retention_days,
        });
        let health_check_path = health_check_path(wanted)?;
        blueprint.load_balancer =
            Some(LoadBalancer { listen_port: 80, target_port: port, health_check_path });
        Ok(blueprint)
    }
}

fn health_check_path(wanted: &Wanted<'_>) -> Result<String> {
    let path = wanted.definition.health_check_path.as_deref().unwrap_or("/");
    let is_path = |letter: char| letter.is_ascii_graphic() && letter != '#';
    if path.starts_with('/') && path.len() <= 1024 && path.chars().all(is_path) {
        return Ok(path.to_owned());
    }
    let text = format!(
        "`health_check_path` is `{}`; it must start with `/` and hold no space or `#`, such as `/health`",
        path.escape_debug()
    );
    Err(wanted.invalid("health_check_path", text))
}

fn check(wanted: &Wanted<'_>) -> Result<()> {
    let definition = wanted.definition;
    wanted.refuse(&[
        ("handler", definition.handler.is_some()),
        ("runtime", definition.runtime.is_some()),
        ("layers", definition.layers.is_some()),
        ("functions", !definition.functions.is_empty()),
        ("routes", definition.routes.is_some()),
        ("url", definition.url.is_some()),
        ("kms_key", definition.kms_key.is_some()),
        ("access_log", definition.access_log.is_some()),
        ("throttling", definition.throttling.is_some()),
        ("stage_variables", !definition.stage_variables.is_empty()),
        ("authorizers", !definition.authorizers.is_empty()),
        ("authorizer", definition.authorizer.is_some()),
        ("authorization_scopes", definition.authorization_scopes.is_some()),
        ("plan", definition.plan.is_some()),
        ("when_busy", definition.when_busy.is_some()),
    ])?;
    wanted.refuse_stack()?;
    if definition.image.is_none() && definition.command.is_none() {
        let text = "a container-service needs an `image` (or, on this machine, a `command`)";
        return Err(wanted.invalid("image", text.into()));
    }
    check_command(wanted)?;
    wanted.check_log_retention()?;
    wanted.check_variables("", &definition.environment_variables)
}

/// A command that no cloud could start is refused before anything is made: clouds take it, and replicas fail later.
fn check_command(wanted: &Wanted<'_>) -> Result<()> {
    let Some(command) = &wanted.definition.command else { return Ok(()) };
    let text = if command.first().is_none_or(|program| program.trim().is_empty()) {
        "`command` names no program: give the program and its arguments, such as [\"node\", \"server.js\"]"
    } else if command.iter().any(|word| word.contains('\0')) {
        "`command` holds a zero byte, which no program can be given: take it out"
    } else {
        return Ok(());
    };
    Err(wanted.invalid("command", text.into()))
}
