//! Running programs, with words for what failed.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::Outcome;

thread_local! {
    /// Whether others run programs at the same time as this thread.
    static AMONG_OTHERS: Cell<bool> = const { Cell::new(false) };
}

/// One of several things that are done at once.
pub(crate) type Lane<'a> = Box<dyn FnOnce() -> Outcome + Send + 'a>;

/// Does all of them at once, each to its end. What a program of theirs prints comes at its end, in one piece.
pub(crate) fn at_once<const N: usize>(lanes: [Lane<'_>; N]) -> Outcome {
    let outcomes = std::thread::scope(|scope| {
        let running = lanes.map(|lane| {
            scope.spawn(|| {
                AMONG_OTHERS.set(true);
                lane()
            })
        });
        running.map(|lane| lane.join().unwrap_or_else(|_| Err("xtask itself failed".to_owned())))
    });
    let failures: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// A program to run.
pub(crate) struct Program(Command);

/// Cargo in `folder`.
pub(crate) fn cargo(folder: &Path, arguments: &[&str]) -> Program {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder, arguments)
}

/// Cargo on the whole workspace: `arguments` begin with the verb. Another selection of packages would have other features, and
/// most of it compiled again. Clippy looks at what is compiled of ours, and its warnings are errors: its driver is the compiler
/// with more lints, so nothing is compiled for them alone, as `cargo clippy` does it.
pub(crate) fn workspace(root: &Path, arguments: &[&str]) -> Program {
    let (verb, arguments) = arguments.split_first().unwrap_or((&"build", &[]));
    cargo(root, &[verb, "--workspace"])
        .args(arguments)
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        // As `cargo clippy -- -D warnings` tells its driver.
        .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__")
}

/// Where Cargo puts what it builds of the workspace.
pub(crate) fn target(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root.join("target"))
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
        say(&format!("== {what}"));
        let status = if AMONG_OTHERS.get() { told_at_once(&mut self.0, what) } else { self.0.status() };
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{what} failed ({status})")),
            Err(error) => Err(format!("{what}: {} cannot be run: {error}", self.0.get_program().display())),
        }
    }
}

fn told_at_once(command: &mut Command, what: &str) -> std::io::Result<ExitStatus> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("xtask-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    // No pipe, which what it leaves running would keep open.
    let output = File::create_new(&file)?;
    let status = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).status();
    let told = std::fs::read(&file);
    std::fs::remove_file(&file)?;
    let (status, told) = (status?, told?);
    let heading = format!("== {what}: {}\n", if status.success() { "done" } else { "failed" });
    tell(&[heading.as_bytes(), &told].concat())?;
    Ok(status)
}

/// Tells whoever looks on.
pub(crate) fn say(text: &str) {
    // Nobody is there any more who could be told that it failed.
    let _ = tell(format!("{text}\n").as_bytes());
}

/// Writes all of it. Node.js makes what it writes to non-blocking, and where it is killed, that stays so for everybody who has it: a
/// pipe may be full then.
fn tell(mut bytes: &[u8]) -> std::io::Result<()> {
    let mut standard_error = std::io::stderr().lock();
    while !bytes.is_empty() {
        match standard_error.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(FULL),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// So long whoever reads is given to read on.
const FULL: Duration = Duration::from_millis(10);
