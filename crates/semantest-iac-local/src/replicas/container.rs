//! A replica in a container: the arguments of docker and podman, which take the same ones.

use std::path::Path;

use crate::host::definition::EnvironmentValue;
use crate::host::service_definition::ServiceDefinition;
use crate::replicas::environment::{Variables, is_heeded_by_engines};

/// Marks a container as ours and says which host's.
pub(crate) const HOST_LABEL: &str = "semantest-iac.host";

/// A container and where it is reached.
pub(crate) struct Place<'a> {
    /// The container's name.
    pub name: &'a str,
    /// The port of this machine, on 127.0.0.1 only.
    pub published: u16,
    /// The port it listens on inside.
    pub inside: u16,
    /// The host's folder.
    pub state_dir: &'a Path,
}

/// Arguments that run `image` in the foreground and take the container away afterwards. Variables are passed by their names
/// only: the engine's program has them in its own environment, and values show in no process listing. But for those that it would heed
/// itself, such as `PATH`, which [`check`] has found to be no secrets.
pub(crate) fn arguments(
    definition: &ServiceDefinition,
    image: &str,
    place: &Place<'_>,
    variables: &Variables,
) -> Vec<String> {
    let tags = &definition.tags;
    let labels = [
        (HOST_LABEL, place.state_dir.display().to_string()),
        ("semantest-iac.project", tags.project.clone()),
        ("semantest-iac.environment", tags.environment.clone()),
        ("semantest-iac.component", tags.component.clone()),
        ("semantest-iac.address", tags.address.clone()),
    ];
    let mut arguments: Vec<String> = vec!["run".into(), "--rm".into(), "--name".into(), place.name.into()];
    for (label, value) in labels {
        arguments.extend(["--label".into(), format!("{label}={value}")]);
    }
    arguments.extend(["--publish".into(), format!("127.0.0.1:{}:{}", place.published, place.inside)]);
    arguments.extend(["--memory".into(), format!("{}m", definition.memory_mb)]);
    arguments.extend(["--cpus".into(), definition.cpu.to_string()]);
    for (name, value) in variables {
        let told = if is_heeded_by_engines(name) { format!("{name}={value}") } else { name.clone() };
        arguments.extend(["--env".into(), told]);
    }
    arguments.push(image.to_owned());
    arguments
}

/// Checks that what has to stand in the arguments may stand there.
///
/// # Errors
/// The variable that may not, and what to do.
pub(crate) fn check(definition: &ServiceDefinition) -> Result<(), String> {
    let variables = definition.environment_variables.iter();
    let mut secrets = variables.filter(|(_, value)| matches!(value, EnvironmentValue::Secret { .. }));
    match secrets.find(|(name, _)| is_heeded_by_engines(name)) {
        Some((name, _)) => Err(format!(
            "the container engine heeds a variable called `{name}` itself, so a container's cannot be a secret: give the secret \
             another name, or the variable a plain value"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_is_published_on_loopback_only_and_no_value_stands_in_its_arguments() {
        let definition: ServiceDefinition = serde_json::from_value(json!({
            "name": "shop-dev-web", "workload": { "is": "container", "image": "web:1", "port": 80, "engine": "docker" },
            "tags": { "project": "shop", "environment": "dev", "component": "web", "address": "service" },
            "cpu": 0.5, "memory_mb": 256, "min_replicas": 1, "max_replicas": 1, "health_check_path": "/",
            "environment_variables": {},
        }))
        .expect("a definition");
        let place = Place {
            name: "shop-dev-web-1",
            published: 20_001,
            inside: 80,
            state_dir: Path::new("/p/.semantest"),
        };
        let variables = [("PASSWORD", "canary"), ("PATH", "/bin"), ("PORT", "80")];
        let variables: Variables = variables.map(|(name, value)| (name.into(), value.into())).into();
        let arguments = arguments(&definition, "web:1", &place, &variables).join(" ");
        assert_eq!(
            arguments,
            "run --rm --name shop-dev-web-1 --label semantest-iac.host=/p/.semantest \
             --label semantest-iac.project=shop --label semantest-iac.environment=dev \
             --label semantest-iac.component=web --label semantest-iac.address=service \
             --publish 127.0.0.1:20001:80 --memory 256m --cpus 0.5 --env PASSWORD --env PATH=/bin --env PORT \
             web:1"
        );
    }
}
