//! What runs code: functions and containers.

pub mod container_service;
pub mod serverless_function;
