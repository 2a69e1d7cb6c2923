//! Every kind of resource there is on AWS.

use crate::api_stage::ApiStage;
use crate::container_service::ContainerService;
use crate::ecs_cluster::EcsCluster;
use crate::function::Function;
use crate::function_alias::FunctionAlias;
use crate::function_layer::Layer;
use crate::function_permission::FunctionPermission;
use crate::function_url::FunctionUrl;
use crate::http_api::HTTP_API;
use crate::iam_role::IamRole;
use crate::iam_role_policy::IamRolePolicy;
use crate::listener::Listener;
use crate::load_balancer::LoadBalancer;
use crate::log_group::LogGroup;
use crate::resource_kind::ResourceKind;
use crate::scaling_policy::ScalingPolicy;
use crate::scaling_target::ScalingTarget;
use crate::security_group::SecurityGroup;
use crate::target_group::TargetGroup;
use crate::task_definition::TaskDefinition;
use crate::websocket_api::WEBSOCKET_API;

/// All of them.
pub(crate) const KINDS: &[&dyn ResourceKind] = &[
    &ApiStage,
    &ContainerService,
    &EcsCluster,
    &Function,
    &FunctionAlias,
    &FunctionPermission,
    &FunctionUrl,
    &HTTP_API,
    &IamRole,
    &IamRolePolicy,
    &Layer,
    &Listener,
    &LoadBalancer,
    &LogGroup,
    &ScalingPolicy,
    &ScalingTarget,
    &SecurityGroup,
    &TargetGroup,
    &TaskDefinition,
    &WEBSOCKET_API,
];
