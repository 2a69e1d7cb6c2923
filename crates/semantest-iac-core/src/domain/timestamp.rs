//! Moments.

/// A moment, to the nanosecond, in UTC.
pub type Timestamp = jiff::Timestamp;
