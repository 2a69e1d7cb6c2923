//! Infrastructure as code for event-driven systems.
//!
//! An application publishes `DeploymentRequested`; semantest-iac plans the change, applies it, and publishes what
//! happened. Every change is event-sourced: the log is the state, the audit trail, and what a crashed run is
//! resumed from.
//!
//! ```no_run
//! use semantest_iac::events::request::DeploymentRequested;
//! use semantest_iac::{CancellationToken, Iac};
//!
//! # async fn example() -> semantest_iac::Result<()> {
//! let iac = Iac::open(".").await?; // reads semantest.toml
//! let request = DeploymentRequested {
//!     component: "rest-api".into(),
//!     environment: "dev".into(),
//!     ..DeploymentRequested::default()
//! };
//! let answer = iac.deploy(request, &CancellationToken::new()).await?;
//! println!("{}", answer.endpoint.unwrap_or_default());
//! # Ok(())
//! # }
//! ```

mod component_keys;
mod composition;
mod deliveries;
mod iac;
mod inspection;
pub mod package;
mod place;
pub mod project_file;
mod project_path;
pub mod query;
mod sample_event;
pub mod secrets;
pub mod setting;
mod small_file;
mod system_clock;

pub use composition::{
    DebugProtocol, Debugger, IacBuilder, Inspecting, NotInspected, SAMPLE_EVENTS, STATE_FOLDER, Sample,
    SampleEvent, SampleRequest, diagnose_cloud, interpreter, run_local_host, stop_local_host,
};
pub use iac::{Iac, LogRequest};
pub use inspection::{FunctionToInspect, InspectRequest};
pub use project_file::ProjectFile;
pub use semantest_iac_core::application::answer;
pub use semantest_iac_core::application::inspect::At;
pub use semantest_iac_core::application::orphans::{DiscoverAnswer, OrphanAnswer, Place};
pub use semantest_iac_core::application::publish::PublishAnswer;
pub use semantest_iac_core::{Error, ErrorKind, ErrorRecord, Result, Retry, domain, events, ports};
#[doc(inline)]
pub use semantest_iac_foreign as foreign;
#[cfg(feature = "conformance")]
#[doc(inline)]
pub use semantest_iac_testkit as conformance;
pub use system_clock::SystemClock;
pub use tokio_util::sync::CancellationToken;
