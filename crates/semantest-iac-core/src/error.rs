//! The one error type: what kind, whether trying again can help, during which operation.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a word a program can match on.
///
/// Front doors map it one to one: an exception class in Python, `code` in TypeScript,
/// `error.kind` in `--output json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something malformed: an argument, an event, a configuration value.
    InvalidInput,
    /// The project file or something it names is wrong.
    InvalidProject,
    /// The resources cannot be ordered: a cycle or a reference to nothing.
    InvalidGraph,
    /// The thing asked for does not exist.
    NotFound,
    /// It exists already and is not ours, so it is left alone.
    AlreadyExists,
    /// Somebody else appended to the stream first.
    VersionConflict,
    /// An event with this id was recorded before.
    DuplicateEvent,
    /// Another run holds the deployment's lease.
    Held,
    /// A secret reference could not be resolved.
    SecretUnresolved,
    /// This provider or version cannot do that.
    Unsupported,
    /// Credentials are missing or refused.
    Unauthenticated,
    /// The identity may not do that.
    PermissionDenied,
    /// The other side asks to slow down.
    Throttled,
    /// No answer in time; it may or may not have taken effect.
    Timeout,
    /// The other side cannot be reached or is failing for now.
    Unavailable,
    /// Given up because the user asked to stop.
    Cancelled,
    /// The event log or an artifact could not be read or written.
    Storage,
    /// The log was written by a newer version of this program.
    StorageTooNew,
    /// A provider call failed for a reason of its own.
    Provider,
    /// A subscriber failed while handling an event.
    HandlerFailed,
    /// One or more steps of a deployment failed; the context names them.
    DeploymentFailed,
    /// A defect in this program.
    Internal,
}

impl ErrorKind {
    /// The word used in JSON, e.g. `invalid_project`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::InvalidProject => "invalid_project",
            Self::InvalidGraph => "invalid_graph",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::VersionConflict => "version_conflict",
            Self::DuplicateEvent => "duplicate_event",
            Self::Held => "held",
            Self::SecretUnresolved => "secret_unresolved",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::Storage => "storage",
            Self::StorageTooNew => "storage_too_new",
            Self::Provider => "provider",
            Self::HandlerFailed => "handler_failed",
            Self::DeploymentFailed => "deployment_failed",
            Self::Internal => "internal",
        }
    }
}

/// Whether the same call can succeed when made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It will fail again until something is changed.
    Never,
    /// It may succeed later.
    Later,
    /// It was retried as often as it makes sense.
    Exhausted,
}

/// An error of semantest-iac. Cheap to move and to clone.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: String,
    message: String,
    context: Vec<(String, String)>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error that repeating will not cure. `operation` names what was being done (`sqlite.append`),
    /// `message` says what is wrong and what to do.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: Retry::Never,
            operation: operation.into(),
            message: message.into(),
            context: Vec::new(),
            source: None,
        }))
    }

    /// The same error, marked as worth another try later.
    pub fn retry_later(self) -> Self {
        self.with_retry(Retry::Later)
    }

    /// The same error with another retry mark.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds a fact (`address`, `file`, `line`, …). Values must never be secrets.
    pub fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.0.context.push((key.into(), value.to_string()));
        self
    }

    /// Names what caused it.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// What was being done.
    pub fn operation(&self) -> &str {
        &self.0.operation
    }

    /// What is wrong and what to do, in words.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts in the order they were added.
    pub fn context(&self) -> &[(String, String)] {
        &self.0.context
    }

    /// The form kept in events and printed by `--output json`.
    pub fn to_record(&self) -> ErrorRecord {
        ErrorRecord {
            kind: self.kind(),
            message: self.message_with_causes(),
            operation: self.0.operation.clone(),
            context: self.0.context.iter().cloned().collect(),
            retry: self.0.retry,
        }
    }

    fn message_with_causes(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("retry", &self.0.retry).field("operation", &self.0.operation);
        out.field("message", &self.message_with_causes()).field("context", &self.0.context).finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An [`Error`] as data: what events keep and `--output json` prints under `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorRecord {
    /// What went wrong.
    pub kind: ErrorKind,
    /// In words, causes included.
    pub message: String,
    /// What was being done.
    pub operation: String,
    /// Facts by name.
    #[serde(default)]
    pub context: std::collections::BTreeMap<String, String>,
    /// Whether trying again can help.
    pub retry: Retry,
}

impl From<ErrorRecord> for Error {
    fn from(record: ErrorRecord) -> Self {
        let error = Self::new(record.kind, record.operation, record.message).with_retry(record.retry);
        record.context.into_iter().fold(error, |error, (key, value)| error.with(key, value))
    }
}
