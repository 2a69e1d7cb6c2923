//! The deployment: aggregate, resource graph, planner and plan.

pub mod aggregate;
pub mod orphan;
pub mod overlay;
pub mod plan;
pub mod planner;
pub mod property_diff;
pub mod resource;
pub mod resource_graph;
pub mod state;
pub mod status;
