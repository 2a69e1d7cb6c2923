//! `azure.container_app`: keeps its replicas running, moves them to new revisions, and takes the requests to them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clients::Clients;
use crate::container_environment;
use crate::container_size::ContainerSize;
use crate::environment_variables::{self, Settings};
use crate::function_app::address;
use crate::names;
use crate::patience::Patience;
use crate::resource_group;
use crate::resource_kind::{properties, read};
use crate::tracked::{Tracked, put_asked, put_told, same_id};

pub(crate) const WORD: &str = "azure.container_app";

/// Where to look, for whoever asks here.
pub(crate) const LOGS: &str = "logs of a container app are not read from here: ask its Log Analytics workspace \
    (table ContainerAppConsoleLogs_CL), or `az containerapp logs show`";
pub(crate) const ADDRESS: &str = "service";
pub(crate) const API_VERSION: &str = "2024-03-01";

/// How long a new revision may take until its replicas are well.
const ROLLOUT: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inputs {
    name: String,
    /// Id of the environment.
    environment: String,
    image: String,
    /// What the image's program is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    port: u16,
    /// Whether the world reaches it, or the environment only.
    external: bool,
    cpu: f64,
    memory: String,
    min_replicas: u32,
    max_replicas: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_cpu_percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health_check_path: Option<String>,
    #[serde(default)]
    environment_variables: Settings,
}

/// The service of `blueprint`.
///
/// # Errors
/// `InvalidInput` for what Container Apps does not run.
pub(crate) fn lower(blueprint: &Blueprint, service: &ContainerService, region: &str) -> Result<Resource> {
    let Some(image) = service.image.clone() else {
        let text = "a container-service needs an `image` on Azure: a command alone runs on this machine only";
        return Err(Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", "image"));
    };
    let size = ContainerSize::at_least(service.cpu, service.memory_mb.0)?;
    let balancer = blueprint.load_balancer.as_ref();
    let inputs = Inputs {
        name: names::container_app(blueprint),
        environment: Reference::text(&container_environment::ADDRESS.into(), "id"),
        image,
        command: service.command.clone(),
        port: balancer.map_or(service.port, |balancer| balancer.target_port),
        external: balancer.is_some(),
        cpu: size.cpu(),
        memory: size.memory(),
        min_replicas: service.replicas.min,
        max_replicas: service.replicas.max,
        target_cpu_percent: service.replicas.target_cpu_percent,
        health_check_path: balancer.map(|balancer| balancer.health_check_path.clone()),
        environment_variables: service.environment_variables.clone(),
    };
    let name = inputs.name.clone();
    let own = Value::Object(properties(&inputs));
    let mut resource = resource_group::member(blueprint, region, ADDRESS, WORD, name, own);
    resource.role = Some(ResourceRole::ContainerService);
    resource.replace_on.insert("environment".into());
    Ok(resource)
}

pub(crate) struct ContainerApp;

#[async_trait]
impl Tracked for ContainerApp {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = "Microsoft.App/containerApps";
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "container app";

    async fn body(&self, _azure: &Clients, change: &Change, _there: Option<&Value>) -> Result<Value> {
        let wanted: Inputs = read(&change.resource)?;
        let values: BTreeMap<String, String> =
            environment_variables::values(change, &wanted.environment_variables)?;
        let is_secret =
            |name: &str| matches!(wanted.environment_variables.get(name), Some(SettingValue::Secret(_)));
        let secrets = values.iter().filter(|(name, _)| is_secret(name));
        let secrets = secrets.map(|(name, value)| json!({ "name": secret_name(name), "value": value }));
        let variables = values.iter().map(|(name, value)| match is_secret(name) {
            true => json!({ "name": name, "secretRef": secret_name(name) }),
            false => json!({ "name": name, "value": value }),
        });
        Ok(json!({ "properties": {
            "environmentId": wanted.environment,
            "configuration": {
                "activeRevisionsMode": "Single", "secrets": secrets.collect::<Vec<_>>(),
                "ingress": {
                    "external": wanted.external, "targetPort": wanted.port, "transport": "auto", "allowInsecure": false,
                    "traffic": [{ "latestRevision": true, "weight": 100 }],
                },
            },
            "template": {
                "containers": [container(&wanted, variables.collect())],
                "scale": scale(&wanted),
            },
        }}))
    }

    async fn inputs(&self, azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let app = &found["properties"];
        let container = &app["template"]["containers"][0];
        let ingress = &app["configuration"]["ingress"];
        let scale = &app["template"]["scale"];
        let environment = match &app["environmentId"] {
            Value::Null => &app["managedEnvironmentId"],
            id => id,
        };
        let rules = scale["rules"].as_array().into_iter().flatten();
        let target = rules.filter(|rule| rule["custom"]["type"] == "cpu").find_map(|rule| {
            rule["custom"]["metadata"]["value"].as_str().and_then(|text| text.parse::<u8>().ok())
        });
        let probe = container["probes"].as_array().into_iter().flatten().next();
        let mut inputs = Properties::new();
        for (key, value) in [
            ("environment", same_id(asked, "environment", environment)),
            ("image", container["image"].clone()),
            ("port", ingress["targetPort"].clone()),
            ("external", ingress["external"].clone()),
            ("cpu", container["resources"]["cpu"].clone()),
            ("memory", container["resources"]["memory"].clone()),
            ("min_replicas", scale["minReplicas"].clone()),
            ("max_replicas", scale["maxReplicas"].clone()),
        ] {
            put_asked(&mut inputs, asked, key, value);
        }
        for (key, value) in [
            ("command", container["args"].clone()),
            ("target_cpu_percent", json!(target)),
            ("health_check_path", probe.map(|probe| probe["httpGet"]["path"].clone()).unwrap_or_default()),
        ] {
            put_told(&mut inputs, asked, key, value);
        }
        let variables = variables_found(azure, asked, found).await?;
        inputs.insert("environment_variables".into(), json!(variables));
        Ok(inputs)
    }

    fn outputs(&self, azure: &Clients, id: &str, found: &Value) -> Properties {
        let host = found["properties"]["configuration"]["ingress"]["fqdn"].as_str();
        properties(&json!({
            "arn": id, "service_name": found["name"], "endpoint": host.map(|host| address(azure, host)),
        }))
    }

    /// The call is done when the app is written down; its replicas come later.
    async fn settled(&self, azure: &Clients, id: &str, found: Value) -> Result<Value> {
        let mut patience =
            Patience::new(format!("replicas of `{}` to be well", crate::tracked::name_in(id)), ROLLOUT)
                .pauses(Duration::from_millis(500), Duration::from_secs(5));
        let mut found = found;
        loop {
            let app = &found["properties"];
            let (latest, ready) =
                (app["latestRevisionName"].as_str(), app["latestReadyRevisionName"].as_str());
            let Some(latest) = latest.filter(|latest| !latest.is_empty() && Some(*latest) != ready) else {
                return Ok(found);
            };
            let path = format!("{id}/revisions/{latest}");
            let Some(revision) = azure.arm.get(&path, API_VERSION).await? else { return Ok(found) };
            let revision = &revision["properties"];
            let says = |key: &str, words: &[&str]| {
                revision[key]
                    .as_str()
                    .is_some_and(|said| words.iter().any(|word| word.eq_ignore_ascii_case(said)))
            };
            if says("provisioningState", &["Failed"]) || says("runningState", &["Failed", "Degraded"]) {
                return Err(not_well(latest, revision));
            }
            if says("healthState", &["Healthy"]) || says("runningState", &["Running", "RunningAtMaxScale"]) {
                return Ok(found);
            }
            patience.pause().await?;
            found = azure.arm.get(id, API_VERSION).await?.unwrap_or(found);
        }
    }
}

fn not_well(name: &str, revision: &Value) -> Error {
    let why = ["provisioningError", "runningStateDetails"].iter().find_map(|key| revision[*key].as_str());
    let text = format!(
        "revision `{name}` does not run: {}; look at its image, port and health_check_path",
        why.unwrap_or("Azure does not say why")
    );
    Error::new(ErrorKind::Provider, "azure.container_app", text).with("revision", name)
}

/// Secrets have small letters, digits and dashes only; two variables never share one.
fn secret_name(variable: &str) -> String {
    let digest = hex::encode(Sha256::digest(variable.as_bytes()));
    let plain = variable.to_ascii_lowercase().replace('_', "-");
    let plain: String = plain.chars().take(40).collect();
    let plain = plain.trim_matches('-');
    format!("{}-{}", if plain.is_empty() { "v" } else { plain }, &digest[..8])
}

fn container(wanted: &Inputs, variables: Vec<Value>) -> Value {
    let mut container = json!({
        "name": "main", "image": wanted.image, "env": variables,
        "resources": { "cpu": wanted.cpu, "memory": wanted.memory },
    });
    if let Some(command) = &wanted.command {
        container["args"] = json!(command);
    }
    if let Some(path) = &wanted.health_check_path {
        container["probes"] = json!([{
            "type": "Readiness", "httpGet": { "path": path, "port": wanted.port }, "periodSeconds": 10,
            "failureThreshold": 3,
        }]);
    }
    container
}

fn scale(wanted: &Inputs) -> Value {
    let rules = wanted.target_cpu_percent.map(|percent| {
        json!([{
            "name": "cpu",
            "custom": { "type": "cpu", "metadata": { "type": "Utilization", "value": percent.to_string() } },
        }])
    });
    json!({
        "minReplicas": wanted.min_replicas, "maxReplicas": wanted.max_replicas,
        "rules": rules.unwrap_or_else(|| json!([])),
    })
}

/// Variables as found; the values of secrets are asked for, since an app tells their names only.
async fn variables_found(azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Settings> {
    let wanted: Option<Inputs> = read(asked).ok();
    let listed = found["properties"]["template"]["containers"][0]["env"].as_array().into_iter().flatten();
    let listed: Vec<&Value> = listed.collect();
    let mut secrets = BTreeMap::new();
    if listed.iter().any(|one| one["secretRef"].is_string()) {
        let id = found["id"].as_str().unwrap_or_default();
        let all = azure.arm.post(&format!("{id}/listSecrets"), API_VERSION, None, None).await?;
        for secret in all["value"].as_array().into_iter().flatten() {
            let text = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
            secrets.insert(text("name"), text("value"));
        }
    }
    let mut variables = Settings::new();
    for one in listed {
        let name = one["name"].as_str().unwrap_or_default();
        let value = match one["secretRef"].as_str() {
            Some(secret) => secrets.get(secret).map(String::as_str).unwrap_or_default(),
            None => one["value"].as_str().unwrap_or_default(),
        };
        let asked = wanted.as_ref().and_then(|wanted| wanted.environment_variables.get(name));
        variables.insert(
            name.to_owned(),
            match (one["secretRef"].as_str(), asked) {
                // Whose value nobody may see.
                (Some(secret), None | Some(SettingValue::Plain(_))) => {
                    SettingValue::Plain(format!("(secret `{secret}`)"))
                }
                _ => environment_variables::as_setting(azure, asked, value).await?,
            },
        );
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::secret_name;

    #[test]
    fn secrets_are_called_as_azure_takes_it_and_stay_apart() {
        for (one, other) in [("DB_PASSWORD", "DB-PASSWORD"), ("_", "__"), ("a", "A")] {
            assert_ne!(secret_name(one), secret_name(other));
        }
        let name = secret_name("_DB_PASSWORD");
        assert!(name.starts_with("db-password-"), "{name}");
    }
}
