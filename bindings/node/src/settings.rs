//! What a project is opened with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use semantest_iac::{Error, ErrorKind, Iac, IacBuilder, Result};
use serde::Deserialize;

use crate::port::Port;
use crate::queue::Queue;

/// How long a log is waited for that another process writes to, at a time.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Settings of an engine, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    directory: PathBuf,
    host_command: Vec<String>,
    parallelism: Option<usize>,
    lease_wait_s: f64,
    owner: Option<String>,
    traceparent: Option<String>,
    #[serde(default)]
    providers: Vec<Port>,
    bus: Option<Port>,
    store: Option<Port>,
    #[serde(default)]
    secret_resolvers: Vec<Port>,
}

impl Settings {
    /// # Errors
    /// `InvalidInput` for what are no settings.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "node.open", format!("these are no settings: {error}"))
        })
    }

    /// Everything but the opening.
    ///
    /// # Errors
    /// `InvalidInput` for a wait that is none, and for ports that lack something.
    pub fn builder(self, queue: &Arc<Queue>) -> Result<IacBuilder> {
        let mut builder = Iac::builder(self.directory)
            .host_command(self.host_command.into_iter().map(Into::into).collect())
            .lease_wait(seconds("lease_wait", self.lease_wait_s)?)
            .traceparent(self.traceparent);
        if let Some(calls) = self.parallelism {
            builder = builder.parallelism(calls);
        }
        if let Some(owner) = self.owner {
            builder = builder.owner(owner);
        }
        for port in self.providers {
            builder = builder.provider(port.provider(queue)?);
        }
        for port in self.secret_resolvers {
            builder = builder.secret_resolver(port.secret_resolver(queue)?);
        }
        if let Some(port) = self.bus {
            builder = builder.bus(port.event_bus(queue)?);
        }
        if let Some(port) = self.store {
            builder = builder.store(port.event_store(queue)?);
        }
        Ok(builder)
    }
}

/// `given` seconds; at most an hour.
///
/// # Errors
/// `InvalidInput` for what is no time.
pub(crate) fn seconds(what: &str, given: f64) -> Result<Duration> {
    let wait = Duration::try_from_secs_f64(given).map_err(|_| {
        let text = format!("{what} must be a number of seconds, not {given}");
        Error::new(ErrorKind::InvalidInput, "node.call", text)
    })?;
    Ok(wait.min(LONGEST_WAIT))
}
