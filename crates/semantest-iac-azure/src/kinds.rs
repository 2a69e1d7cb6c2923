//! Every kind of resource there is on Azure.

use crate::application_insights::ApplicationInsights;
use crate::container_app::ContainerApp;
use crate::container_environment::ContainerEnvironment;
use crate::container_ingress::ContainerIngress;
use crate::function::Function;
use crate::function_app::FunctionApp;
use crate::function_app_settings::FunctionAppSettings;
use crate::package_upload::Package;
use crate::plan::Plan;
use crate::resource_group::ResourceGroup;
use crate::resource_kind::ResourceKind;
use crate::storage_account::StorageAccount;
use crate::storage_container::StorageContainer;
use crate::web_pubsub::WebPubSub;
use crate::web_pubsub_hub::WebPubSubHub;
use crate::workspace::Workspace;

/// All of them.
pub(crate) const KINDS: &[&dyn ResourceKind] = &[
    &ApplicationInsights,
    &ContainerApp,
    &ContainerEnvironment,
    &ContainerIngress,
    &Function,
    &FunctionApp,
    &FunctionAppSettings,
    &Package,
    &Plan,
    &ResourceGroup,
    &StorageAccount,
    &StorageContainer,
    &WebPubSub,
    &WebPubSubHub,
    &Workspace,
];
