//! container-service: replicas of a container behind a load balancer.

use crate::application::component_handler::{ComponentHandler, Wanted};
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
        wanted.refuse(&[
            ("handler", definition.handler.is_some()),
            ("runtime", definition.runtime.is_some()),
            ("functions", !definition.functions.is_empty()),
            ("routes", definition.routes.is_some()),
        ])?;
        if definition.image.is_none() && definition.command.is_none() {
            let text = "a container-service needs an `image` (or, on this machine, a `command`)";
            return Err(wanted.invalid("image", text.into()));
        }
        wanted.check_variables("", &definition.environment_variables)?;
        let port = definition.port.unwrap_or(8080);
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
        let mut blueprint = wanted.empty_blueprint(ComponentKind::ContainerService);
        blueprint.service = Some(ContainerService {
            image: definition.image.clone(),
            command: definition.command.clone(),
            port,
            cpu,
            memory_mb: MemoryMib(memory),
            replicas,
            environment_variables: definition.environment_variables.clone(),
        });
        let health_check_path = "/".to_owned();
        blueprint.load_balancer =
            Some(LoadBalancer { listen_port: 80, target_port: port, health_check_path });
        Ok(blueprint)
    }
}
