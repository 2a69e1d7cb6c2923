//! The log of one run: judges events, stamps them, appends them, folds them in and publishes them.

use std::sync::Arc;

use crate::application::service::Ports;
use crate::domain::deployment::aggregate::Deployment;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::ports::event_store::{Append, ExpectedVersion};
use crate::ports::lease::Lease;

/// How many events are read from the store at once.
const PAGE: usize = 4096;

/// The single writer of a deployment's stream while its lease is held.
pub(crate) struct RunLog<'a> {
    ports: &'a Ports,
    stream: String,
    deployment: Deployment,
    request: Option<Envelope>,
    fence: Option<(String, u64)>,
}

impl<'a> RunLog<'a> {
    /// Replays `stream`; what is appended is fenced by `lease`.
    pub async fn open(ports: &'a Ports, stream: &str, lease: Option<&Lease>) -> Result<Self> {
        let fence = lease.map(|lease| (lease.name.clone(), lease.token));
        let deployment = replay(ports, stream).await?;
        Ok(Self { ports, stream: stream.to_owned(), deployment, request: None, fence })
    }

    /// What the log says.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Takes `request` as the cause of everything that follows. It is the first event of the next append.
    pub fn begin(&mut self, mut request: Envelope) {
        request.subject.clone_from(&self.stream);
        self.request = Some(request);
    }

    /// Appends the request itself together with `events`.
    pub async fn append_with_request(&mut self, events: Vec<Event>) -> Result<()> {
        let request = self.request.clone().into_iter();
        let mut envelopes: Vec<Envelope> = request.collect();
        envelopes.extend(events.into_iter().map(|event| self.stamp(event)));
        self.append_envelopes(envelopes).await
    }

    /// Appends `events`, all or none, and publishes them.
    pub async fn append(&mut self, events: Vec<Event>) -> Result<()> {
        let envelopes = events.into_iter().map(|event| self.stamp(event)).collect();
        self.append_envelopes(envelopes).await
    }

    async fn append_envelopes(&mut self, mut envelopes: Vec<Envelope>) -> Result<()> {
        if envelopes.is_empty() {
            return Ok(());
        }
        let before = self.deployment.state().stream_version;
        for (at, envelope) in envelopes.iter_mut().enumerate() {
            self.deployment.decide(&envelope.data)?;
            envelope.sequence = Some(before + at as u64 + 1);
            self.deployment.evolve(envelope);
        }
        let append = Append {
            stream: self.stream.clone(),
            expected: ExpectedVersion::Exact(before),
            events: envelopes.iter().cloned().map(without_sequence).collect(),
            fence: self.fence.clone(),
        };
        self.ports.store.append(append).await?;
        let envelopes: Vec<Arc<Envelope>> = envelopes.into_iter().map(Arc::new).collect();
        publish(self.ports, &envelopes).await;
        Ok(())
    }

    fn stamp(&self, data: Event) -> Envelope {
        let request = self.request.as_ref();
        let ancestry = request.map(|request| {
            let own = std::iter::once(request.id.clone());
            own.chain(request.previous_event_ids.iter().cloned()).collect()
        });
        Envelope {
            id: self.ports.ids.next().to_string(),
            source: self.ports.source(),
            subject: self.stream.clone(),
            time: self.ports.clock.now(),
            data,
            correlation_id: request.map(|r| r.correlation_id.clone().unwrap_or_else(|| r.id.clone())),
            causation_id: request.map(|request| request.id.clone()),
            previous_event_ids: ancestry.unwrap_or_default(),
            sequence: None,
            traceparent: request.and_then(|request| request.traceparent.clone()),
        }
    }
}

/// Delivers events; a subscriber's failure is reported and never stops a deployment.
async fn publish(ports: &Ports, events: &[Arc<Envelope>]) {
    let failed = match ports.bus.publish(events).await {
        Ok(failed) => failed,
        Err(error) => {
            tracing::error!(error = %error, "events were recorded but could not be published");
            return;
        }
    };
    for delivery in failed {
        tracing::error!(
            handler = delivery.handler, event = delivery.event_id, error = %delivery.error,
            "a handler failed"
        );
    }
}

/// The deployment that a stream tells of.
pub(crate) async fn replay(ports: &Ports, stream: &str) -> Result<Deployment> {
    let mut deployment = Deployment::default();
    read_stream(ports, stream, |envelope| {
        deployment.evolve(&envelope);
        true
    })
    .await?;
    Ok(deployment)
}

/// Reads a stream from its beginning until `each` says `false`.
pub(crate) async fn read_stream(
    ports: &Ports,
    stream: &str,
    mut each: impl FnMut(Envelope) -> bool,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = ports.store.read_stream(stream, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.version;
        for event in &page {
            if !each(event.envelope()?) {
                return Ok(());
            }
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

fn without_sequence(mut envelope: Envelope) -> Envelope {
    envelope.sequence = None;
    envelope
}
