//! An open project, for JavaScript.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi_derive::napi;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::event_bus::{EventFilter, FailedDelivery, SubscriptionId};
use semantest_iac::ports::event_store::RecordedEvent;
use semantest_iac::ports::project::Project;
use semantest_iac::query::publish_answer;
use semantest_iac::{CancellationToken, Error, ErrorKind, Iac, PublishAnswer, Result};
use serde_json::json;

use crate::answer::{Answer, answer};
use crate::bridge::Bridge;
use crate::errors::{refused, told};
use crate::handler::{NodeHandler, text};
use crate::numbers::{INEXACT, loses_digits, safe};
use crate::queue::Queue;
use crate::settings::{Settings, seconds};

/// A project that is opened, used and closed. Every method but `cancel` and `close` begins a call, which is answered through
/// the bridge under the number that JavaScript gives it.
#[napi]
pub struct Engine {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    project: Mutex<Opened>,
    /// What can be cancelled, by its call.
    cancellable: Mutex<HashMap<i64, CancellationToken>>,
}

#[derive(Default)]
enum Opened {
    #[default]
    NotYet,
    Open(Arc<Iac>),
    Closed,
}

impl Shared {
    fn project(&self) -> MutexGuard<'_, Opened> {
        self.project.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancellable(&self) -> MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.cancellable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn iac(&self) -> Result<Arc<Iac>> {
        match &*self.project() {
            Opened::Open(iac) => Ok(iac.clone()),
            _ => Err(Error::new(ErrorKind::InvalidInput, "node.call", "this Iac is not open")),
        }
    }

    /// Keeps what was opened, unless it was closed meanwhile.
    fn keep(&self, iac: Iac) -> Result<()> {
        let mut project = self.project();
        match *project {
            Opened::NotYet => *project = Opened::Open(Arc::new(iac)),
            Opened::Open(_) => {
                return Err(Error::new(ErrorKind::InvalidInput, "node.open", "this Iac is open already"));
            }
            Opened::Closed => {
                let text = "this Iac was closed while it was opened";
                return Err(Error::new(ErrorKind::Cancelled, "node.open", text));
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Begins a call about the open project.
    fn begin<F>(&self, call: i64, work: impl FnOnce(Arc<Iac>) -> Result<F>) -> napi::Result<()>
    where
        F: Future<Output = Result<Answer>> + Send + 'static,
    {
        let work = self.shared.iac().and_then(work).map_err(|error| refused(&error))?;
        answer(&self.queue, call, work)
    }

    /// As `begin`, for what can be cancelled: `work` sees to it by its second argument.
    fn begin_cancellable<F>(
        &self,
        call: i64,
        work: impl FnOnce(Arc<Iac>, CancellationToken) -> Result<F>,
    ) -> napi::Result<()>
    where
        F: Future<Output = Result<Answer>> + Send + 'static,
    {
        let (shared, cancel) = (self.shared.clone(), self.queue.stop.child_token());
        self.begin(call, move |iac| {
            let work = work(iac, cancel.clone())?;
            shared.cancellable().insert(call, cancel);
            let until_its_end = Cancellable { shared, call };
            Ok(async move {
                let _known = until_its_end;
                work.await
            })
        })
    }

    /// As `begin`, for what changes nothing: it is dropped where it is cancelled, or the environment ends.
    fn ask<F>(&self, call: i64, question: impl FnOnce(Arc<Iac>) -> Result<F>) -> napi::Result<()>
    where
        F: Future<Output = Result<Answer>> + Send + 'static,
    {
        self.begin_cancellable(call, move |iac, cancel| {
            let question = question(iac)?;
            Ok(async move { cancel.run_until_cancelled(question).await.unwrap_or_else(|| Err(given_up())) })
        })
    }
}

#[napi]
impl Engine {
    /// Nothing is open yet.
    #[napi(constructor, catch_unwind)]
    pub fn new(bridge: &Bridge) -> Self {
        Self { queue: bridge.queue.clone(), shared: Arc::default() }
    }

    /// Opens a project: `{project}`.
    #[napi(catch_unwind)]
    pub fn open(&self, call: i64, settings: String) -> napi::Result<()> {
        let builder = Settings::read(&settings).and_then(|settings| settings.builder(&self.queue));
        let builder = builder.map_err(|error| refused(&error))?;
        let shared = self.shared.clone();
        answer(&self.queue, call, async move {
            let iac = builder.open().await?;
            let project = iac.project().name().to_owned();
            shared.keep(iac)?;
            Ok(Answer::of(&json!({ "project": project })))
        })
    }

    /// Publishes an event, given as JSON: `{answer, error, failed}`.
    #[napi(catch_unwind)]
    pub fn publish(&self, call: i64, event: String) -> napi::Result<()> {
        let queue = self.queue.clone();
        self.begin_cancellable(call, move |iac, cancel| {
            Ok(async move {
                let event = iac.read_event(event.as_bytes())?;
                let (answer, failed) = iac.publish_and_report(event, &cancel).await;
                published(&queue, answer, failed)
            })
        })
    }

    /// Asks a call to end in order; one that has ended takes no notice.
    #[napi(catch_unwind)]
    pub fn cancel(&self, call: i64) {
        let work = self.shared.cancellable().get(&call).cloned();
        if let Some(work) = work {
            work.cancel();
        }
    }

    /// Answers a question (`semantest_iac::query`).
    #[napi(catch_unwind)]
    pub fn query(&self, call: i64, question: String) -> napi::Result<()> {
        self.begin_cancellable(call, move |iac, cancel| {
            Ok(async move { iac.query_unless(&question, &cancel).await.map(Answer::json) })
        })
    }

    /// Every event of a deployment, oldest first: `{events}`.
    #[napi(catch_unwind)]
    pub fn history(&self, call: i64, environment: String, component: String) -> napi::Result<()> {
        self.ask(call, move |iac| {
            Ok(async move {
                let events = iac.history(&environment, &component).await?;
                let events: Vec<String> = events.iter().map(text).collect();
                Ok(Answer::json(format!("{{\"events\":[{}]}}", events.join(","))))
            })
        })
    }

    /// Events among the next `limit` after `after` that have one of these names (none: all), waiting up to `wait_s` seconds
    /// where nothing is recorded yet: `{events: [position, event][], next}`, `next` being the position to go on after.
    #[napi(catch_unwind)]
    pub fn events(
        &self,
        call: i64,
        after: i64,
        limit: u32,
        names: Vec<String>,
        wait_s: f64,
    ) -> napi::Result<()> {
        self.ask(call, move |iac| {
            let after = u64::try_from(after).map_err(|_| no_position(after))?;
            let (wait, limit, filter) = (seconds("wait_s", wait_s)?, limit as usize, of_names(names));
            Ok(async move {
                let mut page = iac.events(after, limit).await?;
                if page.is_empty() && !wait.is_zero() {
                    iac.wait_for_events(after, wait).await?;
                    page = iac.events(after, limit).await?;
                }
                admitted(after, &page, &filter)
            })
        })
    }

    /// The last position of the log.
    #[napi(catch_unwind)]
    pub fn head(&self, call: i64) -> napi::Result<()> {
        self.ask(call, move |iac| Ok(async move { Ok(Answer::of(&safe(iac.head().await?)?)) }))
    }

    /// The position after which everything was recorded at `time` (RFC 3339) or later.
    #[napi(catch_unwind)]
    pub fn recorded_before(&self, call: i64, time: String) -> napi::Result<()> {
        self.ask(call, move |iac| {
            let time: Timestamp = time.parse().map_err(|_| {
                let text = format!("`{time}` is no time as RFC 3339 has it");
                Error::new(ErrorKind::InvalidInput, "node.call", text)
            })?;
            Ok(async move { Ok(Answer::of(&safe(iac.recorded_before(time).await?)?)) })
        })
    }

    /// Has `target` called for events of these names (none: all) recorded by this process from now on: the subscription's
    /// number.
    #[napi(catch_unwind)]
    pub fn subscribe(&self, call: i64, target: i64, name: String, names: Vec<String>) -> napi::Result<()> {
        let handler = Arc::new(NodeHandler::new(&self.queue, target, name));
        self.begin(call, move |iac| {
            Ok(async move {
                let subscription = iac.subscribe(of_names(names), handler).await?;
                Ok(Answer::of(&safe(subscription.0)?))
            })
        })
    }

    /// Ends a subscription: `null`.
    #[napi(catch_unwind)]
    pub fn unsubscribe(&self, call: i64, subscription: i64) -> napi::Result<()> {
        self.begin(call, move |iac| {
            let subscription =
                SubscriptionId(u64::try_from(subscription).map_err(|_| no_position(subscription))?);
            Ok(async move { iac.unsubscribe(subscription).await.map(|()| Answer::nothing()) })
        })
    }

    /// Lets the log go, as soon as calls that are under way have ended. Twice is harmless.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let project = std::mem::replace(&mut *self.shared.project(), Opened::Closed);
        drop(project);
    }
}

/// A call that can be cancelled, until it has ended.
struct Cancellable {
    shared: Arc<Shared>,
    call: i64,
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        self.shared.cancellable().remove(&self.call);
    }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "node.call", "whoever asked does not wait any more")
}

fn no_position(number: i64) -> Error {
    let text = format!("{number} is no number of a position or a subscription: they count from 0");
    Error::new(ErrorKind::InvalidInput, "node.call", text)
}

fn of_names(names: Vec<String>) -> EventFilter {
    EventFilter { names: names.into_iter().collect(), ..EventFilter::default() }
}

/// The events of a page after `after` that pass `filter`, each as JSON with its position. A page ends before an event that
/// JavaScript cannot hold.
///
/// # Errors
/// `Unsupported` where that is the first one.
fn admitted(after: u64, page: &[RecordedEvent], filter: &EventFilter) -> Result<Answer> {
    let mut events = Vec::with_capacity(page.len());
    let mut next = after;
    for recorded in page {
        let event: Envelope = recorded.envelope()?;
        if filter.admits(&event) {
            let event = text(&event);
            if loses_digits(&event) {
                if next > after {
                    break;
                }
                return Err(inexact_event(recorded.position));
            }
            events.push(format!("[{},{event}]", safe(recorded.position)?));
        }
        next = recorded.position;
    }
    Ok(Answer::json(format!("{{\"events\":[{}],\"next\":{}}}", events.join(","), safe(next)?)))
}

fn inexact_event(position: u64) -> Error {
    let text = format!(
        "the event at position {position} cannot be handed to JavaScript: {INEXACT}; read on behind it \
         ({{ after: {position} }})"
    );
    Error::new(ErrorKind::Unsupported, "node.events", text).with("position", position)
}

/// What came of a publication: its own error stands beside what handlers failed with.
fn published(
    queue: &Arc<Queue>,
    answer: Result<PublishAnswer>,
    failed: Vec<FailedDelivery>,
) -> Result<Answer> {
    let (answer, error) = match answer.and_then(|answer| publish_answer(&answer)) {
        Ok(answer) => (answer, None),
        Err(error) => ("null".to_owned(), Some(error)),
    };
    let failures: Vec<String> = failed
        .iter()
        .map(|one| {
            let (handler, event) = (json!(one.handler), json!(one.event_id));
            format!("{{\"handler\":{handler},\"event_id\":{event},\"error\":{}}}", told(queue, &one.error))
        })
        .collect();
    let failures = failures.join(",");
    let told = error.as_ref().map_or_else(|| "null".to_owned(), |error| told(queue, error));
    let text = format!("{{\"answer\":{answer},\"error\":{told},\"failed\":[{failures}]}}");
    let errors = failed.into_iter().map(|one| one.error).chain(error).collect();
    Ok(Answer::json(text).telling_of(errors))
}
