//! `semantest.toml`: what the user defines.

mod explain;
mod lenient;
mod location;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use semantest_iac_core::domain::component::{ComponentDefinition, lay_over, nearest};
use semantest_iac_core::domain::environment::EnvironmentDefinition;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::events::request::DeploymentRequested;
use semantest_iac_core::ports::artifact_store::{ArtifactStore, Sha256Hex};
use semantest_iac_core::ports::project::{Package, Project};
use semantest_iac_core::{Error, ErrorKind, ErrorRecord, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::composition::STATE_FOLDER;
use crate::{package, small_file};
use explain::explain;
use location::Locations;

/// Name of the project file.
pub const FILE_NAME: &str = "semantest.toml";

/// Largest project file, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

const OPERATION: &str = "project.read";

/// The whole file, typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "semantest.toml")]
struct ProjectToml {
    /// Name of the project: lower-case letters, digits and `-`.
    project: String,
    /// Where components are deployed to, by name.
    #[serde(default)]
    environments: BTreeMap<String, EnvironmentToml>,
    /// What is deployed, by name.
    #[serde(default)]
    components: BTreeMap<String, ComponentDefinition>,
}

/// `[environments.<name>]`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EnvironmentToml {
    /// `local`, `aws` or `azure`.
    provider: String,
    /// `eu-west-1`, `westeurope`, …
    #[serde(default)]
    region: Option<String>,
    /// Keys laid over `[components.<name>]` in this environment.
    #[serde(default)]
    components: BTreeMap<String, ComponentDefinition>,
}

/// A project file that was read and found to be well formed.
#[derive(Clone, Debug)]
pub struct ProjectFile {
    path: PathBuf,
    typed: ProjectToml,
    raw: Map<String, Value>,
    locations: Locations,
    /// What is wrong with it, where it was read all the same.
    problem: Option<Error>,
}

/// JSON Schema of the project file, for editors.
pub fn json_schema() -> Value {
    schemars::schema_for!(ProjectToml).to_value()
}

impl ProjectFile {
    /// Reads `semantest.toml` in `directory`.
    ///
    /// # Errors
    /// `InvalidProject` with file, line and what to do.
    pub fn load(directory: &Path) -> Result<Self> {
        let text = read_text(directory)?;
        Self::parse(&text, &full_path(directory))
    }

    /// Reads the text of a project file; `path` is for messages and for what is relative to it.
    ///
    /// # Errors
    /// `InvalidProject` with file, line, field and what to do.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let locations = Locations::of(text);
        let failed = |error: toml::de::Error| explain(&error, text, path, &locations);
        let typed: ProjectToml = toml::from_str(text).map_err(failed)?;
        let raw = toml::from_str(text).map_err(failed)?;
        let file = Self { path: path.to_owned(), typed, raw, locations, problem: None };
        file.check_names()?;
        Ok(file)
    }

    /// What is wrong with it, where it was read with [`Self::load_leniently`].
    pub fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    fn check_names(&self) -> Result<()> {
        let check = |what: &str, name: &str, field: String| {
            check_name(what, name).map_err(|error| self.wrong(&field, OPERATION, error.message()))
        };
        check("a project", &self.typed.project, "project".into())?;
        for (name, environment) in &self.typed.environments {
            check("an environment", name, format!("environments.{name}"))?;
            for component in environment.components.keys() {
                if !self.typed.components.contains_key(component) {
                    let known = self.typed.components.keys().map(String::as_str);
                    let hint = nearest(component, known).map(|near| format!("; did you mean `{near}`?"));
                    let text = format!(
                        "environment `{name}` overrides component `{component}`, which is not defined{}",
                        hint.unwrap_or_default()
                    );
                    let field = format!("environments.{name}.components.{component}");
                    return Err(self.wrong(&field, OPERATION, text));
                }
            }
        }
        for (name, component) in &self.typed.components {
            check("a component", name, format!("components.{name}"))?;
            for function in component.functions.keys() {
                check("a function", function, format!("components.{name}.functions.{function}"))?;
            }
        }
        Ok(())
    }

    /// The folder of the project.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Names of the environments, sorted.
    pub fn environments(&self) -> Vec<String> {
        self.typed.environments.keys().cloned().collect()
    }

    /// Runtimes that components ask for, each once, sorted.
    pub fn runtimes(&self) -> Vec<String> {
        let components = self.typed.components.values();
        let all = components.flat_map(|component| {
            let functions = component.functions.values().filter_map(|function| function.runtime.clone());
            functions.chain(component.runtime.clone())
        });
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The same error with file and line, where it speaks of something that this file defines: what `request` says
    /// itself is not this file's.
    pub(crate) fn locate(&self, error: Error, request: &DeploymentRequested) -> Error {
        let find = |wanted: &str| {
            error.context().iter().find(|(key, _)| key == wanted).map(|(_, value)| value.to_owned())
        };
        let ours = matches!(
            error.kind(),
            ErrorKind::InvalidProject | ErrorKind::InvalidInput | ErrorKind::Unsupported
        );
        let component = &request.component;
        if !ours || find("file").is_some() || !self.typed.components.contains_key(component) {
            return error;
        }
        let field = match (find("field"), find("code")) {
            (Some(field), _) => field,
            (None, Some(code)) => self.field_with_code(&request.environment, component, &code),
            (None, None) => return self.at(&format!("components.{component}"), error),
        };
        if field == "region" && error.kind() == ErrorKind::InvalidProject {
            return self.at(&format!("environments.{}.region", request.environment), error);
        }
        if is_set(&request.configuration, &field) {
            return of_the_request(error);
        }
        if field == "provider" || field == "region" {
            return error;
        }
        let of_environment = format!("environments.{}.components.{component}.{field}", request.environment);
        if self.locations.has(&of_environment) {
            return self.at(&of_environment, error);
        }
        self.at(&format!("components.{component}.{field}"), error)
    }

    /// Which key of the component names `code`.
    fn field_with_code(&self, environment: &str, component: &str, code: &str) -> String {
        let definition = self.component(environment, component).ok().flatten().unwrap_or_default();
        let functions = definition.get("functions").and_then(Value::as_object);
        let named = functions.into_iter().flatten();
        let mut naming =
            named.filter(|(_, function)| function.get("code").and_then(Value::as_str) == Some(code));
        naming.next().map_or_else(|| "code".to_owned(), |(name, _)| format!("functions.{name}.code"))
    }

    /// Adds file, and the line of `field` or of what is around it, to the message and as facts.
    pub(crate) fn at(&self, field: &str, error: Error) -> Error {
        let file = self.path.display();
        let line = self.locations.line(field);
        let place = line.map_or_else(|| format!("{file}: "), |line| format!("{file}, line {line}: "));
        let message = format!("{place}{}", error.to_record().message);
        let placed = Error::new(error.kind(), error.operation(), message).with_retry(error.retry());
        let others = error.context().iter().filter(|(key, _)| key != "field");
        let placed = others.fold(placed, |placed, (key, value)| placed.with(key, value));
        let placed = placed.with("file", file).with("field", field);
        line.into_iter().fold(placed, |placed, line| placed.with("line", line))
    }

    /// An error about this file.
    pub(crate) fn wrong(&self, field: &str, operation: &str, text: impl Into<String>) -> Error {
        self.at(field, Error::new(ErrorKind::InvalidProject, operation, text))
    }
}

/// Whether `configuration` holds something at `field`.
fn is_set(configuration: &Map<String, Value>, field: &str) -> bool {
    let mut parts = field.split('.');
    let Some(first) = parts.next().and_then(|first| configuration.get(first)) else { return false };
    // A table that is laid over the file's sets only what is in it.
    parts
        .try_fold(first, |value, part| match value {
            Value::Object(map) => map.get(part),
            other => Some(other),
        })
        .is_some()
}

#[async_trait]
impl Project for ProjectFile {
    fn name(&self) -> &str {
        &self.typed.project
    }

    fn environment(&self, environment: &str) -> Result<Option<EnvironmentDefinition>> {
        let found = self.typed.environments.get(environment);
        Ok(found.map(|found| EnvironmentDefinition {
            provider: found.provider.clone(),
            region: found.region.clone(),
        }))
    }

    fn component(&self, environment: &str, component: &str) -> Result<Option<Map<String, Value>>> {
        let table = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_object).cloned();
        let components = table(&self.raw, "components").unwrap_or_default();
        let Some(mut definition) = table(&components, component) else { return Ok(None) };
        let overrides = table(&self.raw, "environments")
            .and_then(|environments| table(&environments, environment))
            .and_then(|environment| table(&environment, "components"))
            .and_then(|components| table(&components, component));
        if let Some(overrides) = overrides {
            lay_over(&mut definition, &overrides);
        }
        Ok(Some(definition))
    }

    fn components(&self) -> Vec<String> {
        self.typed.components.keys().cloned().collect()
    }

    async fn package(
        &self,
        code: &str,
        left_out: &BTreeSet<String>,
        artifacts: &dyn ArtifactStore,
    ) -> Result<Package> {
        let cache = self.directory().join(STATE_FOLDER).join("cache");
        package::package_into(self.directory(), code, left_out, &cache, artifacts).await
    }

    async fn file(&self, path: &str) -> Result<Vec<u8>> {
        small_file::read(self.directory(), path)
            .map_err(|why| Error::new(ErrorKind::InvalidProject, "project.file", format!("file {why}")))
    }

    async fn program(&self, directory: &str) -> Result<Sha256Hex> {
        package::program(self.directory(), directory).await
    }
}

/// What is wrong stands in the request: the project may be as it should.
fn of_the_request(error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidProject {
        return error;
    }
    ErrorRecord { kind: ErrorKind::InvalidInput, ..error.to_record() }.into()
}

fn invalid(path: &Path, text: String) -> Error {
    Error::new(ErrorKind::InvalidProject, OPERATION, text).with("file", path.display())
}

fn full_path(directory: &Path) -> PathBuf {
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned()).join(FILE_NAME)
}

fn read_text(directory: &Path) -> Result<String> {
    let path = directory.join(FILE_NAME);
    let metadata = fs::metadata(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => invalid(
            &path,
            format!(
                "there is no {FILE_NAME} in {}: make one with `semantest-iac init`, or name the project's \
                 folder with --project",
                directory.display()
            ),
        ),
        _ => invalid(&path, format!("{} cannot be read: {error}", path.display())),
    })?;
    if !metadata.is_file() || metadata.len() > SIZE_LIMIT {
        return Err(invalid(&path, format!("{} is no file of at most 1 MiB", path.display())));
    }
    let bytes = fs::read(&path).map_err(|error| invalid(&path, format!("{}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let text = format!("{}, line {line}: the file is not UTF-8 (byte {at})", path.display());
        invalid(&path, text).with("line", line)
    })
}

#[cfg(test)]
mod tests;
