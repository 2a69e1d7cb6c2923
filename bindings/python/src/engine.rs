//! An open project, for Python.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::event_bus::{EventFilter, FailedDelivery, SubscriptionId};
use semantest_iac::ports::event_store::RecordedEvent;
use semantest_iac::query::publish_answer;
use semantest_iac::{Error, Iac, IacBuilder};

use crate::bridge::LoopBridge;
use crate::calls::future;
use crate::errors::to_exception;
use crate::handler::{PythonHandler, Timers};
use crate::native_event::NativeEvent;
use crate::port::{Port, made};
use crate::runtime::{CancelToken, is_forked, until_exit};

/// How long a log is waited for that another process writes to, at a time.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An open project.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct Engine {
    pub iac: Arc<Iac>,
    pub on: Py<LoopBridge>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if is_forked() {
            // Log, locks and connections are the parent's, and the threads that would end them are not here.
            std::mem::forget(self.iac.clone());
        }
    }
}

/// Settings of an [`Engine`], read off a Python object's attributes.
#[derive(FromPyObject)]
pub(crate) struct Settings {
    directory: PathBuf,
    host_command: Vec<String>,
    parallelism: Option<usize>,
    lease_wait_s: f64,
    owner: Option<String>,
    traceparent: Option<String>,
    providers: Vec<Port>,
    bus: Option<Port>,
    store: Option<Port>,
    secret_resolvers: Vec<Port>,
}

impl Settings {
    /// Everything that needs no event loop of Python's.
    fn builder(self, py: Python<'_>, on: &Py<LoopBridge>) -> PyResult<IacBuilder> {
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
            builder = builder.provider(made(py, port.provider(on.clone_ref(py)))?);
        }
        for port in self.secret_resolvers {
            builder = builder.secret_resolver(made(py, port.secret_resolver(on.clone_ref(py)))?);
        }
        if let Some(port) = self.bus {
            builder = builder.bus(made(py, port.event_bus(on.clone_ref(py)))?);
        }
        if let Some(port) = self.store {
            builder = builder.store(made(py, port.event_store(on.clone_ref(py)))?);
        }
        Ok(builder)
    }
}

/// A handler that was subscribed.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct Subscription(SubscriptionId);

#[pymethods]
impl Engine {
    /// Opens a project; a future of an `Engine`.
    #[staticmethod]
    #[pyo3(signature = (on: "LoopBridge", settings: "object") -> "asyncio.Future[Engine]")]
    fn open<'py>(py: Python<'py>, on: Py<LoopBridge>, settings: Settings) -> PyResult<Bound<'py, PyAny>> {
        let builder = settings.builder(py, &on)?;
        let kept = on.clone_ref(py);
        future(py, on.get(), builder.open(), move |py, iac| {
            Ok(Py::new(py, Self { iac: Arc::new(iac), on: kept })?.into_any())
        })
    }

    /// The project's name.
    #[getter]
    fn project(&self) -> String {
        use semantest_iac::ports::project::Project;
        self.iac.project().name().to_owned()
    }

    /// Publishes an event given as JSON. A future of `(answer as JSON or None, exception or None, failed deliveries)`,
    /// these as `(handler, event id, exception)`.
    #[pyo3(signature = (event: "str", cancel: "CancelToken")
           -> "asyncio.Future[tuple[str | None, BaseException | None, list[tuple[str, str, BaseException]]]]")]
    fn publish<'py>(
        &self,
        py: Python<'py>,
        event: String,
        cancel: &CancelToken,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (iac, cancel) = (self.iac.clone(), cancel.0.clone());
        let work = async move {
            let event = iac.read_event(event.as_bytes())?;
            let (answer, failed) = iac.publish_and_report(event, &cancel).await;
            Ok((answer.and_then(|answer| publish_answer(&answer)), failed))
        };
        future(py, self.on.get(), work, |py, (answer, failed)| {
            let failures = failed.iter().map(|one| failure(py, one));
            let failures = PyList::new(py, failures.collect::<PyResult<Vec<_>>>()?)?;
            let (answer, error) = match answer {
                Ok(answer) => (Some(answer), None),
                Err(error) => (None, Some(to_exception(py, &error).into_value(py))),
            };
            Ok((answer, error, failures).into_pyobject(py)?.into_any().unbind())
        })
    }

    /// Answers a question given as JSON (`semantest_iac::query`); a future of JSON.
    #[pyo3(signature = (question: "str") -> "asyncio.Future[str]")]
    fn query<'py>(&self, py: Python<'py>, question: String) -> PyResult<Bound<'py, PyAny>> {
        let iac = self.iac.clone();
        let work = async move { until_exit(iac.query(&question)).await };
        future(py, self.on.get(), work, |py, answer| Ok(answer.into_pyobject(py)?.into_any().unbind()))
    }

    /// Every event of a deployment, oldest first: a future of a list.
    #[pyo3(signature = (environment: "str", component: "str") -> "asyncio.Future[list[NativeEvent]]")]
    fn history<'py>(
        &self,
        py: Python<'py>,
        environment: String,
        component: String,
    ) -> PyResult<Bound<'py, PyAny>> {
        let iac = self.iac.clone();
        let work = async move { until_exit(iac.history(&environment, &component)).await };
        future(py, self.on.get(), work, |py, events| {
            let events = events.into_iter().map(|event| NativeEvent::new(Arc::new(event), None));
            Ok(PyList::new(py, events.collect::<Vec<_>>())?.into_any().unbind())
        })
    }

    /// Events among the next `limit` after `after` that have one of these names (none: all), waiting up to `wait_s` seconds
    /// where nothing is recorded yet: a future of `(events, position to go on after)`.
    #[pyo3(signature = (after: "int", limit: "int", names: "list[str]", wait_s: "float")
           -> "asyncio.Future[tuple[list[NativeEvent], int]]")]
    fn events<'py>(
        &self,
        py: Python<'py>,
        after: u64,
        limit: usize,
        names: Vec<String>,
        wait_s: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let filter = of_names(names);
        let (iac, wait) = (self.iac.clone(), seconds("wait_s", wait_s)?);
        let work = async move {
            let mut page = iac.events(after, limit).await?;
            if page.is_empty() && !wait.is_zero() {
                until_exit(iac.wait_for_events(after, wait)).await?;
                page = iac.events(after, limit).await?;
            }
            let next = page.last().map_or(after, |last| last.position);
            Ok((admitted(&page, &filter)?, next))
        };
        future(py, self.on.get(), work, |py, (events, next)| {
            let events = events.into_iter().map(|(event, at)| NativeEvent::new(Arc::new(event), Some(at)));
            let events = PyList::new(py, events.collect::<Vec<_>>())?;
            Ok((events, next).into_pyobject(py)?.into_any().unbind())
        })
    }

    /// The last position of the log: a future of an `int`.
    #[pyo3(signature = () -> "asyncio.Future[int]")]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let iac = self.iac.clone();
        let work = async move { iac.head().await };
        future(py, self.on.get(), work, |py, head| Ok(head.into_pyobject(py)?.into_any().unbind()))
    }

    /// The position after which everything was recorded at `time` (RFC 3339) or later: a future of an `int`.
    #[pyo3(signature = (time: "str") -> "asyncio.Future[int]")]
    fn recorded_before<'py>(&self, py: Python<'py>, time: &str) -> PyResult<Bound<'py, PyAny>> {
        let time: Timestamp = time
            .parse()
            .map_err(|_| PyValueError::new_err(format!("`{time}` is no time as RFC 3339 has it")))?;
        let iac = self.iac.clone();
        let work = async move { iac.recorded_before(time).await };
        future(py, self.on.get(), work, |py, at| Ok(at.into_pyobject(py)?.into_any().unbind()))
    }

    /// Calls `deliver(event, patience)` for events of these names (none: all) recorded by this process from now on: a
    /// future of a `Subscription`. `limit_s` is how long it may take over one event.
    #[pyo3(signature = (name: "str", names: "list[str]", deliver: "object", limit_s: "float | None")
           -> "asyncio.Future[Subscription]")]
    fn subscribe<'py>(
        &self,
        py: Python<'py>,
        name: String,
        names: Vec<String>,
        deliver: Py<PyAny>,
        limit_s: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let on = self.on.get();
        let limit = limit_s.map(|limit| seconds("timeout", limit)).transpose()?;
        let (bridge, deliver) = (on.bridge.clone(), Arc::new(deliver));
        let handler = PythonHandler { name, bridge, deliver, limit, timers: Timers::default() };
        let (iac, filter) = (self.iac.clone(), of_names(names));
        let work = async move { iac.subscribe(filter, Arc::new(handler)).await };
        future(py, on, work, |py, id| Ok(Py::new(py, Subscription(id))?.into_any()))
    }

    /// Ends a subscription: a future of `None`.
    #[pyo3(signature = (subscription: "Subscription") -> "asyncio.Future[None]")]
    fn unsubscribe<'py>(&self, py: Python<'py>, subscription: &Subscription) -> PyResult<Bound<'py, PyAny>> {
        let (iac, id) = (self.iac.clone(), subscription.0);
        let work = async move { iac.unsubscribe(id).await };
        future(py, self.on.get(), work, |py, ()| Ok(py.None()))
    }
}

fn of_names(names: Vec<String>) -> EventFilter {
    EventFilter { names: names.into_iter().collect(), ..EventFilter::default() }
}

/// The events that pass `filter`, with their positions.
fn admitted(page: &[RecordedEvent], filter: &EventFilter) -> Result<Vec<(Envelope, u64)>, Error> {
    let mut events = Vec::with_capacity(page.len());
    for recorded in page {
        let event = recorded.envelope()?;
        if filter.admits(&event) {
            events.push((event, recorded.position));
        }
    }
    Ok(events)
}

fn failure(py: Python<'_>, failed: &FailedDelivery) -> PyResult<Py<PyAny>> {
    let error = to_exception(py, &failed.error).into_value(py);
    Ok((&failed.handler, &failed.event_id, error).into_pyobject(py)?.into_any().unbind())
}

fn seconds(what: &str, given: f64) -> PyResult<Duration> {
    let wait = Duration::try_from_secs_f64(given);
    let wait =
        wait.map_err(|_| PyValueError::new_err(format!("{what} must be a number of seconds, not {given}")))?;
    Ok(wait.min(LONGEST_WAIT))
}
