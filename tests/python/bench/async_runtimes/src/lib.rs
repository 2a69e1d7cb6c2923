//! Deliveries of an event to a Python handler by pyo3-async-runtimes, the way its documentation shows: what
//! `cargo xtask bench python` compares with.

use std::io::{Read, Write};
use std::sync::Arc;

use futures::StreamExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::tokio::{future_into_py, get_current_locals};
use serde_json::Value;

/// What the handler is given: JSON as text, or the same as a `dict`.
enum Given {
    Json(String),
    Dict(Value),
}

impl Given {
    fn to_python(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Json(text) => Ok(text.into_pyobject(py)?.into_any().unbind()),
            Self::Dict(value) => dict(py, value),
        }
    }
}

fn dict(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any().unbind(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into_pyobject(py)?.into_any().unbind(),
            None => number.as_f64().into_pyobject(py)?.into_any().unbind(),
        },
        Value::String(text) => text.into_pyobject(py)?.into_any().unbind(),
        Value::Array(values) => {
            let list = PyList::empty(py);
            values.iter().try_for_each(|value| list.append(dict(py, value)?))?;
            list.into_any().unbind()
        }
        Value::Object(map) => {
            let made = PyDict::new(py);
            map.iter().try_for_each(|(key, value)| made.set_item(key, dict(py, value)?))?;
            made.into_any().unbind()
        }
    })
}

/// Has the async `handler` handle the event `times` times, so many at once: an awaitable of `None`.
#[pyfunction]
fn deliver_repeatedly<'py>(
    py: Python<'py>,
    handler: Py<PyAny>,
    event: String,
    as_dict: bool,
    times: usize,
    at_once: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let given = match as_dict {
        true => Given::Dict(
            serde_json::from_str(&event).map_err(|error| PyValueError::new_err(error.to_string()))?,
        ),
        false => Given::Json(event),
    };
    let delivery = Arc::new((handler, given, get_current_locals(py)?));
    future_into_py(py, async move {
        let deliveries = (0..times).map(|_| deliver(delivery.clone()));
        let mut outcomes = futures::stream::iter(deliveries).buffer_unordered(at_once.max(1));
        while let Some(outcome) = outcomes.next().await {
            outcome?;
        }
        Ok(())
    })
}

async fn deliver(delivery: Arc<(Py<PyAny>, Given, TaskLocals)>) -> PyResult<()> {
    let (handler, given, locals) = &*delivery;
    let outcome = Python::attach(|py| {
        let coroutine = handler.bind(py).call1((given.to_python(py)?,))?;
        pyo3_async_runtimes::into_future_with_locals(locals, coroutine)
    })?;
    outcome.await.map(drop)
}

/// Has two threads wake each other `times` times: what any delivery to another thread costs on this machine.
#[pyfunction]
fn wake_repeatedly(py: Python<'_>, times: usize) -> PyResult<()> {
    let ((mut asked, mut ask), (mut answered, mut answer)) = (std::io::pipe()?, std::io::pipe()?);
    py.detach(|| {
        let other = std::thread::spawn(move || {
            (0..times).try_for_each(|_| asked.read_exact(&mut [0]).and_then(|()| answer.write_all(&[0])))
        });
        (0..times).try_for_each(|_| ask.write_all(&[0]).and_then(|()| answered.read_exact(&mut [0])))?;
        other.join().unwrap_or(Ok(()))
    })?;
    Ok(())
}

/// Deliveries by pyo3-async-runtimes.
#[pymodule]
fn async_runtimes_bench(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(wake_repeatedly, module)?)?;
    module.add_function(wrap_pyfunction!(deliver_repeatedly, module)?)
}
