//! From a blueprint to the resources that make it up on Azure. Pure: every name is known beforehand, but for the subscription
//! and what Azure makes up itself.

use std::collections::BTreeSet;

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::container_service::ContainerService;
use semantest_iac_core::domain::compute::function_layer::is_arn;
use semantest_iac_core::domain::deployment::resource::{Resource, ResourceRole};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, ApiProtocol};
use semantest_iac_core::ports::provider::ProviderSettings;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::hosting::Hosting;
use crate::package_description::PackageDescription;
use crate::{
    application_insights, container_app, container_environment, container_ingress, function, function_app,
    function_app_settings, ownership, package_upload, plan, resource_group, storage_account,
    storage_container, web_pubsub, web_pubsub_hub, workspace,
};

/// Azure's limit for tags on a storage account, less ours.
const TAGS: usize = 15 - 5;

/// The resources of `blueprint`.
pub(crate) fn lower(blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
    let region = settings.region.as_deref().ok_or_else(no_region)?;
    // The portal's names are known, too: `West Europe`.
    let region = region.replace(' ', "").to_ascii_lowercase();
    check_tags(blueprint)?;
    check_urls(blueprint)?;
    let mut resources = match (&blueprint.service, &blueprint.api) {
        (Some(service), _) => containers(blueprint, service, &region)?,
        (None, Some(api)) => functions(blueprint, api, &region)?,
        (None, None) => Vec::new(),
    };
    resources.push(resource_group::lower(blueprint, &region));
    ResourceGraph::new(resources)
}

fn functions(blueprint: &Blueprint, api: &ApiGateway, region: &str) -> Result<Vec<Resource>> {
    let hosting = blueprint.plan.unwrap_or_default();
    hosting.check(blueprint)?;
    check_functions(blueprint, api)?;
    let is_websocket = api.protocol == ApiProtocol::Websocket;
    let instances = hosting.instances(&blueprint.functions)?;
    let days = blueprint.functions.iter().find_map(|function| function.log_retention_days);
    let mut app = function_app::lower(blueprint, region, hosting, instances)?;
    app.role = (!is_websocket).then_some(ResourceRole::ApiGateway);
    let mut resources = vec![
        app,
        function_app_settings::lower(blueprint, region, hosting, is_websocket)?,
        storage_account::lower(blueprint, region),
        storage_container::lower(region),
        workspace::lower(blueprint, region, days.or(api.log_retention_days))?,
        application_insights::lower(blueprint, region),
        plan::lower(blueprint, region, hosting, instances.ready),
    ];
    resources.push(package_upload::lower(region, PackageDescription::of(blueprint, api, region)?));
    resources.extend(blueprint.functions.iter().map(|one| function::lower(blueprint, one, region)));
    if is_websocket {
        resources.extend([web_pubsub::lower(blueprint, region), web_pubsub_hub::lower(region)]);
    }
    Ok(resources)
}

fn containers(blueprint: &Blueprint, service: &ContainerService, region: &str) -> Result<Vec<Resource>> {
    if !service.security_groups.is_empty() {
        let text =
            "security_groups are AWS's: on Azure give a subnet, and rules to its network security group";
        return Err(invalid("security_groups", text.into()));
    }
    let subnet = match service.subnets.as_slice() {
        [] => None,
        [one] => Some(one.as_str()),
        _ => return Err(invalid("subnets", "a container environment takes one subnet on Azure".into())),
    };
    let mut resources = vec![
        workspace::lower(blueprint, region, service.log_retention_days)?,
        container_environment::lower(blueprint, region, subnet),
        container_app::lower(blueprint, service, region)?,
    ];
    resources.extend(
        blueprint
            .load_balancer
            .as_ref()
            .map(|balancer| container_ingress::lower(region, balancer.target_port)),
    );
    Ok(resources)
}

/// Lambda starts the runtime with the program that this variable names.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";
/// A function of Azure has the address of its app, and routes in it.
fn check_urls(blueprint: &Blueprint) -> Result<()> {
    let Some(function) = blueprint.functions.iter().find(|function| function.url.is_some()) else {
        return Ok(());
    };
    let field = match function.role == blueprint.component {
        true => "url".to_owned(),
        false => format!("functions.{}.url", function.role),
    };
    let text = format!(
        "`{field}`: Azure Functions share the address of their app and send responses whole. Give the function `routes`, and set \
         url = false for this environment ([environments.<name>.components.{}]); what has to stream needs AWS or a \
         container-service",
        blueprint.component
    );
    Err(invalid(&field, text))
}

/// What other clouds can and Azure Functions cannot.
fn check_functions(blueprint: &Blueprint, api: &ApiGateway) -> Result<()> {
    blueprint.functions.iter().try_for_each(|function| function.check_compiled("azure.lower"))?;
    if blueprint.functions.iter().any(|function| function.kms_key.is_some()) {
        let text = "kms_key is AWS's: Azure encrypts settings with keys of its own; leave it out for this environment";
        return Err(invalid("kms_key", text.into()));
    }
    for function in &blueprint.functions {
        if let Some(layer) = function.layers.iter().find(|layer| is_arn(&layer.source)) {
            let text = format!(
                "layer `{}` of function `{}` is published on AWS, where Azure cannot have it from: get its files (aws lambda \
                 get-layer-version-by-arn), and name that zip in `layers` for this environment",
                layer.source, function.role
            );
            return Err(invalid("layers", text));
        }
        if function.environment_variables.contains_key(WRAPPER) {
            let text = format!(
                "{WRAPPER} of function `{}` is Lambda's: nothing wraps a runtime on Azure; leave it out for this environment",
                function.role
            );
            return Err(invalid(&format!("environment_variables.{WRAPPER}"), text));
        }
    }
    let judged = api.jwt_authorizers.keys().chain(api.lambda_authorizers.keys()).next();
    if let Some(name) = judged {
        let text = format!(
            "authorizer `{name}`: Azure Functions have none in front of them. Turn on the function app's authentication (App \
             Service authentication) or put API Management before it, and take the authorizers out for this environment \
             ([environments.<name>.components.{component}] with authorizer = \"none\"); or judge in the function itself, by the \
             request's headers",
            component = blueprint.component
        );
        return Err(invalid(&format!("authorizers.{name}"), text));
    }
    if api.throttling.is_some() {
        let text = "throttling: Azure Functions limit how many run at once (reserved_concurrency), not how many come; \
                    leave it out for this environment";
        return Err(invalid("throttling", text.into()));
    }
    Ok(())
}

fn no_region() -> Error {
    let text =
        "no Azure region: set `region` of the environment in semantest.toml, or AZURE_DEFAULTS_LOCATION";
    Error::new(ErrorKind::InvalidProject, "azure.lower", text).with("field", "region")
}

fn invalid(field: &str, text: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "azure.lower", text).with("field", field)
}

/// Tags that Azure would refuse half-way.
///
/// Source: Azure Resource Manager documentation, "Use tags: limitations", and those of storage accounts.
fn check_tags(blueprint: &Blueprint) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (key, value) in &blueprint.tags {
        let low = key.to_ascii_lowercase();
        let why = match () {
            () if low.starts_with(ownership::PREFIX) => "begins with `semantest:`, which is ours",
            () if ["microsoft", "azure", "windows", "hidden-"].iter().any(|word| low.starts_with(word)) => {
                "begins with a word that Azure keeps for itself (microsoft, azure, windows, hidden-)"
            }
            () if key.is_empty() || key.chars().count() > 128 => "must be 1 to 128 characters long",
            () if value.chars().count() > 256 => "has a value of more than 256 characters",
            () if key.contains(['<', '>', '%', '&', '\\', '?', '/']) => r"may not hold any of < > % & \ ? /",
            () if key.chars().chain(value.chars()).any(char::is_control) => "may not hold control characters",
            () if !seen.insert(low) => {
                "differs from another one in capital letters only, which Azure does not tell apart"
            }
            () => continue,
        };
        let text = format!("tag `{}` {why}", key.escape_debug());
        return Err(invalid(&format!("tags.{key}"), text));
    }
    if blueprint.tags.len() > TAGS {
        let text = format!(
            "{} tags are too many: a storage account takes 15, and 5 of them are ours",
            blueprint.tags.len()
        );
        return Err(invalid("tags", text));
    }
    Ok(())
}
