//! Settings and scaling laid over a blueprint: what is lowered in the end.

use crate::domain::blueprint::Blueprint;
use crate::domain::deployment::state::Scaling;
use crate::domain::environment::EnvironmentConfiguration;

/// `blueprint` with `configuration` and `scaling` laid over it.
pub fn lay_settings(
    blueprint: &Blueprint,
    configuration: &EnvironmentConfiguration,
    scaling: &Scaling,
) -> Blueprint {
    let mut blueprint = blueprint.clone();
    blueprint.tags.extend(configuration.tags.clone());
    for function in &mut blueprint.functions {
        function.environment_variables.extend(configuration.variables.clone());
        for role in ["", function.role.as_str()] {
            if let Some(target) = scaling.get(role) {
                let now = &mut function.scaling;
                now.reserved_concurrency = target.reserved_concurrency.or(now.reserved_concurrency);
                now.provisioned_concurrency = target.provisioned_concurrency.or(now.provisioned_concurrency);
            }
        }
    }
    if let Some(service) = &mut blueprint.service {
        service.environment_variables.extend(configuration.variables.clone());
        if let Some(target) = scaling.get("") {
            service.replicas.min = target.min_replicas.unwrap_or(service.replicas.min);
            service.replicas.max =
                target.max_replicas.unwrap_or(service.replicas.max.max(service.replicas.min));
        }
    }
    if let Some(stack) = &mut blueprint.stack {
        stack.environment_variables.extend(configuration.variables.clone());
    }
    blueprint
}
