//! The deployment: aggregate, resource graph, planner and plan.

pub mod plan;
pub mod resource;
pub mod resource_graph;
