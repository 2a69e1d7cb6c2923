//! AWS as a provider: components are deployed by the services' own APIs, with the official SDK. No CloudFormation, no
//! Terraform.
//!
//! A kind of resource is a file named after it, which lowers, applies, observes, deletes and discovers it; `lower.rs` puts
//! them together. Credentials, region, profile and endpoints are taken from where the AWS command line takes them.

mod api;
mod api_authorizers;
mod api_index;
mod api_routes;
mod api_stage;
mod api_tags;
mod clients;
mod config;
mod container_rollout;
mod container_service;
mod container_service_graph;
mod containers;
mod diagnosis;
mod discovery;
mod ec2;
mod ecs_cluster;
mod environment_variables;
mod error;
mod fargate_size;
mod function;
mod function_access;
mod function_alias;
mod function_change;
mod function_layer;
mod function_permission;
mod function_state;
mod function_url;
mod http_api;
mod http_client;
mod iam_role;
mod iam_role_policy;
mod kinds;
mod listener;
mod load_balancer;
mod load_balancing;
mod log_group;
mod lower;
mod network;
mod ownership;
mod package_upload;
mod patience;
mod policy_document;
mod provider;
mod quotas;
mod resource_kind;
mod retries;
mod scaling_policy;
mod scaling_target;
mod secrets;
mod security_group;
mod service_change;
mod signed_request;
mod target_group;
mod task_definition;
mod task_revision;
mod websocket_api;

pub use aws_config::{BehaviorVersion, Region, SdkConfig};
pub use aws_credential_types::Credentials;
pub use aws_credential_types::provider::SharedCredentialsProvider;
pub use config::{AwsConfig, CallSettings};
pub use provider::AwsProvider;
pub use secrets::{AwsSecrets, PARAMETER_STORE, SECRETS_MANAGER};
