//! What the user has defined: environments, components and their code.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::domain::environment::EnvironmentDefinition;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::artifact_store::{ArtifactStore, Sha256Hex};

/// A function package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its address in the artifact store.
    pub address: Sha256Hex,
    /// Names of the files in it; absent where the project cannot tell.
    pub files: Option<Vec<String>>,
    /// How many bytes its files take, unzipped; absent where the project cannot tell.
    pub unzipped: Option<u64>,
}

/// A project: usually `semantest.toml` and the folders beside it.
#[async_trait]
pub trait Project: Send + Sync {
    /// The project's name.
    fn name(&self) -> &str;

    /// `[environments.<environment>]`, where it is defined.
    fn environment(&self, environment: &str) -> Result<Option<EnvironmentDefinition>>;

    /// `[components.<component>]` with the environment's overrides laid over it, where it is defined.
    fn component(&self, environment: &str, component: &str) -> Result<Option<Map<String, Value>>>;

    /// Names of all components, sorted.
    fn components(&self) -> Vec<String>;

    /// Puts the function package of `code` (a folder or zip, relative to the project) into `artifacts`. The same
    /// content gives the same bytes. Files of the folder that are `left_out` (relative to the project) are not packed.
    ///
    /// # Errors
    /// `InvalidProject` for code that could not be unpacked again.
    async fn package(
        &self,
        code: &str,
        left_out: &BTreeSet<String>,
        artifacts: &dyn ArtifactStore,
    ) -> Result<Package>;

    /// The bytes of a file of the project, such as a key set or an environment file; `path` is relative to the project.
    ///
    /// # Errors
    /// `InvalidProject` where there is none, or where it is no small file.
    async fn file(&self, path: &str) -> Result<Vec<u8>>;

    /// Digest of the Pulumi program in `directory` (relative to the project): the same files give the same. What tools put
    /// there (`node_modules`, `.venv`, …) is no part of it.
    ///
    /// # Errors
    /// `InvalidProject` where there is no such program.
    async fn program(&self, directory: &str) -> Result<Sha256Hex> {
        let text = format!("this project has no Pulumi program at `{directory}`");
        Err(Error::new(ErrorKind::InvalidProject, "project.program", text).with("code", directory))
    }
}
