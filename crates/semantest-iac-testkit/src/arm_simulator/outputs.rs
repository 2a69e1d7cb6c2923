//! What services add to what was put.

use serde_json::{Value, json};

use super::State;
use super::resource_types::ResourceType;

/// Settings of a function app that are given back with the app itself; all others are left out there, as Azure does.
const TOLD_WITH_SITE: [&str; 8] = [
    "numberOfWorkers",
    "linuxFxVersion",
    "acrUseManagedIdentityCreds",
    "alwaysOn",
    "http20Enabled",
    "functionAppScaleLimit",
    "minimumElasticInstanceCount",
    "netFrameworkVersion",
];

impl State {
    /// `sent` as the service keeps it; `before` is what was there.
    pub(super) fn completed(
        &self,
        kind: &ResourceType,
        id: &str,
        sent: &Value,
        before: Option<&Value>,
    ) -> Value {
        let name = id.rsplit('/').next().unwrap_or_default();
        let mut whole = sent.clone();
        whole["id"] = id.into();
        whole["name"] = name.into();
        whole["type"] = kind.name.into();
        if !whole["properties"].is_object() {
            whole["properties"] = json!({});
        }
        if let Some(done) = kind.done {
            whole["properties"]["provisioningState"] = done.into();
        }
        if kind.tracked && !whole["tags"].is_object() {
            whole["tags"] = json!({});
        }
        if let Some(before) = before {
            keep(&mut whole, before, &["identity"]);
        }
        self.add(kind.name, &mut whole, name, before);
        whole
    }

    fn add(&self, kind: &str, whole: &mut Value, name: &str, before: Option<&Value>) {
        match kind {
            "Microsoft.Storage/storageAccounts" => {
                let blob = match &self.blob_endpoint {
                    Some(endpoint) => format!("{endpoint}/{name}"),
                    None => format!("{}/{name}", self.blob_url),
                };
                whole["properties"]["primaryEndpoints"] = json!({ "blob": blob });
                whole["properties"]["primaryLocation"] = whole["location"].clone();
                whole["properties"]["creationTime"] = "2026-11-30T12:00:00.0000000Z".into();
                if whole["sku"].is_object() {
                    whole["sku"]["tier"] = "Standard".into();
                }
            }
            "Microsoft.Storage/storageAccounts/blobServices/containers" => {
                whole["etag"] = "\"0x8D0\"".into();
                whole["properties"]["leaseState"] = "Available".into();
                if whole["properties"]["publicAccess"].is_null() {
                    whole["properties"]["publicAccess"] = "None".into();
                }
            }
            "Microsoft.OperationalInsights/workspaces" => {
                whole["properties"]["customerId"] = uuid_of(name).into();
            }
            "Microsoft.Insights/components" => {
                let key = uuid_of(name);
                whole["properties"]["AppId"] = key.clone().into();
                whole["properties"]["ConnectionString"] = format!(
                    "InstrumentationKey={key};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/"
                )
                .into();
                whole["properties"]["InstrumentationKey"] = key.into();
            }
            "Microsoft.Web/serverfarms" => {
                whole["properties"]["status"] = "Ready".into();
                whole["properties"]["numberOfSites"] = 0.into();
            }
            "Microsoft.Web/sites" => self.add_to_site(whole, name),
            "Microsoft.SignalRService/webPubSub" => {
                whole["properties"]["hostName"] = format!("{name}.webpubsub.azure.com").into();
                whole["properties"]["publicPort"] = 443.into();
                whole["properties"]["serverPort"] = 443.into();
            }
            "Microsoft.App/managedEnvironments" => {
                let label: String = uuid_of(name).chars().take(8).collect();
                let location =
                    whole["location"].as_str().unwrap_or_default().to_ascii_lowercase().replace(' ', "");
                whole["properties"]["defaultDomain"] =
                    format!("{name}-{label}.{location}.azurecontainerapps.io").into();
                whole["properties"]["staticIp"] = "20.0.0.1".into();
            }
            "Microsoft.App/containerApps" => self.add_to_container_app(whole, name, before),
            _ => {}
        }
    }

    fn add_to_site(&self, whole: &mut Value, name: &str) {
        let host = self.function_host.clone().unwrap_or_else(|| format!("{name}.azurewebsites.net"));
        let properties = &mut whole["properties"];
        properties["defaultHostName"] = host.clone().into();
        properties["hostNames"] = json!([host]);
        properties["enabledHostNames"] = json!([host, format!("{name}.scm.azurewebsites.net")]);
        properties["state"] = "Running".into();
        properties["availabilityState"] = "Normal".into();
        if properties["enabled"].is_null() {
            properties["enabled"] = true.into();
        }
        let identity = &mut whole["identity"];
        if identity["type"].as_str().is_some_and(|text| text.contains("SystemAssigned")) {
            identity["principalId"] = uuid_of(&format!("principal {name}")).into();
            identity["tenantId"] = uuid_of("tenant").into();
        }
    }

    fn add_to_container_app(&self, whole: &mut Value, name: &str, before: Option<&Value>) {
        let environment = whole["properties"]["managedEnvironmentId"]
            .as_str()
            .or_else(|| whole["properties"]["environmentId"].as_str())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let domain =
            self.resources.get(&environment).map(|found| found["properties"]["defaultDomain"].clone());
        let domain = domain.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let label = |whole: &Value| {
            whole["properties"]["latestRevisionName"]
                .as_str()
                .and_then(|text| text.rsplit("--").next()?.parse::<u32>().ok())
        };
        let changed =
            before.is_none_or(|before| before["properties"]["template"] != whole["properties"]["template"]);
        let number = before.and_then(label).unwrap_or(0) + u32::from(changed);
        let properties = &mut whole["properties"];
        properties["latestRevisionName"] = format!("{name}--{number:07}").into();
        properties["latestReadyRevisionName"] = format!("{name}--{number:07}").into();
        if properties["configuration"]["ingress"].is_object() {
            let external = properties["configuration"]["ingress"]["external"] == Value::Bool(true);
            let inside = if external { "" } else { "internal." };
            let host = format!("{name}.{inside}{domain}");
            properties["configuration"]["ingress"]["fqdn"] = host.clone().into();
            properties["latestRevisionFqdn"] = format!("{name}--{number:07}.{inside}{domain}").into();
        }
    }

    /// As it is given back: without secrets, and a site without most of its settings.
    pub(super) fn told(kind: &ResourceType, resource: &Value) -> Value {
        let mut told = resource.clone();
        match kind.name {
            "Microsoft.Web/sites" => {
                if let Some(settings) = told["properties"]["siteConfig"].as_object_mut() {
                    settings.retain(|key, _| TOLD_WITH_SITE.contains(&key.as_str()));
                }
            }
            "Microsoft.App/containerApps" => {
                let secrets = told["properties"]["configuration"]["secrets"].as_array_mut();
                for secret in secrets.into_iter().flatten().filter_map(Value::as_object_mut) {
                    secret.remove("value");
                }
                let registries = told["properties"]["configuration"]["registries"].as_array_mut();
                for registry in registries.into_iter().flatten().filter_map(Value::as_object_mut) {
                    registry.entry("identity").or_insert_with(|| "".into());
                }
            }
            "Microsoft.App/managedEnvironments" => {
                let keys = told.pointer_mut("/properties/appLogsConfiguration/logAnalyticsConfiguration");
                if let Some(keys) = keys.and_then(Value::as_object_mut) {
                    keys.remove("sharedKey");
                }
            }
            _ => {}
        }
        told
    }
}

/// What `before` had under `keys` and `now` does not name stays.
fn keep(now: &mut Value, before: &Value, keys: &[&str]) {
    for key in keys {
        if now[*key].is_null() && !before[*key].is_null() {
            now[*key] = before[*key].clone();
        }
    }
    if let Some(map) = now.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
}

/// A UUID that is the same for the same text.
pub(super) fn uuid_of(text: &str) -> String {
    let number = |seed: u64| {
        text.bytes().fold(seed, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let digits = format!("{:016x}{:016x}", number(0xcbf2_9ce4_8422_2325), number(0x8422_2325_cbf2_9ce4));
    let part = |range: std::ops::Range<usize>| digits[range].to_owned();
    format!("{}-{}-4{}-8{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}
