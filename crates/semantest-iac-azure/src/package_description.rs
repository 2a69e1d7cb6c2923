//! What a function app's package is made of, as the log has it: by this alone the package can be made again, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::networking::api_gateway::{ApiGateway, ApiProtocol, Cors, Route};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::environment_variables;
use crate::function::function_name;

/// A package: the functions in it, and what leads to each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PackageDescription {
    /// Whether they answer HTTP requests or Web PubSub's events.
    pub protocol: ApiProtocol,
    /// `nodejs20.x`, `python3.12`, `provided.al2023`: the same for all of them.
    pub runtime: String,
    /// Told to the functions, as on AWS.
    pub region: String,
    /// Stage of the events' request context: the environment's name.
    pub stage: String,
    /// Sorted by role.
    pub functions: Vec<PackagedFunction>,
    /// Sorted.
    pub routes: Vec<Route>,
    /// What answers tell browsers beyond what the platform does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// What functions are told beside a request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stage_variables: BTreeMap<String, String>,
}

/// One function of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PackagedFunction {
    /// Its name inside the component.
    pub role: String,
    /// What it is called outside.
    pub function_name: String,
    /// `file.function`.
    pub handler: String,
    /// SHA-256 of the user's zip.
    pub package: String,
    /// SHA-256 of the zips of its layers, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Time limit of one invocation, in seconds.
    pub timeout_s: u32,
    /// Memory it is told that it has, in MiB.
    pub memory_mb: u32,
    /// Its environment variables: what the app's settings are called that hold their values.
    #[serde(default)]
    pub environment_variables: BTreeMap<String, String>,
}

impl PackageDescription {
    /// Of the functions of `blueprint`, called by `api`.
    ///
    /// # Errors
    /// `InvalidInput` where their variables cannot be settings of one app.
    pub fn of(blueprint: &Blueprint, api: &ApiGateway, region: &str) -> Result<Self> {
        let mut shared = environment_variables::together(&blueprint.functions)?;
        let functions = blueprint.functions.iter().map(|function| PackagedFunction {
            role: function.role.clone(),
            function_name: function_name(blueprint, &function.role),
            handler: function.handler.clone(),
            package: function.package.clone(),
            layers: function.layers.iter().filter_map(|layer| layer.package.clone()).collect(),
            timeout_s: function.timeout_s.0,
            memory_mb: function.memory_mb.0,
            environment_variables: shared.by_role.remove(&function.role).unwrap_or_default(),
        });
        Ok(Self {
            protocol: api.protocol,
            runtime: blueprint.functions.first().map(|one| one.runtime.clone()).unwrap_or_default(),
            region: region.to_owned(),
            stage: blueprint.environment.clone(),
            functions: functions.collect(),
            routes: api.routes.clone(),
            cors: api.cors.clone(),
            stage_variables: api.stage_variables.clone(),
        })
    }

    /// The packages of users' code that go into it.
    pub fn code(&self) -> BTreeSet<&str> {
        self.functions.iter().map(|function| function.package.as_str()).collect()
    }

    /// The layers that go into it: what is together at one place.
    pub fn layers(&self) -> BTreeSet<&[String]> {
        let layers = self.functions.iter().map(|function| function.layers.as_slice());
        layers.filter(|layers| !layers.is_empty()).collect()
    }

    /// All of the users' packages that go into it.
    pub fn packages(&self) -> BTreeSet<&str> {
        self.code().into_iter().chain(self.layers().into_iter().flatten().map(String::as_str)).collect()
    }

    /// What the package is called: the same name means the same bytes, since it tells all that they are made of. `maker`
    /// stands for what is added to the users' code.
    pub fn blob_name(&self, maker: &str) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        let mut digest = Sha256::new();
        digest.update(maker.as_bytes());
        digest.update([0]);
        digest.update(text.as_bytes());
        format!("{}.zip", hex::encode(digest.finalize()))
    }
}
