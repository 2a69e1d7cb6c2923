//! The host: a background process for each project that runs its functions.

pub mod definition;
#[allow(clippy::module_inception, reason = "the glossary's word")]
pub mod host;
mod inspection;
pub(crate) mod lock;
mod other_process;
pub mod process;
pub(crate) mod registry;
mod served_api;
pub mod service_definition;
pub(crate) mod serving;
