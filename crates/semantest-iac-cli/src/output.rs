//! Where things are printed: results to standard output, everything else to standard error.

use std::io::{IsTerminal, Write};

use semantest_iac::Error;
use serde::Serialize;
use serde_json::json;

use crate::Exit;
use crate::arguments::Format;

/// Standard output and standard error, as the user wants them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub format: Format,
    quiet: bool,
}

impl Output {
    /// Prints in `format`.
    pub fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
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
        self.shows_progress() && std::io::stderr().is_terminal()
    }

    /// Whether standard output takes colours.
    pub fn has_colors(&self) -> bool {
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// The result: `answer` as JSON, or `text`.
    pub fn result(&self, answer: &impl Serialize, text: &str) {
        match self.format {
            Format::Json => self.line(&serde_json::to_string_pretty(answer).unwrap_or_default()),
            Format::Text => self.line(text),
        }
    }

    /// A line of the result. A reader that has gone away (`| head`) is no failure.
    pub fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if !text.is_empty() {
            let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
            let _ = out.flush();
        }
    }

    /// Something to know on the way.
    pub fn note(&self, text: &str) {
        if self.shows_progress() {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints an error and returns the exit code it calls for.
    pub fn error(&self, error: &Error) -> Exit {
        let record = error.to_record();
        if self.is_json() {
            self.line(&serde_json::to_string_pretty(&json!({ "error": record })).unwrap_or_default());
        } else {
            let mut text = format!("error: {}", record.message);
            for (key, value) in &record.context {
                if !record.message.contains(value.as_str()) {
                    text.push_str(&format!("\n  {key}: {value}"));
                }
            }
            let _ = writeln!(std::io::stderr(), "{text}");
        }
        Exit::of(error)
    }
}
