//! A handle on an event: Python reads of it what it needs, and nothing is converted before.

use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use semantest_iac::Error;
use semantest_iac::events::envelope::Envelope;
use serde_json::Value;

use crate::convert::{object_to_python, to_python};
use crate::errors::to_exception;

/// A recorded or delivered event.
#[pyclass(frozen, module = "semantest_iac._core")]
pub(crate) struct NativeEvent {
    envelope: Arc<Envelope>,
    data: OnceLock<Value>,
    position: Option<u64>,
}

impl NativeEvent {
    pub fn new(envelope: Arc<Envelope>, position: Option<u64>) -> Self {
        Self { envelope, data: OnceLock::new(), position }
    }

    fn value(&self) -> &Value {
        self.data.get_or_init(|| self.envelope.data.to_data())
    }
}

#[pymethods]
impl NativeEvent {
    /// Reads structured CloudEvents JSON.
    #[staticmethod]
    #[pyo3(signature = (text: "str", position: "int | None" = None) -> "NativeEvent")]
    fn from_json(py: Python<'_>, text: &str, position: Option<u64>) -> PyResult<Self> {
        let read = Envelope::from_json(text.as_bytes());
        let envelope = read.map_err(|error: Error| to_exception(py, &error))?;
        Ok(Self::new(Arc::new(envelope), position))
    }

    #[getter]
    fn id(&self) -> &str {
        &self.envelope.id
    }

    #[getter]
    fn source(&self) -> &str {
        &self.envelope.source
    }

    #[getter]
    fn subject(&self) -> &str {
        &self.envelope.subject
    }

    #[getter]
    fn event_type(&self) -> String {
        self.envelope.data.type_name()
    }

    #[getter]
    fn name(&self) -> &str {
        self.envelope.name()
    }

    #[getter]
    fn time(&self) -> String {
        self.envelope.time.to_string()
    }

    #[getter]
    fn correlation_id(&self) -> Option<&str> {
        self.envelope.correlation_id.as_deref()
    }

    #[getter]
    fn causation_id(&self) -> Option<&str> {
        self.envelope.causation_id.as_deref()
    }

    #[getter]
    fn previous_event_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.envelope.previous_event_ids)
    }

    #[getter]
    fn sequence(&self) -> Option<u64> {
        self.envelope.sequence
    }

    #[getter]
    fn traceparent(&self) -> Option<&str> {
        self.envelope.traceparent.as_deref()
    }

    #[getter]
    fn position(&self) -> Option<u64> {
        self.position
    }

    /// One field of the data; `None` where it is absent.
    #[pyo3(signature = (name: "str") -> "object")]
    fn field(&self, py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
        self.value().get(name).map_or_else(|| Ok(py.None()), |value| to_python(py, value))
    }

    /// The data, where it is an object; else an empty `dict`.
    #[pyo3(signature = () -> "dict[str, object]")]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.value().as_object().map_or_else(|| Ok(PyDict::new(py)), |map| object_to_python(py, map))
    }

    /// Structured CloudEvents JSON.
    fn json(&self) -> String {
        String::from_utf8_lossy(&self.envelope.to_json()).into_owned()
    }
}

/// A new UUIDv7, as text.
#[pyfunction]
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
