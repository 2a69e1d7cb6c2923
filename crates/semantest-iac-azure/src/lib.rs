//! Azure as a provider: components are deployed through Azure Resource Manager (ARM), by a small client of our own on
//! Microsoft's pipeline. No templates, no generated client.
//!
//! A kind of resource is a file named after it, which lowers, applies, observes and deletes it; `lower.rs` puts them together.
//! Credentials, subscription, cloud and location are taken from where the Azure command line takes them.

mod arm;
mod caller;
mod clients;
mod cloud;
mod config;
mod credentials;
mod diagnosis;
mod discovery;
mod error;
mod http_client;
mod kinds;
mod ownership;
mod patience;
mod provider;
mod resource_id;
mod resource_kind;
mod retries;
mod secrets;
mod settings_files;

pub use azure_core::credentials::TokenCredential;
pub use azure_core::http::HttpClient;
pub use cloud::Cloud;
pub use config::{AzureConfig, CallSettings, Pauses};
pub use credentials::StaticToken;
pub use provider::AzureProvider;
pub use secrets::{AzureSecrets, KEY_VAULT};
