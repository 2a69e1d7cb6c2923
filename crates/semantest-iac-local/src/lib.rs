//! The local provider: runs functions and container services on this machine.
//!
//! A background host for each project runs the user's functions behind the Lambda Runtime API, with HTTP and
//! WebSocket gateways in front, all on loopback. Folders: `host` is that process, `control` how it is told what to
//! run, `runtime` the workers of functions, `replicas` those of container services, `gateway` and `balancer` what clients talk to.

mod api;
pub mod archive;
mod authorization;
mod balancer;
mod cgroup;
mod config;
mod container_service;
mod control;
mod debuggers;
mod error;
mod function;
mod function_access;
mod function_url;
mod gateway;
pub mod host;
mod host_link;
mod http_api;
mod http_server;
pub mod inspection;
mod layers;
mod load_balancer;
mod packages;
mod program_path;
mod provider;
mod replicas;
pub mod runtime;
mod websocket_api;

pub use config::LocalConfig;
pub use gateway::sample_event;
pub use host::host::run as run_host;
pub use host::process::stop as stop_host;
pub use provider::{LocalProvider, Workloads};
