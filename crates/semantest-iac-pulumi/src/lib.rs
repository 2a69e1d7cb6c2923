//! The Pulumi plugin: `pulumi up -s production -c semantest:component=rest-api` deploys a component.
//!
//! A front door like the command line: it serves Pulumi's protocol for resource providers over the facade. One resource,
//! `semantest:index:Deployment`, stands for one deployment; the event log stays the state, Pulumi's state is a view of it.
//! `docs/decisions/0020-a-pulumi-plugin-on-the-facade.md` says why it is as it is.

mod check;
mod claims;
mod configuration;
mod deploy;
mod detailed_diff;
mod diff;
mod engine;
mod failure;
mod functions;
mod inputs;
mod outputs;
mod place;
mod plugin;
mod program;
mod projects;
mod property;
mod protocol;
mod read;
mod remove;
mod schema;
mod secrets;
mod server;
mod work;

pub use program::run;
pub use schema::schema;
