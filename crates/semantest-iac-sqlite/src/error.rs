//! SQLite's and the file system's errors in ours.

use std::path::Path;

use semantest_iac_core::{Error, ErrorKind};

/// `SQLITE_IOERR_SHMSIZE`.
const SHM_SIZE: i32 = 4874;

/// A failure of SQLite during `operation`.
pub(crate) fn sqlite(operation: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    let path = path.display().to_string();
    move |error| {
        let code = error.sqlite_error_code();
        use rusqlite::ErrorCode as Code;
        let advice = match code {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => "another process is writing to it; try again",
            Some(Code::DiskFull) => "the disk is full; make room and try again",
            // The index of the write-ahead log could not be made as large as it has to be.
            _ if error.sqlite_error().is_some_and(|error| error.extended_code == SHM_SIZE) => {
                "the disk is full; make room and try again"
            }
            Some(Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => {
                "it cannot be opened for writing; check the folder's permissions"
            }
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => {
                "it is not a log of semantest-iac, or damaged; restore it from a copy"
            }
            _ => "it could not be read or written",
        };
        let failure = Error::new(ErrorKind::Storage, operation, format!("{path}: {advice}"));
        let failure = failure.with("file", &path).caused_by(error);
        match code {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => failure.retry_later(),
            _ => failure,
        }
    }
}

/// A failure of the file system during `operation`.
pub(crate) fn file(operation: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| {
        let text = format!("{path}: {error}");
        Error::new(ErrorKind::Storage, operation, text).with("file", &path)
    }
}
