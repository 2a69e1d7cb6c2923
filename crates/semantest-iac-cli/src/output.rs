//! Where things are printed: results to standard output, everything else to standard error.

use std::io::{ErrorKind as IoErrorKind, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use semantest_iac::{Error, ErrorRecord};
use serde::Serialize;
use serde_json::json;

use crate::Exit;
use crate::arguments::Format;
use crate::printable::printable;
use crate::render;
use crate::several::Failure;

/// Standard output and standard error, as the user wants them.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    /// Why nothing more can be written to standard output.
    broken: Arc<OnceLock<std::io::Error>>,
}

impl Output {
    /// Prints in `format`.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet, broken: Arc::default() }
    }

    /// Whether one JSON object is the result.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether progress is shown.
    pub fn shows_progress(&self) -> bool {
        !self.quiet
    }

    /// Whether standard error can show lines that change.
    pub fn is_live(&self) -> bool {
        self.shows_progress() && std::io::stderr().is_terminal() && !is_dumb()
    }

    /// The result: `answer` as JSON, or `text`.
    pub fn result(&self, answer: &impl Serialize, text: &str) {
        match self.format {
            Format::Json => self.raw(&serde_json::to_string_pretty(answer).unwrap_or_default()),
            Format::Text => self.line(text),
        }
    }

    /// The result, its text a diff.
    pub fn diff(&self, answer: &impl Serialize, text: &str) {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if self.is_json() || no_color || is_dumb() || !std::io::stdout().is_terminal() {
            return self.result(answer, text);
        }
        self.raw(&render::painted(&printable(text)));
    }

    /// Lines of the result, for people.
    pub fn line(&self, text: &str) {
        self.raw(&printable(text));
    }

    /// Lines of the result, as they are.
    pub fn raw(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut out = std::io::stdout().lock();
        let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
        self.note_write(written);
    }

    /// Part of a result, byte for byte.
    pub fn part(&self, part: &[u8]) {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(part).and_then(|()| out.flush());
        self.note_write(written);
    }

    /// An empty screen, where there is one.
    pub fn clear(&self) {
        if std::io::stdout().is_terminal() {
            // ECMA-48: erase the screen and what was scrolled away (xterm), cursor to the top.
            self.raw("\u{1b}[2J\u{1b}[3J\u{1b}[H");
        }
    }

    /// Remembers that something could not be written.
    pub fn note_write(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            let _ = self.broken.set(error);
        }
    }

    /// Whether nobody reads standard output any more.
    pub fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    /// The exit code in the end. A reader that has gone away (`| head`) is no failure; a full disk is.
    pub fn finish(&self, exit: Exit) -> Exit {
        match self.broken.get() {
            Some(error) if error.kind() != IoErrorKind::BrokenPipe => {
                let _ = writeln!(std::io::stderr(), "error: the result cannot be written: {error}");
                if exit == Exit::DONE || exit == Exit::CHANGES { Exit::FAILED } else { exit }
            }
            _ => exit,
        }
    }

    /// Something to know on the way.
    pub fn note(&self, text: &str) {
        if self.shows_progress() {
            let _ = writeln!(std::io::stderr(), "{}", printable(text));
        }
    }

    /// Something that is wrong and keeps nothing from being done.
    pub fn warning(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "warning: {}", printable(text));
    }

    /// Prints an error and returns the exit code it calls for.
    pub fn error(&self, error: &Error) -> Exit {
        let record = error.to_record();
        match self.is_json() {
            true => self.raw(&serde_json::to_string_pretty(&json!({ "error": record })).unwrap_or_default()),
            false => self.explain(&record),
        }
        Exit::of(error)
    }

    /// Prints, for people, why something could not be done with some components; JSON holds it in the answer.
    pub fn explain_all(&self, failures: &[Failure]) {
        if !self.is_json() {
            for Failure { component, error } in failures {
                let mut error = error.clone();
                error.context.entry("component".into()).or_insert_with(|| component.clone());
                self.explain(&error);
            }
        }
    }

    /// Prints an error for people.
    fn explain(&self, record: &ErrorRecord) {
        let _ = writeln!(std::io::stderr(), "error: {}", printable(&render::error(record)));
    }
}

/// Whether the terminal takes nothing but text.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}
