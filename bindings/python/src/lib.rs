//! The native module `semantest_iac._core`: the facade behind Python's public face.
//!
//! No thread of ours ever attaches to the interpreter: what has to be done in Python is queued and done by the event
//! loop's own thread (`bridge.rs`). So nothing of ours can be in the interpreter while it shuts down.

mod awaited;
mod bench;
mod bridge;
mod calls;
mod command_line;
mod conformance;
mod convert;
mod engine;
mod errors;
mod handler;
mod logging;
mod native_event;
mod port;
mod runtime;

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// The `sys` module of the interpreter that we are in: each interpreter has one of its own.
static INTERPRETER: AtomicUsize = AtomicUsize::new(0);

/// Our threads, and the objects they hold, are of one interpreter; the end of another one would end them.
fn refuse_a_second_interpreter(py: Python<'_>) -> PyResult<()> {
    let here = py.import("sys")?.as_ptr() as usize;
    match INTERPRETER.compare_exchange(0, here, Ordering::Relaxed, Ordering::Relaxed) {
        Err(first) if first != here => Err(PyImportError::new_err(
            "semantest_iac is in use by another interpreter of this process, and works in one only",
        )),
        _ => Ok(()),
    }
}

/// Native parts of semantest_iac. Use the package; nothing here is meant for applications.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    refuse_a_second_interpreter(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<bridge::LoopBridge>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<engine::Subscription>()?;
    module.add_class::<handler::Patience>()?;
    module.add_class::<native_event::NativeEvent>()?;
    module.add_class::<port::NativeHandler>()?;
    module.add_class::<runtime::CancelToken>()?;
    module.add_function(wrap_pyfunction!(native_event::new_id, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::shut_down, module)?)?;
    module.add_function(wrap_pyfunction!(command_line::run, module)?)?;
    module.add_function(wrap_pyfunction!(logging::set_level, module)?)?;
    module.add_function(wrap_pyfunction!(conformance::check_conformance, module)?)?;
    module.add_function(wrap_pyfunction!(bench::deliver_repeatedly, module)?)?;
    Ok(())
}
