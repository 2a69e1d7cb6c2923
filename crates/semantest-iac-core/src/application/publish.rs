//! Publish: events in. Requests are carried out, application events go through the bridge, the rest is
//! recorded and passed on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::infrastructure_event_bus::translate;
use crate::application::run_log::read_stream;
use crate::application::service::DeploymentService;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::ports::event_store::{Append, ExpectedVersion};

/// The answer to a published event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublishAnswer {
    /// Id of the published event.
    pub id: String,
    /// Its name.
    pub event: String,
    /// Whether it was taken in before, so that it was not recorded again. Requests are told by their result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// How the request it is, or was translated to, ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<DeployAnswer>,
}

impl DeploymentService {
    /// An envelope for `data`, as coming from this project.
    pub fn envelope(&self, data: impl Into<Event>) -> Envelope {
        Envelope {
            id: self.ports.ids.next().to_string(),
            source: self.ports.source(),
            subject: String::new(),
            time: self.ports.clock.now(),
            data: data.into(),
            correlation_id: None,
            causation_id: None,
            previous_event_ids: Vec::new(),
            sequence: None,
            traceparent: self.options.traceparent.clone(),
        }
    }

    /// Takes an event in.
    ///
    /// # Errors
    /// Those of the request; `InvalidInput` for a fact of ours, which only the service itself may publish.
    pub async fn publish(&self, event: Envelope, cancel: &CancellationToken) -> Result<PublishAnswer> {
        let (id, name) = (event.id.clone(), event.name().to_owned());
        let mut duplicate = false;
        let result = match &event.data {
            Event::DeploymentRequested(request) => {
                Some(self.deploy(event.clone(), &request.clone(), cancel).await?)
            }
            Event::RemovalRequested(request) => {
                Some(self.remove(event.clone(), &request.clone(), cancel).await?)
            }
            Event::OrphanRemovalRequested(request) => {
                Some(self.remove_orphans(event.clone(), &request.clone(), cancel).await?)
            }
            Event::RollbackRequested(request) => {
                Some(self.rollback(event.clone(), &request.clone(), cancel).await?)
            }
            Event::ScalingRequested(request) => {
                Some(self.scale(event.clone(), &request.clone(), cancel).await?)
            }
            Event::EnvironmentConfigurationRequested(request) => {
                Some(self.configure(event.clone(), &request.clone(), cancel).await?)
            }
            Event::Unknown(_) => {
                let (answer, before) = self.take_foreign(event, cancel).await?;
                duplicate = before;
                answer
            }
            _ => return Err(not_a_request(&name)),
        };
        Ok(PublishAnswer { id, event: name, duplicate, result })
    }

    /// The answer to the request it means, and whether it was taken in before.
    async fn take_foreign(
        &self,
        event: Envelope,
        cancel: &CancellationToken,
    ) -> Result<(Option<DeployAnswer>, bool)> {
        let mut translated = translate(self, &event)?;
        let identity = event.identity();
        let recorded = self.record_foreign(event).await?;
        if recorded.is_none() && translated.is_some() {
            // What came first counts: a time that was filled in, say, is another one now.
            let first = self.find_foreign(&identity).await?;
            translated = first.as_ref().map_or(Ok(translated), |first| translate(self, first))?;
        }
        let answer = match translated {
            Some((envelope, request)) => Some(self.deploy(envelope, &request, cancel).await?),
            None => None,
        };
        let duplicate = recorded.is_none();
        if let Some(event) = recorded {
            // The bridge listens on the bus as well, for what others publish there.
            let _taken = self.taken_in.mark(identity);
            self.ports.bus.publish(&[Arc::new(event)]).await?;
        }
        Ok((answer, duplicate))
    }

    /// Where application events are kept.
    fn application_stream(&self) -> String {
        format!("application:{}", self.ports.project.name())
    }

    /// The application event with this source and id, as it was recorded.
    async fn find_foreign(&self, identity: &(String, String)) -> Result<Option<Envelope>> {
        let mut found = None;
        read_stream(&self.ports, &self.application_stream(), |event| {
            found = (event.identity() == *identity).then_some(event);
            found.is_none()
        })
        .await?;
        Ok(found)
    }

    /// Keeps an application event beside our streams; one that was delivered before is not kept twice.
    async fn record_foreign(&self, mut event: Envelope) -> Result<Option<Envelope>> {
        let stream = self.application_stream();
        if event.subject.is_empty() {
            event.subject.clone_from(&stream);
        }
        event.sequence = None;
        let append =
            Append { stream, expected: ExpectedVersion::Any, events: vec![event.clone()], fence: None };
        match self.ports.store.append(append).await {
            Ok(_) => Ok(Some(event)),
            Err(error) if error.kind() == ErrorKind::DuplicateEvent => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn not_a_request(name: &str) -> Error {
    let text = format!(
        "{name} tells what happened; only a deployment publishes it. Publish a request such as DeploymentRequested"
    );
    Error::new(ErrorKind::InvalidInput, "event.publish", text).with("event", name)
}

/// Application events that are being published by whoever carried out what they mean: source and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct TakenIn(Arc<Mutex<BTreeSet<(String, String)>>>);

impl TakenIn {
    fn identities(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts as taken in until what is returned is dropped.
    fn mark(&self, identity: (String, String)) -> Mark<'_> {
        self.identities().insert(identity.clone());
        Mark { of: self, identity }
    }

    /// Whether the request that `event` means was carried out already.
    pub fn has(&self, event: &Envelope) -> bool {
        self.identities().contains(&event.identity())
    }
}

struct Mark<'a> {
    of: &'a TakenIn,
    identity: (String, String),
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        self.of.identities().remove(&self.identity);
    }
}
