//! The application service: requests in, plans made and applied, facts out.

pub mod answer;
pub mod catch_up;
mod component_handler;
mod configure_environment;
mod deploy;
mod deploy_container_service;
mod deploy_rest_api;
mod deploy_websocket;
mod digest_only;
mod entry_point;
pub mod executor;
pub mod infrastructure_event_bus;
pub mod inspect;
mod leased;
pub mod orphans;
mod outcome;
pub mod publish;
mod refresh;
mod remove;
mod rollback;
mod run_log;
mod scale;
mod secret_settings;
pub mod service;
mod step;
mod target;
