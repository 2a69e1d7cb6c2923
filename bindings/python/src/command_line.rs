//! The command line, as the program has it.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line `arguments` (without a program's name) and returns its exit code. `host_command` runs this
/// command line again, with `local host --project`.
#[pyfunction]
#[pyo3(signature = (arguments: "list[str]", host_command: "list[str]") -> "int")]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>, host_command: Vec<OsString>) -> u8 {
    let named = std::iter::once("semantest-iac".into()).chain(arguments);
    py.detach(|| semantest_iac_cli::run(named, Some(host_command)).0)
}
