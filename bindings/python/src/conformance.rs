//! The suites that every adapter passes, run over ports written in Python.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures::FutureExt;
use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::prelude::*;
use semantest_iac::Error;
use semantest_iac::conformance;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bridge::LoopBridge;
use crate::calls::future;
use crate::convert::to_json;
use crate::port::{Port, made};

type Suite = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs the suite of the port's role: a future of `None`, or of the broken claim. `sample` is what a provider or a secret
/// resolver is tried on.
#[pyfunction]
#[pyo3(signature = (on: "LoopBridge", port: "object", sample: "object") -> "asyncio.Future[None]")]
pub(crate) fn check_conformance<'py>(
    py: Python<'py>,
    on: Py<LoopBridge>,
    port: Port,
    sample: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let sample = to_json(&sample, "the sample")?;
    let suite = suite(py, on.clone_ref(py), port, sample)?;
    let work = async move {
        // A broken claim is a panic there, and an answer here.
        Ok::<_, Error>(AssertUnwindSafe(suite).catch_unwind().await.map_err(|claim| said(claim.as_ref())))
    };
    future(py, on.get(), work, |py, outcome| match outcome {
        Ok(()) => Ok(py.None()),
        Err(claim) => Err(PyAssertionError::new_err(claim)),
    })
}

fn suite(py: Python<'_>, on: Py<LoopBridge>, port: Port, sample: Value) -> PyResult<Suite> {
    Ok(match port.role() {
        "provider" => {
            let sample: conformance::provider::Sample = read_sample(sample)?;
            let provider = made(py, port.provider(on))?;
            Box::pin(async move { conformance::provider::conforms(provider.as_ref(), &sample).await })
        }
        "event_bus" => {
            let bus = made(py, port.event_bus(on))?;
            Box::pin(async move { conformance::event_bus::conforms(bus.as_ref()).await })
        }
        "event_store" => {
            let store = made(py, port.event_store(on))?;
            Box::pin(async move { conformance::event_store::conforms(store).await })
        }
        "secret_resolver" => {
            let sample: conformance::secret_resolver::Sample = read_sample(sample)?;
            let resolver = made(py, port.secret_resolver(on))?;
            Box::pin(async move { conformance::secret_resolver::conforms(resolver.as_ref(), &sample).await })
        }
        role => return Err(PyValueError::new_err(format!("there is no suite for {role}"))),
    })
}

fn read_sample<T: DeserializeOwned>(sample: Value) -> PyResult<T> {
    // What serde says of it may show a secret.
    serde_json::from_value(sample)
        .map_err(|_| PyValueError::new_err("the sample is not as the suite needs it"))
}

fn said(claim: &(dyn Any + Send)) -> String {
    let text = claim.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| claim.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a claim is broken".into())
}
