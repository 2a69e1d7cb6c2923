//! `azure.function_app_settings`: all settings of a function app. What is secret among them is read when it is needed and kept
//! nowhere of ours; that it is still what it has to be is told by `connections`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::ports::provider::{Applied, Change, Observed, Operation, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clients::Clients;
use crate::environment_variables::{self, Settings};
use crate::function_app::{self, API_VERSION, DEPLOYMENT_STORAGE};
use crate::function_runtime::FunctionRuntime;
use crate::resource_kind::{ResourceKind, properties, read};
use crate::storage_access::StorageAccess;
use crate::{
    application_insights, names, package_upload, storage_account, storage_container, web_pubsub,
    web_pubsub_hub,
};

pub(crate) const WORD: &str = "azure.function_app_settings";
pub(crate) const ADDRESS: &str = "function_app.settings";

const PACKAGE: &str = "WEBSITE_RUN_FROM_PACKAGE";
const STORAGE: &str = "AzureWebJobsStorage";
const INSIGHTS: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
const CONTENT_STORAGE: &str = "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING";
const CONTENT_SHARE: &str = "WEBSITE_CONTENTSHARE";
const PUBSUB: &str = "SEMANTEST_WEB_PUBSUB_CONNECTION_STRING";
const PUBSUB_HUB: &str = "SEMANTEST_WEB_PUBSUB_HUB";

/// That all settings that give access do give it.
const CURRENT: &str = "current";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inputs {
    region: String,
    /// Id of the app.
    app: String,
    hosting: HostingPlan,
    runtime: String,
    /// Id of the storage account.
    storage: String,
    /// Address of the container of packages.
    container: String,
    /// What the package is called.
    blob: String,
    /// Id of the Application Insights component.
    insights: String,
    /// Id of the Web PubSub service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    web_pubsub: Option<String>,
    /// What the app keeps its files in, where it needs that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    connections: String,
    #[serde(default)]
    environment_variables: Settings,
}

/// The settings of the app of `blueprint`.
///
/// # Errors
/// `InvalidInput` where its functions cannot share them.
pub(crate) fn lower(
    blueprint: &Blueprint,
    region: &str,
    hosting: HostingPlan,
    is_websocket: bool,
) -> Result<Resource> {
    let reference = |address: &str, output: &str| Reference::text(&address.into(), output);
    let inputs = Inputs {
        region: region.to_owned(),
        app: reference(function_app::ADDRESS, "arn"),
        hosting,
        runtime: blueprint.functions.first().map(|one| one.runtime.clone()).unwrap_or_default(),
        storage: reference(storage_account::ADDRESS, "id"),
        container: reference(storage_container::ADDRESS, "url"),
        blob: reference(package_upload::ADDRESS, "blob"),
        insights: reference(application_insights::ADDRESS, "id"),
        web_pubsub: is_websocket.then(|| reference(web_pubsub::ADDRESS, "id")),
        share: (hosting == HostingPlan::Premium).then(|| names::in_group(blueprint, 63)),
        connections: CURRENT.into(),
        environment_variables: environment_variables::together(&blueprint.functions)?.settings,
    };
    let mut resource = Resource::new(ADDRESS, WORD, properties(&inputs));
    resource.replace_on.insert("app".into());
    Ok(resource)
}

pub(crate) struct FunctionAppSettings;

#[async_trait]
impl ResourceKind for FunctionAppSettings {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, azure: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let list = format!("{}/config/appsettings/list", asked.app);
        let found = match azure.arm.post(&list, API_VERSION, None, None).await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found: BTreeMap<String, String> =
            serde_json::from_value(found["properties"].clone()).unwrap_or_default();
        let mut variables = Settings::new();
        for (name, value) in found.iter().filter(|(name, _)| !environment_variables::is_reserved(name)) {
            let wanted = asked.environment_variables.get(name);
            variables.insert(name.clone(), environment_variables::as_setting(azure, wanted, value).await?);
        }
        let mut inputs = properties(&json!({ "app": asked.app, "environment_variables": variables }));
        inputs.extend(platform_found(azure, &asked, &found).await?);
        Ok(Some(Observed { id: id(&asked), inputs, outputs: Properties::new() }))
    }

    async fn apply(&self, azure: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let access = StorageAccess::of(azure, &wanted.storage, &wanted.container).await?;
        let mut settings = platform_wanted(azure, &wanted, &access).await?;
        let package = access.address_of(&wanted.blob)?;
        if wanted.hosting != HostingPlan::FlexConsumption {
            settings.insert(PACKAGE.into(), package.clone());
        }
        let variables: BTreeMap<String, String> =
            environment_variables::values(change, &wanted.environment_variables)?;
        settings.extend(variables);
        let body = json!({ "properties": settings });
        let path = format!("{}/config/appsettings", wanted.app);
        azure.arm.put(&path, API_VERSION, &body, operation).await?;
        if wanted.hosting == HostingPlan::FlexConsumption {
            let body = json!({ "properties": { "packageUri": package, "remoteBuild": false } });
            let path = format!("{}/extensions/onedeploy", wanted.app);
            azure.arm.put(&path, API_VERSION, &body, operation).await?;
        }
        // The platform starts the app for triggers that it knows of: it has to be told that there may be others now.
        let path = format!("{}/syncfunctiontriggers", wanted.app);
        azure.arm.post(&path, API_VERSION, None, Some(operation)).await.map_err(starting)?;
        Ok(Applied { id: id(&wanted), outputs: Properties::new(), adopted: false })
    }

    /// They go with their app, which is deleted next.
    async fn delete(
        &self,
        _azure: &Clients,
        _resource: &ResourceHandle,
        _operation: &Operation,
    ) -> Result<()> {
        Ok(())
    }
}

/// A host that has just been given its settings restarts and may not answer yet.
fn starting(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Provider if crate::error::is(&error, &["BadRequest", "BadGateway"]) => error.retry_later(),
        _ => error,
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}/config/appsettings", inputs.app)
}

/// What the platform has to be told, beside the package.
async fn platform_wanted(
    azure: &Clients,
    wanted: &Inputs,
    access: &StorageAccess,
) -> Result<BTreeMap<String, String>> {
    let insights = application_insights::connection_string(azure, &wanted.insights).await?;
    let connection = access.connection_string(azure);
    let mut settings = plain_settings(wanted)?;
    settings.insert(STORAGE.into(), connection.clone());
    settings.insert(INSIGHTS.into(), insights);
    if wanted.hosting == HostingPlan::FlexConsumption {
        settings.insert(DEPLOYMENT_STORAGE.into(), connection.clone());
    }
    if wanted.share.is_some() {
        settings.insert(CONTENT_STORAGE.into(), connection);
    }
    if let Some(service) = &wanted.web_pubsub {
        settings.insert(PUBSUB.into(), web_pubsub::connection_string(azure, service).await?);
    }
    Ok(settings)
}

/// Those that give access to nothing.
fn plain_settings(wanted: &Inputs) -> Result<BTreeMap<String, String>> {
    let runtime = FunctionRuntime::of(&wanted.runtime, wanted.hosting)?;
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    // Otherwise `/` would be Microsoft's page.
    settings.insert("AzureWebJobsDisableHomepage".into(), "true".into());
    if wanted.hosting != HostingPlan::FlexConsumption {
        settings.insert("FUNCTIONS_EXTENSION_VERSION".into(), "~4".into());
        settings.insert("FUNCTIONS_WORKER_RUNTIME".into(), runtime.worker.into());
    }
    if runtime.worker == "python" {
        // One for each request that waits for its function.
        settings.insert("PYTHON_THREADPOOL_THREAD_COUNT".into(), "32".into());
    }
    if let Some(share) = &wanted.share {
        settings.insert(CONTENT_SHARE.into(), share.clone());
    }
    if wanted.web_pubsub.is_some() {
        settings.insert(PUBSUB_HUB.into(), web_pubsub_hub::NAME.into());
    }
    Ok(settings)
}

/// What is there of that, under the names of the inputs.
async fn platform_found(
    azure: &Clients,
    asked: &Inputs,
    found: &BTreeMap<String, String>,
) -> Result<Properties> {
    let text = |name: &str| found.get(name).map(String::as_str).unwrap_or_default();
    let access = there(StorageAccess::of(azure, &asked.storage, &asked.container).await)?;
    let mut stale = stale_storage(asked, access.as_ref(), &text);
    let insights = there(application_insights::connection_string(azure, &asked.insights).await)?;
    stale.extend((insights.as_deref() != Some(text(INSIGHTS))).then_some(INSIGHTS));
    if let Some(service) = &asked.web_pubsub {
        let connection = there(web_pubsub::connection_string(azure, service).await)?;
        stale.extend((connection.as_deref() != Some(text(PUBSUB))).then_some(PUBSUB));
    }
    let plain = plain_settings(asked)?;
    stale.extend(plain.iter().filter(|(name, value)| text(name) != *value).map(|(name, _)| name.as_str()));
    let told = match stale.is_empty() {
        true => CURRENT.to_owned(),
        false => format!("not as they have to be: {}", stale.join(", ")),
    };
    let mut inputs = properties(&json!({ "connections": told }));
    if asked.hosting != HostingPlan::FlexConsumption {
        let address = text(PACKAGE).split('?').next().unwrap_or_default();
        let blob = address.strip_prefix(asked.container.as_str()).map(|blob| blob.trim_start_matches('/'));
        inputs.insert("blob".into(), blob.unwrap_or(address).into());
    }
    Ok(inputs)
}

/// What was asked for; nothing where whom it was asked of is gone.
fn there<T>(asked: Result<T>) -> Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unavailable) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The settings that ought to give access to the storage account and do not.
fn stale_storage<'a>(
    asked: &Inputs,
    access: Option<&StorageAccess>,
    text: &impl Fn(&str) -> &'a str,
) -> Vec<&'static str> {
    let is_flex = asked.hosting == HostingPlan::FlexConsumption;
    let mut names = vec![STORAGE];
    names.extend(is_flex.then_some(DEPLOYMENT_STORAGE));
    names.extend(asked.share.as_ref().map(|_| CONTENT_STORAGE));
    names.retain(|name| !access.is_some_and(|access| access.is_connection_string(text(name))));
    let is_good = access.is_some_and(|access| access.is_good(text(PACKAGE)));
    names.extend((!is_flex && !is_good).then_some(PACKAGE));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(runtime: &str, hosting: HostingPlan) -> Inputs {
        let whole = json!({
            "region": "x", "app": "/a", "hosting": hosting, "runtime": runtime, "storage": "/s", "container": "https://c",
            "blob": "b.zip", "insights": "/i", "connections": CURRENT,
        });
        serde_json::from_value::<Inputs>(whole).expect("inputs")
    }

    #[test]
    fn the_host_is_told_what_it_runs() {
        let settings = plain_settings(&inputs("nodejs20.x", HostingPlan::Consumption)).expect("known");
        assert_eq!(settings["FUNCTIONS_EXTENSION_VERSION"], "~4");
        assert_eq!(settings["FUNCTIONS_WORKER_RUNTIME"], "node");
        let of_flex = plain_settings(&inputs("python3.13", HostingPlan::FlexConsumption)).expect("known");
        assert!(!of_flex.contains_key("FUNCTIONS_WORKER_RUNTIME"), "Flex Consumption refuses it");
    }

    #[test]
    fn all_that_the_platform_is_told_is_no_variable_of_the_users() {
        let known = [
            PACKAGE,
            STORAGE,
            INSIGHTS,
            CONTENT_STORAGE,
            CONTENT_SHARE,
            PUBSUB,
            PUBSUB_HUB,
            DEPLOYMENT_STORAGE,
        ];
        assert!(known.into_iter().all(environment_variables::is_reserved));
        let plain = plain_settings(&inputs("python3.12", HostingPlan::Consumption)).expect("known");
        assert!(plain.keys().all(|name| environment_variables::is_reserved(name)), "{plain:?}");
    }
}
