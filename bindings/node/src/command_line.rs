//! The command line, as the program has it.

use std::ffi::OsString;

use napi_derive::napi;

/// Runs the command line `arguments` (without a program's name) and returns its exit code. `host_command` runs this
/// command line again, with `local host --project`.
#[napi(catch_unwind)]
pub fn run(arguments: Vec<String>, host_command: Vec<String>) -> u32 {
    let arguments = as_given(arguments);
    let named = std::iter::once("semantest-iac".into()).chain(arguments);
    let host = host_command.into_iter().map(Into::into).collect();
    semantest_iac_cli::run(named, Some(host)).0.into()
}

/// The arguments as the process was given them: what is no text has lost something on its way through JavaScript.
fn as_given(arguments: Vec<String>) -> Vec<OsString> {
    let all: Vec<OsString> = std::env::args_os().collect();
    let last = &all[all.len().saturating_sub(arguments.len())..];
    let same = last.len() == arguments.len()
        && last.iter().zip(&arguments).all(|(given, told)| *given.to_string_lossy() == **told);
    if same { last.to_vec() } else { arguments.into_iter().map(Into::into).collect() }
}
