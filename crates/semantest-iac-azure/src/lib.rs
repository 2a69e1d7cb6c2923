//! Azure as a provider: components are deployed through Azure Resource Manager (ARM), by a small client of our own on
//! Microsoft's pipeline. No templates, no generated client.
//!
//! A kind of resource is a file named after it, which lowers, applies, observes and deletes it; `lower.rs` puts them together.
//! Credentials, subscription, cloud and location are taken from where the Azure command line takes them.

mod application_insights;
mod arm;
mod caller;
mod clients;
mod cloud;
mod config;
mod container_app;
mod container_environment;
mod container_ingress;
mod container_size;
mod credentials;
mod diagnosis;
mod discovery;
mod environment_variables;
mod error;
mod function;
mod function_access;
mod function_app;
mod function_app_settings;
mod function_package;
mod function_runtime;
mod hosting;
mod http_client;
mod kinds;
mod log_query;
mod lower;
mod names;
mod notices;
mod ownership;
mod package_description;
mod package_upload;
#[cfg(test)]
mod packaged_app;
mod patience;
mod plan;
mod provider;
mod resource_group;
mod resource_id;
mod resource_kind;
mod retries;
mod secrets;
mod settings_files;
mod shim_files;
mod storage_access;
mod storage_account;
mod storage_container;
mod tracked;
mod web_pubsub;
mod web_pubsub_hub;
#[cfg(test)]
mod websocket_shim_tests;
mod workspace;

pub use azure_core::credentials::TokenCredential;
pub use azure_core::http::HttpClient;
pub use cloud::Cloud;
pub use config::{AzureConfig, CallSettings, Pauses};
pub use credentials::StaticToken;
pub use provider::AzureProvider;
pub use secrets::{AzureSecrets, KEY_VAULT};
