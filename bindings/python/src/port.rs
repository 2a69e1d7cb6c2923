//! Ports written in Python: objects with the port's methods, async or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use semantest_iac::foreign::{
    Argument, ForeignEventBus, ForeignEventStore, ForeignObject, ForeignProvider, ForeignSecretResolver,
    deliver,
};
use semantest_iac::ports::event_bus::{EventBus, EventHandler};
use semantest_iac::ports::event_store::EventStore;
use semantest_iac::ports::provider::Provider;
use semantest_iac::ports::secret_resolver::SecretResolver;
use semantest_iac::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::bridge::LoopBridge;
use crate::calls::{call, future};
use crate::convert::{to_json, to_python};
use crate::errors::{from_exception, to_exception};

/// What Python hands over for a port: an object whose methods take and give what JSON can hold, and what it has.
#[derive(FromPyObject)]
pub(crate) struct Port {
    target: Py<PyAny>,
    /// `provider`, `event_bus`, `event_store`, `secret_resolver`.
    role: String,
    /// For messages, and the provider's name.
    name: String,
    methods: BTreeSet<String>,
    schemes: Vec<String>,
}

impl Port {
    pub fn role(&self) -> &str {
        &self.role
    }

    pub fn provider(self, on: Py<LoopBridge>) -> Result<Arc<dyn Provider>> {
        let name = self.name.clone();
        Ok(Arc::new(ForeignProvider::new(&name, self.object(on, ErrorKind::Provider))?))
    }

    pub fn event_bus(self, on: Py<LoopBridge>) -> Result<Arc<dyn EventBus>> {
        Ok(Arc::new(ForeignEventBus::new(self.object(on, ErrorKind::HandlerFailed))?))
    }

    pub fn event_store(self, on: Py<LoopBridge>) -> Result<Arc<dyn EventStore>> {
        Ok(Arc::new(ForeignEventStore::new(self.object(on, ErrorKind::Storage))?))
    }

    pub fn secret_resolver(mut self, on: Py<LoopBridge>) -> Result<Arc<dyn SecretResolver>> {
        let schemes = std::mem::take(&mut self.schemes);
        let object = self.object(on, ErrorKind::SecretUnresolved);
        Ok(Arc::new(ForeignSecretResolver::new(schemes, object)?))
    }

    fn object(self, on: Py<LoopBridge>, kind: ErrorKind) -> Arc<dyn ForeignObject> {
        let Self { target, role, name, methods, .. } = self;
        Arc::new(PythonObject { target: Arc::new(target), role, name, methods, kind, on: Arc::new(on) })
    }
}

struct PythonObject {
    target: Arc<Py<PyAny>>,
    role: String,
    name: String,
    methods: BTreeSet<String>,
    /// What an exception of its own counts as.
    kind: ErrorKind,
    on: Arc<Py<LoopBridge>>,
}

#[async_trait]
impl ForeignObject for PythonObject {
    fn has(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        let (target, on, named) = (self.target.clone(), self.on.clone(), method.to_owned());
        let operation = format!("{}.{method}", self.role);
        let what = format!("{operation} of {}", self.name);
        let kind = self.kind;
        let (asked, asked_what) = (operation.clone(), what.clone());
        let answer = call(
            &self.on.get().bridge,
            move |py| {
                let arguments = arguments.into_iter().map(|argument| given(py, &on, argument));
                let arguments = PyTuple::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?;
                target.bind(py).getattr(named.as_str())?.call1(arguments)
            },
            // On the loop's thread, where one is in the interpreter already.
            move |outcome| {
                let answer = outcome.and_then(|value| to_json(&value, &format!("what {asked} returned")));
                let failed =
                    |error| Python::attach(|py| from_exception(py, error, kind, &asked, &asked_what));
                Ok(answer.map_err(failed))
            },
        );
        answer.await.unwrap_or_else(|_| {
            let text = format!("{what} cannot be called: its event loop has ended");
            Err(Error::new(ErrorKind::Unavailable, operation, text))
        })
    }

    fn call_blocking(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        // The loop's thread answers meanwhile: this one is of the runtime.
        tokio::task::block_in_place(|| Handle::current().block_on(self.call(method, arguments)))
    }
}

fn given<'py>(py: Python<'py>, on: &Py<LoopBridge>, argument: Argument) -> PyResult<Py<PyAny>> {
    match argument {
        Argument::Json(value) => to_python(py, &value),
        Argument::Handler(handler) => {
            Ok(Py::new(py, NativeHandler { handler, on: on.clone_ref(py) })?.into_any())
        }
    }
}

/// A handler that was subscribed to an event bus written in Python.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct NativeHandler {
    handler: Arc<dyn EventHandler>,
    on: Py<LoopBridge>,
}

#[pymethods]
impl NativeHandler {
    /// The handler's name.
    #[getter]
    fn name(&self) -> &str {
        self.handler.name()
    }

    /// Handles an event, given as a CloudEvents object: a future of `None`. Its error says with `retry` whether trying
    /// again can help.
    #[pyo3(signature = (event: "object") -> "asyncio.Future[None]")]
    fn handle<'py>(&self, py: Python<'py>, event: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let event = to_json(&event, "the event")?;
        let handler = self.handler.clone();
        let work = async move { deliver(handler.as_ref(), event).await };
        future(py, self.on.get(), work, |py, ()| Ok(py.None()))
    }
}

/// The port, or the exception that says why it is none.
pub(crate) fn made<T>(py: Python<'_>, port: Result<T>) -> PyResult<T> {
    port.map_err(|error| to_exception(py, &error))
}
