//! Every kind of resource there is on AWS.

use crate::api_stage::ApiStage;
use crate::function::Function;
use crate::function_alias::FunctionAlias;
use crate::function_permission::FunctionPermission;
use crate::http_api::HttpApi;
use crate::iam_role::IamRole;
use crate::iam_role_policy::IamRolePolicy;
use crate::log_group::LogGroup;
use crate::resource_kind::ResourceKind;
use crate::websocket_api::WebsocketApi;

/// All of them.
pub(crate) const KINDS: &[&dyn ResourceKind] = &[
    &ApiStage,
    &Function,
    &FunctionAlias,
    &FunctionPermission,
    &HttpApi,
    &IamRole,
    &IamRolePolicy,
    &LogGroup,
    &WebsocketApi,
];
