//! Documentation, on the way of its tests.
//!
//! `cargo doc` compiles all that documented crates stand on once more, for types alone. The tests in the documentation have rustdoc
//! read the same sources beside what is compiled already: there it documents them, too, and says what is wrong.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::Outcome;
use crate::command::{target, workspace};

/// Names the real rustdoc where this program stands in for it.
const RUSTDOC: &str = "SEMANTEST_RUSTDOC";
/// Where it puts what it writes.
const FOLDER: &str = "SEMANTEST_DOCUMENTATION";

/// Documents all libraries, warnings being errors, and runs the tests in their documentation.
pub(crate) fn test(root: &Path, tools: &Path) -> Outcome {
    // Not the file that runs now: the workspace was built since, this program with it.
    let own = target(root).join("debug/xtask");
    workspace(root, &["test", "--doc"])
        .env("RUSTDOC", own)
        .env(RUSTDOC, std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()))
        .env(FOLDER, target(root).join("doc"))
        .env("SEMANTEST_TOOLS", tools)
        .run("documentation and its tests")
}

/// Does what Cargo wants of rustdoc, where it has called this program for it.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let rustdoc = std::env::var_os(RUSTDOC)?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let run = |arguments: &[OsString], more: &[OsString]| {
        let status = Command::new(&rustdoc).args(arguments).args(more).status();
        status.is_ok_and(|status| status.success())
    };
    let tests = arguments.iter().any(|argument| argument == "--test");
    let documented = !tests || run(&without_tests(&arguments), &lints());
    Some(if documented && run(&arguments, &[]) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lints() -> [OsString; 4] {
    let folder = std::env::var_os(FOLDER).unwrap_or_else(|| "doc".into());
    ["-D".into(), "warnings".into(), "--out-dir".into(), folder]
}

/// The same call for documentation alone.
fn without_tests(arguments: &[OsString]) -> Vec<OsString> {
    let (mut kept, mut all) = (Vec::new(), arguments.iter());
    while let Some(argument) = all.next() {
        match argument.to_str() {
            Some("--test") => {}
            Some("--test-run-directory" | "--test-args") => drop(all.next()),
            _ => kept.push(argument.clone()),
        }
    }
    kept
}
