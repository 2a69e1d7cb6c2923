//! The core of semantest-iac: what deployments are, and how they are changed. No network, no disk, no cloud; those are
//! behind the traits in [`ports`], with adapters in [`memory`] to try everything without them.
//!
//! The words, and where each is at home:
//!
//! - a **component** ([`domain::component`]) is what a user deploys by name, into an **environment**
//!   ([`domain::environment`]);
//! - a **blueprint** ([`domain::blueprint`]) says what it needs on any cloud; a provider ([`ports::provider`]) lowers it to a
//!   **resource graph** ([`domain::deployment::resource_graph`]);
//! - a **plan** ([`domain::deployment::plan`]) is the steps from what the log says to what is wanted, made by the
//!   [`domain::deployment::planner`];
//! - a **deployment** ([`domain::deployment::aggregate`]) is the aggregate whose stream of [`events`] is the state;
//! - the [`application`] service carries out requests, the in and out of it all.
//!
//! # Example
//!
//! Making a plan is pure: a graph on one side, what exists on the other.
//!
//! ```
//! use semantest_iac_core::{Properties, Resource, ResourceGraph, StepAction, plan};
//!
//! let mut api = Resource::new("api", "memory.api", Properties::new());
//! api.inputs.insert("target".into(), "${function.list.arn}".into());
//! let function = Resource::new("function.list", "memory.function", Properties::new());
//!
//! let graph = ResourceGraph::new([api, function])?;
//! let plan = plan(&graph, &Default::default());
//! let steps: Vec<_> = plan.steps.iter().map(|step| (step.action, step.address.as_str())).collect();
//! assert_eq!(steps, [(StepAction::Create, "function.list"), (StepAction::Create, "api")]);
//! # Ok::<(), semantest_iac_core::Error>(())
//! ```

pub mod application;
pub mod domain;
pub mod error;
pub mod events;
pub mod memory;
pub mod ports;

pub use application::service::DeploymentService;
pub use domain::blueprint::Blueprint;
pub use domain::deployment::aggregate::Deployment;
pub use domain::deployment::plan::{Plan, StepAction};
pub use domain::deployment::planner::plan;
pub use domain::deployment::resource::{Properties, Resource};
pub use domain::deployment::resource_graph::ResourceGraph;
pub use error::{Error, ErrorKind, ErrorRecord, Result, Retry};
pub use events::Event;
pub use events::envelope::Envelope;
