//! Questions as data: what bindings ask, answered as JSON.

use std::pin::Pin;
use std::time::Duration;

use semantest_iac_core::application::inspect::At;
use semantest_iac_core::application::publish::PublishAnswer;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::intake;
use semantest_iac_core::events::request::DeploymentRequested;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::iac::{Iac, LogRequest};

/// A question. JSON: one key, the question's name, and under it an object of what it is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Query {
    /// What a request (a `DeploymentRequested` or `RemovalRequested` event) would do: `PlanAnswer`.
    Plan {
        /// The event, as [`Iac::read_event`] takes it.
        event: Value,
    },
    /// Deployments as the log says: `StatusAnswer`.
    Status {
        /// Of this environment only.
        environment: Option<String>,
        /// Of this component only.
        component: Option<String>,
    },
    /// A deployment as it was: `DeploymentAnswer`.
    State {
        /// Environment name.
        environment: String,
        /// Component name.
        component: String,
        /// Its version then.
        version: Option<u64>,
        /// The time it was.
        time: Option<Timestamp>,
    },
    /// What is not as the log says; recorded as drift: `RefreshAnswer`.
    Refresh {
        /// Environment name.
        environment: String,
        /// Component name.
        component: String,
    },
    /// What carries our tags and is in no log: `DiscoverAnswer`.
    Discover {
        /// Environment name.
        environment: String,
        /// Of this component only.
        component: Option<String>,
        /// Provider; absent: the environment's.
        provider: Option<String>,
        /// Region; absent: the environment's.
        region: Option<String>,
    },
    /// What a provider makes of this machine's credentials: a list of `Finding`.
    Diagnose {
        /// Provider name.
        provider: String,
        /// Region; absent: the provider's default.
        region: Option<String>,
    },
    /// Calls a function: `InvokeAnswer`.
    Invoke {
        /// Environment name.
        environment: String,
        /// Component name.
        component: String,
        /// Role or name; needed where the component has several.
        function: Option<String>,
        /// The event, byte for byte.
        payload: Box<RawValue>,
    },
    /// A function's log lines: `lines`, and the `cursor` to go on from.
    Logs {
        /// Environment name.
        environment: String,
        /// Component name.
        component: String,
        /// Role or name; needed where the component has several.
        function: Option<String>,
        /// Where to go on.
        cursor: Option<String>,
        /// Only lines since then, on the first call.
        since: Option<Timestamp>,
        /// At most this many (the newest).
        limit: usize,
        /// Wait up to this many seconds for a new line.
        wait_s: f64,
    },
}

/// An answer to come, that any thread may wait for.
pub type BoxedAnswer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Iac {
    /// Reads an event that somebody wants to publish: a whole CloudEvents event, or only its `type` and `data`; what is
    /// missing is filled in.
    ///
    /// # Errors
    /// As [`intake::read`].
    pub fn read_event(&self, json: &[u8]) -> Result<Envelope> {
        intake::read(json, &self.envelope(DeploymentRequested::default()))
    }

    /// Answers a question, given and answered as JSON.
    ///
    /// # Errors
    /// `InvalidInput` for what is no question, and those of the method it stands for.
    pub fn query<'a>(&'a self, question: &'a str) -> BoxedAnswer<'a, Result<String>> {
        Box::pin(async move { self.answer(read(question)?).await })
    }

    /// As [`Self::query`], unless `cancel` comes first. Then nothing goes on, and nothing is recorded.
    ///
    /// # Errors
    /// As [`Self::query`]; `Cancelled`.
    pub fn query_unless<'a>(
        &'a self,
        question: &'a str,
        cancel: &'a CancellationToken,
    ) -> BoxedAnswer<'a, Result<String>> {
        Box::pin(async move {
            match read(question)? {
                // It holds a lease, which is given back in the end.
                Query::Refresh { environment, component } => {
                    text(&self.refresh_unless(&environment, &component, cancel).await?)
                }
                query => {
                    cancel.run_until_cancelled(self.answer(query)).await.unwrap_or_else(|| Err(stopped()))
                }
            }
        })
    }

    async fn answer(&self, query: Query) -> Result<String> {
        match query {
            Query::Plan { event } => text(&self.plan_event(&event).await?),
            Query::Status { environment, component } => {
                text(&self.status(environment.as_deref(), component.as_deref()).await?)
            }
            Query::State { environment, component, version, time } => {
                let at = match (version, time) {
                    (Some(version), None) => At::Version(version),
                    (None, Some(time)) => At::Time(time),
                    _ => return Err(malformed("say either a version or a time")),
                };
                text(&self.state_at(&environment, &component, at).await?.0)
            }
            Query::Refresh { environment, component } => text(&self.refresh(&environment, &component).await?),
            Query::Discover { environment, component, provider, region } => {
                let (component, provider, region) =
                    (component.as_deref(), provider.as_deref(), region.as_deref());
                text(&self.discover(&environment, component, provider, region).await?)
            }
            Query::Diagnose { provider, region } => text(&self.diagnose(&provider, region.as_deref()).await?),
            Query::Invoke { environment, component, function, payload } => {
                text(&self.invoke(&environment, &component, function.as_deref(), payload).await?)
            }
            Query::Logs { environment, component, function, cursor, since, limit, wait_s } => {
                let wait = Duration::try_from_secs_f64(wait_s)
                    .map_err(|error| malformed(&format!("wait_s: {error}")))?;
                let request = LogRequest { function, cursor, since, limit, wait };
                let page = self.logs(&environment, &component, request).await?;
                text(&json!({ "lines": page.lines, "cursor": page.cursor }))
            }
        }
    }

    async fn plan_event(&self, event: &Value) -> Result<semantest_iac_core::application::answer::PlanAnswer> {
        match self.read_event(event.to_string().as_bytes())?.data {
            Event::DeploymentRequested(request) => self.plan(request).await,
            Event::RemovalRequested(request) => self.plan_removal(request).await,
            other => Err(malformed(&format!(
                "{} cannot be planned; DeploymentRequested and RemovalRequested can",
                other.name()
            ))),
        }
    }
}

/// An answer to [`Iac::publish_and_report`] as JSON.
pub fn publish_answer(answer: &PublishAnswer) -> Result<String> {
    text(answer)
}

fn read(question: &str) -> Result<Query> {
    serde_json::from_str(question).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "query.read", format!("this is no question: {error}"))
    })
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "query.answer", "stopped before there was an answer")
}

fn text(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer).map_err(|error| {
        Error::new(ErrorKind::Internal, "query.answer", format!("the answer is no JSON: {error}"))
    })
}

fn malformed(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "query.read", message)
}
