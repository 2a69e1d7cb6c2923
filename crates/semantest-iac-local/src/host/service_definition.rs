//! What the host is told to run: container services and the load balancers in front of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::host::definition::{EnvironmentValue, Tags};

/// A container service to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceDefinition {
    /// Unique among the services of this host.
    pub name: String,
    /// Whose it is.
    pub tags: Tags,
    /// What a replica runs.
    pub workload: Workload,
    /// CPUs of one replica: what `target_cpu_percent` is a share of. Only a container is held to it.
    pub cpu: f64,
    /// Memory limit of one replica in MiB.
    pub memory_mb: u32,
    /// Never fewer replicas, and never none; what the service starts with.
    pub min_replicas: u32,
    /// Never more.
    pub max_replicas: u32,
    /// Replicas are added above this mean use of their CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cpu_percent: Option<u8>,
    /// Asked to find out whether a replica is well.
    pub health_check_path: String,
    /// Variables of a replica's environment.
    pub environment_variables: BTreeMap<String, EnvironmentValue>,
    /// `PATH` of who deployed it: whoever happens to start the host may have another one.
    #[serde(default)]
    pub search_path: String,
}

/// What a replica runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Workload {
    /// A program of this machine.
    Process {
        /// The program and its arguments.
        command: Vec<String>,
        /// SHA-256 (hex) of the package it runs in; absent: it runs in the project's folder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        package_sha256: Option<String>,
        /// The folder it runs in: the host finds it, so that a project can be moved.
        #[serde(skip)]
        folder: PathBuf,
    },
    /// A container of this machine's container engine.
    Container {
        /// Image reference.
        image: String,
        /// The port it listens on inside.
        port: u16,
        /// The engine's program.
        engine: PathBuf,
    },
}

impl ServiceDefinition {
    /// The package it runs in.
    pub fn package(&self) -> Option<&str> {
        match &self.workload {
            Workload::Process { package_sha256, .. } => package_sha256.as_deref(),
            Workload::Container { .. } => None,
        }
    }

    /// Whether replicas of `other` can go on as replicas of this: what differs is looked at from outside only.
    pub(crate) fn keeps_replicas_of(&self, other: &Self) -> bool {
        // An engine is told of the limits when it starts a container.
        let limits = matches!(self.workload, Workload::Process { .. })
            || (self.cpu == other.cpu && self.memory_mb == other.memory_mb);
        limits
            && self.workload == other.workload
            && self.environment_variables == other.environment_variables
            && self.search_path == other.search_path
    }
}

/// A load balancer: one loopback port, in front of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerDefinition {
    /// Unique among what listens in this host.
    pub id: String,
    /// Whose it is.
    pub tags: Tags,
    /// The port asked for; `None`: any free one, kept from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Name of the service whose replicas answer.
    pub service: String,
}
