//! Errors of the core as exceptions, and exceptions as errors of the core.

use std::fmt;
use std::sync::Arc;

use pyo3::prelude::*;
use semantest_iac::{Error, ErrorKind, ErrorRecord, Retry};
use serde_json::json;

use crate::convert::{object_to_python, to_json};

/// An exception on its way through the core: it comes out as the very same object.
#[derive(Clone)]
pub(crate) struct Raised(Arc<PyErr>);

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Python exception")
    }
}

impl fmt::Display for Raised {
    /// What it says stands in the error already: to print it, one would have to be in the interpreter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("")
    }
}

impl std::error::Error for Raised {}

/// The exception that a handler or a port in Python raised, where that is what the error comes from.
pub(crate) fn raised<'py>(py: Python<'py>, error: &Error) -> Option<Bound<'py, PyAny>> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(Raised(exception)) = error.downcast_ref() {
            return Some(exception.value(py).clone().into_any());
        }
        cause = error.source();
    }
    None
}

/// The exception that stands for `error`: the class of its kind in `semantest_iac.errors`.
pub(crate) fn to_exception(py: Python<'_>, error: &Error) -> PyErr {
    exception_of(py, error).unwrap_or_else(|failed| failed)
}

fn exception_of(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = py.import("semantest_iac.errors")?.getattr("Error")?;
    let exception = class.call_method1("of", (record_to_python(py, &error.to_record())?,))?;
    let made = PyErr::from_value(exception);
    if let Some(cause) = raised(py, error) {
        made.set_cause(py, Some(PyErr::from_value(cause)));
    }
    Ok(made)
}

/// An error record as a `dict`.
pub(crate) fn record_to_python(py: Python<'_>, record: &ErrorRecord) -> PyResult<Py<PyAny>> {
    let value = serde_json::to_value(record).unwrap_or_else(|_| json!({}));
    Ok(object_to_python(py, value.as_object().unwrap_or(&serde_json::Map::new()))?.into_any().unbind())
}

/// The core's error for an exception: an `Error` of ours keeps its kind, anything else is of `kind`. `what` raised it.
pub(crate) fn from_exception(
    py: Python<'_>,
    exception: PyErr,
    kind: ErrorKind,
    operation: &str,
    what: &str,
) -> Error {
    let own = own_error(py, &exception, operation);
    let error = own.unwrap_or_else(|| {
        let value = exception.value(py);
        let name = value.get_type().qualname().map(|name| name.to_string()).unwrap_or_default();
        let said = value.str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Error::new(kind, operation, format!("{what} raised {name}{said}"))
    });
    error.caused_by(Raised(Arc::new(exception)))
}

/// Where it is an instance of `semantest_iac.errors.Error`: what it says of itself.
fn own_error(py: Python<'_>, exception: &PyErr, operation: &str) -> Option<Error> {
    let class = py.import("semantest_iac.errors").and_then(|errors| errors.getattr("Error")).ok()?;
    let value = exception.value(py);
    if !value.is_instance(&class).ok()? {
        return None;
    }
    let text = |name: &str| value.getattr(name).and_then(|text| text.extract::<String>()).ok();
    let kind = serde_json::from_value::<ErrorKind>(json!(text("kind")?)).ok()?;
    let retry = text("retry").and_then(|retry| serde_json::from_value::<Retry>(json!(retry)).ok());
    let named = text("operation").filter(|name| !name.is_empty()).unwrap_or_else(|| operation.to_owned());
    let error = Error::new(kind, named, text("message").unwrap_or_default());
    let error = retry.into_iter().fold(error, Error::with_retry);
    let context = value.getattr("context").and_then(|context| to_json(&context, "context")).ok();
    let facts = context.and_then(|context| context.as_object().cloned()).unwrap_or_default();
    Some(facts.into_iter().fold(error, |error, (key, value)| match value {
        serde_json::Value::String(text) => error.with(key, text),
        other => error.with(key, other),
    }))
}
