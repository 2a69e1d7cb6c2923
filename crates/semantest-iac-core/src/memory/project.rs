//! A project in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::environment::EnvironmentDefinition;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::artifact_store::{ArtifactStore, Sha256Hex};
use crate::ports::project::{Package, Project};

/// Knows what it is told.
#[derive(Debug, Default)]
pub struct InMemoryProject {
    name: String,
    environments: Mutex<BTreeMap<String, EnvironmentDefinition>>,
    components: Mutex<BTreeMap<String, Map<String, Value>>>,
    code: Mutex<BTreeMap<String, Vec<u8>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl InMemoryProject {
    /// An empty project.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Defines an environment.
    pub fn define_environment(&self, name: &str, provider: &str) {
        let definition = EnvironmentDefinition { provider: provider.to_owned(), region: None };
        lock(&self.environments).insert(name.to_owned(), definition);
    }

    /// Defines a component; anything but an object is no definition.
    pub fn define_component(&self, name: &str, definition: Value) {
        if let Value::Object(map) = definition {
            lock(&self.components).insert(name.to_owned(), map);
        }
    }

    /// Writes code, or another file.
    pub fn write_code(&self, location: &str, package: &[u8]) {
        lock(&self.code).insert(location.to_owned(), package.to_owned());
    }
}

#[async_trait]
impl Project for InMemoryProject {
    fn name(&self) -> &str {
        &self.name
    }

    fn environment(&self, environment: &str) -> Result<Option<EnvironmentDefinition>> {
        Ok(lock(&self.environments).get(environment).cloned())
    }

    fn component(&self, _environment: &str, component: &str) -> Result<Option<Map<String, Value>>> {
        Ok(lock(&self.components).get(component).cloned())
    }

    fn components(&self) -> Vec<String> {
        lock(&self.components).keys().cloned().collect()
    }

    async fn package(
        &self,
        code: &str,
        _left_out: &BTreeSet<String>,
        artifacts: &dyn ArtifactStore,
    ) -> Result<Package> {
        let package = lock(&self.code).get(code).cloned();
        match package {
            Some(package) => {
                Ok(Package { address: artifacts.put(package).await?, files: None, unzipped: None })
            }
            None => {
                let text = format!("there is no code at `{code}`");
                Err(Error::new(ErrorKind::InvalidProject, "project.package", text).with("code", code))
            }
        }
    }

    async fn file(&self, path: &str) -> Result<Vec<u8>> {
        lock(&self.code).get(path).cloned().ok_or_else(|| {
            Error::new(ErrorKind::InvalidProject, "project.file", format!("there is no file `{path}`"))
        })
    }

    async fn program(&self, directory: &str) -> Result<Sha256Hex> {
        let program = lock(&self.code).get(directory).cloned().ok_or_else(|| {
            let text = format!("there is no Pulumi program at `{directory}`");
            Error::new(ErrorKind::InvalidProject, "project.program", text).with("code", directory)
        });
        Ok(hex::encode(Sha256::digest(program?)))
    }
}
