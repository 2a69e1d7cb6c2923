//! The aws provider.
