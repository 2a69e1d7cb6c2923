//! What runs code: functions and containers.

pub mod bootstrap;
pub mod container_service;
pub mod function_layer;
pub mod hosting_plan;
pub mod serverless_function;
pub mod when_busy;
