//! What goes wrong on this machine, as errors of the core.

use std::io;
use std::path::Path;

use semantest_iac_core::{Error, ErrorKind};

/// A file or folder could not be used.
pub(crate) fn disk(operation: &str, path: &Path, error: io::Error) -> Error {
    let text = format!("`{}` could not be used", path.display());
    Error::new(ErrorKind::Storage, operation, text).with("path", path.display()).caused_by(error)
}

/// Something of that name is there and is not ours.
pub(crate) fn foreign(what: &str, name: &str) -> Error {
    let text = format!("{what} `{name}` exists and is not ours: rename it or take it away by hand");
    Error::new(ErrorKind::AlreadyExists, "local.apply", text).with("name", name)
}

/// A resource whose inputs are not ours to understand.
pub(crate) fn malformed(kind: &str, error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "local.read",
        format!("the inputs of a {kind} cannot be read: {error}"),
    )
}
