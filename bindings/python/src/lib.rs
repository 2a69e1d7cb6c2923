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

use pyo3::prelude::*;

/// Native parts of semantest_iac. Use the package; nothing here is meant for applications.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
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
