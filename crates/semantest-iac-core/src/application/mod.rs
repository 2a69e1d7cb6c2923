//! The application service: requests in, plans made and applied, facts out.

pub mod answer;
