//! Identifiers, as an input.

use uuid::Uuid;

/// Makes identifiers.
pub trait IdGenerator: Send + Sync {
    /// A UUID version 7: unique, and sorted by time within this process.
    fn next(&self) -> Uuid;
}
