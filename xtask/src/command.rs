//! Running programs, with words for what failed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// A program to run.
pub(crate) struct Program(Command);

/// Cargo in `folder`.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Program {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder, arguments)
}

/// Any program in `folder`.
pub(crate) fn program(name: impl AsRef<OsStr>, folder: &Path, arguments: &[&str]) -> Program {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(folder);
    Program(command)
}

impl Program {
    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    /// Runs it; `what` is named where it fails.
    pub fn run(mut self, what: &str) -> Outcome {
        eprintln!("== {what}");
        match self.0.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{what} failed ({status})")),
            Err(error) => Err(format!("{what}: {} cannot be run: {error}", self.0.get_program().display())),
        }
    }
}
