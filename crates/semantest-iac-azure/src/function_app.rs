//! `azure.function_app`: what runs a component's functions. Its settings are a resource of their own, since they change with
//! every package.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::domain::networking::api_gateway::Cors;
use semantest_iac_core::ports::provider::{Change, ResourceHandle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::function_runtime::FunctionRuntime;
use crate::hosting::{Hosting, Instances};
use crate::names;
use crate::resource_group;
use crate::resource_kind::{properties, read};
use crate::storage_access::StorageAccess;
use crate::tracked::{Tracked, put_asked, same_id};
use crate::{plan, storage_account, storage_container};

pub(crate) const WORD: &str = "azure.function_app";
pub(crate) const ADDRESS: &str = "function_app";
pub(crate) const ARM_TYPE: &str = "Microsoft.Web/sites";
pub(crate) const API_VERSION: &str = "2023-12-01";

/// The setting by which a Flex Consumption app reaches its package.
pub(crate) const DEPLOYMENT_STORAGE: &str = "DEPLOYMENT_STORAGE_CONNECTION_STRING";

/// Source: Azure Functions documentation, "Flex Consumption plan": instances at most, where nothing else is said.
const FLEX_INSTANCES: u32 = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Inputs {
    pub name: String,
    /// Id of the plan.
    pub plan: String,
    pub hosting: HostingPlan,
    pub runtime: String,
    /// Memory of an instance, where that is a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u32>,
    /// Most instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_instances: Option<u32>,
    /// Instances that are always ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_instances: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<AppCors>,
    /// As whom the app calls other services of Azure: `SystemAssigned`.
    pub identity: String,
    pub https_only: bool,
    /// Whether code may be brought in by FTP; Flex Consumption knows no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ftps: Option<String>,
    pub minimum_tls: String,
    /// Id of the storage account, where the app needs it to come into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Address of the container that it takes its package from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// What the platform answers browsers for the app. Which methods and headers are asked for, it takes as they come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AppCors {
    pub origins: Vec<String>,
    pub credentials: bool,
}

impl AppCors {
    fn of(cors: &Cors) -> Self {
        Self { origins: cors.allow_origins.clone(), credentials: cors.allow_credentials }
    }
}

/// The app of `blueprint` on a plan of that kind.
///
/// # Errors
/// `InvalidInput` for what the plan cannot do.
pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    hosting: HostingPlan,
    instances: Instances,
) -> Result<Resource> {
    let runtime = blueprint.functions.first().map(|one| one.runtime.clone()).unwrap_or_default();
    FunctionRuntime::of(&runtime, hosting)?;
    let is_flex = hosting == HostingPlan::FlexConsumption;
    let cors = blueprint.api.as_ref().and_then(|api| api.cors.as_ref());
    let inputs = Inputs {
        // Sites are known to the whole world by their names.
        name: names::unique(blueprint, region, 60),
        plan: Reference::text(&plan::address(hosting), "id"),
        hosting,
        runtime,
        memory_mb: hosting.memory_mb(&blueprint.functions)?,
        most_instances: instances.most,
        ready_instances: instances.ready,
        cors: cors.map(AppCors::of),
        identity: "SystemAssigned".into(),
        https_only: true,
        ftps: (!is_flex).then(|| "Disabled".into()),
        minimum_tls: "1.2".into(),
        storage: is_flex.then(|| Reference::text(&storage_account::ADDRESS.into(), "id")),
        container: is_flex.then(|| Reference::text(&storage_container::ADDRESS.into(), "url")),
    };
    let name = inputs.name.clone();
    let own = Value::Object(properties(&inputs));
    let mut resource = resource_group::member(blueprint, region, ADDRESS, WORD, name, own);
    // Another kind of plan is nothing that an app can move to.
    resource.replace_on.insert("hosting".into());
    Ok(resource)
}

pub(crate) struct FunctionApp;

#[async_trait]
impl Tracked for FunctionApp {
    const WORD: &'static str = WORD;
    const ARM_TYPE: &'static str = ARM_TYPE;
    const API_VERSION: &'static str = API_VERSION;
    const NOUN: &'static str = "function app";
    /// The plan is ours to take away, and is so next.
    const DELETION: &'static str = "?deleteEmptyServerFarm=false";

    async fn body(&self, azure: &Clients, change: &Change, there: Option<&Value>) -> Result<Value> {
        let wanted: Inputs = read(&change.resource)?;
        let runtime = FunctionRuntime::of(&wanted.runtime, wanted.hosting)?;
        let mut site = json!({
            "serverFarmId": wanted.plan, "httpsOnly": wanted.https_only, "clientAffinityEnabled": false,
            "siteConfig": site_config(&wanted, &runtime),
        });
        if wanted.hosting == HostingPlan::FlexConsumption {
            site["functionAppConfig"] = flex_config(&wanted, &runtime);
            if let (None, Some(account), Some(container)) = (there, &wanted.storage, &wanted.container) {
                // Without these it does not come into being; from then on they are among its settings.
                let access = StorageAccess::of(azure, account, container).await?;
                let connection = access.connection_string(azure);
                let setting = |name: &str| json!({ "name": name, "value": connection });
                site["siteConfig"]["appSettings"] =
                    [setting("AzureWebJobsStorage"), setting(DEPLOYMENT_STORAGE)].into();
            }
        }
        if wanted.hosting != HostingPlan::FlexConsumption {
            // Linux.
            site["reserved"] = true.into();
        }
        Ok(json!({
            "kind": "functionapp,linux", "identity": { "type": wanted.identity }, "properties": site,
        }))
    }

    async fn inputs(&self, azure: &Clients, asked: &ResourceHandle, found: &Value) -> Result<Properties> {
        let (site, identity) = (&found["properties"], &found["identity"]["type"]);
        // An app tells little of its configuration itself.
        let id = found["id"].as_str().unwrap_or_default();
        let whole = azure.arm.get(&format!("{id}/config/web"), API_VERSION).await?;
        let whole = whole.map(|whole| whole["properties"].clone()).unwrap_or_default();
        let config = |key: &str| match &whole[key] {
            Value::Null => site["siteConfig"][key].clone(),
            value => value.clone(),
        };
        let mut inputs = Properties::new();
        let mut found = vec![
            ("plan", same_id(asked, "plan", &site["serverFarmId"])),
            ("identity", if identity.is_null() { "None".into() } else { identity.clone() }),
            ("https_only", site["httpsOnly"].clone()),
            ("ftps", config("ftpsState")),
            ("minimum_tls", config("minTlsVersion")),
            ("cors", if whole.is_null() { Value::Null } else { cors_found(&config("cors")) }),
        ];
        found.extend(scale_found(asked, site, &config));
        for (key, value) in found {
            put_asked(&mut inputs, asked, key, value);
        }
        Ok(inputs)
    }

    fn outputs(&self, azure: &Clients, id: &str, found: &Value) -> Properties {
        let host = found["properties"]["defaultHostName"].as_str().unwrap_or_default();
        properties(&json!({
            "arn": id, "api_id": found["name"], "app_name": found["name"], "endpoint": address(azure, host),
            "principal_id": found["identity"]["principalId"],
        }))
    }
}

/// Where a host is called: an emulator's on this machine has no certificate.
pub(crate) fn address(azure: &Clients, host: &str) -> String {
    let name = host.split(':').next().unwrap_or_default();
    let is_here = name == "127.0.0.1" || name == "localhost" || name.ends_with(".localhost");
    let emulated = azure.settings().endpoint.is_some();
    format!("{}://{host}", if is_here && emulated { "http" } else { "https" })
}

fn site_config(wanted: &Inputs, runtime: &FunctionRuntime) -> Value {
    let mut config = json!({
        "minTlsVersion": wanted.minimum_tls, "http20Enabled": true, "cors": cors_wanted(wanted.cors.as_ref()),
    });
    if let Some(ftps) = &wanted.ftps {
        config["ftpsState"] = ftps.as_str().into();
    }
    if wanted.hosting != HostingPlan::FlexConsumption {
        config["linuxFxVersion"] = runtime.linux_fx_version().into();
        // 0 is no limit.
        config["functionAppScaleLimit"] = wanted.most_instances.unwrap_or(0).into();
    }
    if wanted.hosting == HostingPlan::Premium {
        config["minimumElasticInstanceCount"] = wanted.ready_instances.unwrap_or(0).into();
    }
    config
}

fn cors_wanted(cors: Option<&AppCors>) -> Value {
    let cors = cors.cloned().unwrap_or_default();
    json!({ "allowedOrigins": cors.origins, "supportCredentials": cors.credentials })
}

fn cors_found(found: &Value) -> Value {
    let origins = found["allowedOrigins"].as_array().cloned().unwrap_or_default();
    json!({ "origins": origins, "credentials": found["supportCredentials"].as_bool().unwrap_or(false) })
}

fn flex_config(wanted: &Inputs, runtime: &FunctionRuntime) -> Value {
    let ready = wanted.ready_instances.map(|count| json!([{ "name": "http", "instanceCount": count }]));
    json!({
        "deployment": { "storage": {
            "type": "blobContainer", "value": wanted.container,
            "authentication": {
                "type": "StorageAccountConnectionString", "storageAccountConnectionStringName": DEPLOYMENT_STORAGE,
            },
        }},
        "runtime": { "name": runtime.worker, "version": runtime.version },
        "scaleAndConcurrency": {
            "maximumInstanceCount": wanted.most_instances.unwrap_or(FLEX_INSTANCES),
            "instanceMemoryMB": wanted.memory_mb, "alwaysReady": ready.unwrap_or_else(|| json!([])),
        },
    })
}

/// Runtime and instances as found; what says the same as was asked is given as it was asked.
fn scale_found(
    asked: &ResourceHandle,
    site: &Value,
    config: &dyn Fn(&str) -> Value,
) -> Vec<(&'static str, Value)> {
    let Ok(wanted) = read::<Inputs>(asked) else { return Vec::new() };
    let Ok(runtime) = FunctionRuntime::of(&wanted.runtime, wanted.hosting) else { return Vec::new() };
    let as_asked = |found: Value, same: Value| if found == same { json!(wanted.runtime) } else { found };
    if wanted.hosting == HostingPlan::FlexConsumption {
        let flex = &site["functionAppConfig"];
        let scale = &flex["scaleAndConcurrency"];
        let same = json!({ "name": runtime.worker, "version": runtime.version });
        return vec![
            ("runtime", as_asked(flex["runtime"].clone(), same)),
            ("memory_mb", whole(&scale["instanceMemoryMB"])),
            ("most_instances", whole(&scale["maximumInstanceCount"])),
            ("ready_instances", ready_found(&scale["alwaysReady"])),
        ];
    }
    vec![
        ("runtime", as_asked(config("linuxFxVersion"), runtime.linux_fx_version().into())),
        ("most_instances", config("functionAppScaleLimit")),
        ("ready_instances", config("minimumElasticInstanceCount")),
    ]
}

/// Instances of the first group; none where the list is empty.
fn ready_found(groups: &Value) -> Value {
    match groups.as_array().map(Vec::as_slice) {
        Some([]) => json!(0),
        Some([group, ..]) => whole(&group["instanceCount"]),
        None => Value::Null,
    }
}

/// Numbers may come back with a point.
fn whole(found: &Value) -> Value {
    match found.as_f64() {
        Some(number) if number >= 0.0 && number.fract() == 0.0 => json!(number as u64),
        _ => found.clone(),
    }
}
