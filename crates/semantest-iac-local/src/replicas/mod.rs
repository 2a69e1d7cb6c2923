//! Runs container services: replicas of a command or an image, kept as many and as well as they should be.

mod container;
mod crew;
pub(crate) mod environment;
mod guard;
mod health;
mod judgement;
mod launch;
mod member;
mod port;
mod revision;
mod scaling;
mod service;
pub(crate) mod services;
mod usage;
