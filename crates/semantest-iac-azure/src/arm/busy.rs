//! What Azure refuses because it is at something else with the same resource: tried again until it is done with that.

use std::time::Duration;

use semantest_iac_core::{Error, ErrorKind, Retry};

use crate::config::CallSettings;
use crate::error::{Failure, is_taken};
use crate::patience::Patience;
use crate::resource_id::arm_type;

/// As long as this at most, or as long as an operation may take, where that is shorter.
const BUDGET: Duration = Duration::from_secs(10 * 60);

/// Conflicts that pass by themselves: the services' codes for "in the middle of something".
const PASSING: [&str; 15] = [
    "AnotherOperationInProgress",
    "Conflict",
    "ConflictingConcurrentWriteNotAllowed",
    "ConflictingServerOperation",
    "ContainerAppOperationInProgress",
    "EtagMismatch",
    "ManagedEnvironmentNotReady",
    "OperationInProgress",
    "ParentResourceNotReady",
    "RequestConflict",
    "ResourceBeingDeleted",
    "ResourceGroupBeingDeleted",
    "ResourceNotProvisioned",
    "StorageAccountIsNotProvisioned",
    "StorageAccountOperationInProgress",
];

/// The waits of one call.
pub(super) struct Busy {
    what: String,
    settings: (Duration, Duration, Duration),
    patience: Option<Patience>,
}

impl Busy {
    pub fn new(path: &str, settings: &CallSettings) -> Self {
        let budget = settings.operation_timeout.min(BUDGET);
        let pauses = settings.pauses;
        Self { what: arm_type(path), settings: (budget, pauses.first, pauses.longest), patience: None }
    }

    /// Waits a while, where `failure` is one that passes.
    ///
    /// # Errors
    /// `failure` itself where it does not, or has not for too long.
    pub async fn wait_after(&mut self, failure: Failure) -> Result<(), Failure> {
        if !passes(&failure) {
            return Err(failure);
        }
        let (budget, first, longest) = self.settings;
        let patience = self.patience.get_or_insert_with(|| {
            let what = format!("{} to be free of what Azure is doing with it", self.what);
            Patience::new(what, budget).pauses(first, longest)
        });
        match patience.pause().await {
            Ok(()) => Ok(()),
            Err(_) => {
                let error = failure.into_error(&format!("change of {}", self.what));
                let text = format!("{}; it has been so for {} s", error.message(), budget.as_secs());
                let error = Error::new(ErrorKind::Unavailable, error.operation(), text);
                Err(error.with_retry(Retry::Exhausted).into())
            }
        }
    }
}

fn passes(failure: &Failure) -> bool {
    let conflict = matches!(failure.status(), Some(409 | 412));
    conflict && failure.is(&PASSING) && !is_taken(failure.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict(code: &str, message: &str) -> Failure {
        let (code, message) = (code.to_owned(), message.to_owned());
        Failure::Refused { status: 409, code, message, request_id: String::new() }
    }

    #[test]
    fn a_name_that_is_taken_is_not_waited_for() {
        assert!(passes(&conflict(
            "Conflict",
            "Cannot modify this site because another operation is in progress."
        )));
        assert!(!passes(&conflict("Conflict", "Website with given name app already exists.")));
        assert!(!passes(&conflict(
            "StorageAccountAlreadyTaken",
            "The storage account named x is already taken."
        )));
    }
}
