//! `semantest.toml`: what the user defines.

mod location;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use semantest_iac_core::domain::component::{ComponentDefinition, lay_over, nearest};
use semantest_iac_core::domain::environment::EnvironmentDefinition;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::project::{Package, Project};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::composition::STATE_FOLDER;
use crate::package;
use location::Locations;

/// Name of the project file.
pub const FILE_NAME: &str = "semantest.toml";

/// Largest project file, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

const OPERATION: &str = "project.read";

/// The whole file, typed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
        let bytes =
            fs::read(&path).map_err(|error| invalid(&path, format!("{}: {error}", path.display())))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            invalid(&path, format!("{} is not UTF-8 (byte {at})", path.display()))
        })?;
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        Self::parse(&text, &directory.join(FILE_NAME))
    }

    /// Reads the text of a project file; `path` is for messages and for what is relative to it.
    ///
    /// # Errors
    /// `InvalidProject` with file, line, field and what to do.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let locations = Locations::of(text);
        let typed: ProjectToml =
            toml::from_str(text).map_err(|error| explain(&error, text, path, &locations))?;
        let raw = toml::from_str(text).map_err(|error| explain(&error, text, path, &locations))?;
        let file = Self { path: path.to_owned(), typed, raw, locations };
        file.check_names()?;
        Ok(file)
    }

    fn check_names(&self) -> Result<()> {
        let check = |what: &str, name: &str, field: String| {
            check_name(what, name).map_err(|error| {
                self.at(&field, Error::new(ErrorKind::InvalidProject, OPERATION, error.message()))
            })
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
                    return Err(self.at(&field, Error::new(ErrorKind::InvalidProject, OPERATION, text)));
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
        all.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// The same error with file and line, where it speaks of something in this file.
    pub fn locate(&self, error: Error) -> Error {
        let find = |wanted: &str| {
            error.context().iter().find(|(key, _)| key == wanted).map(|(_, value)| value.to_owned())
        };
        let ours = matches!(error.kind(), ErrorKind::InvalidProject | ErrorKind::InvalidInput);
        match (ours, find("component"), find("file")) {
            (true, Some(component), None) if self.typed.components.contains_key(&component) => {
                let field = find("field").unwrap_or_default();
                self.at(&format!("components.{component}.{field}"), error)
            }
            _ => error,
        }
    }

    /// Adds file, and the line of `field` or of what is around it.
    fn at(&self, field: &str, error: Error) -> Error {
        let error = error.with("file", self.path.display());
        match self.locations.line(field) {
            Some(line) => error.with("line", line).with("field", field),
            None => error.with("field", field),
        }
    }
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

    async fn package(&self, code: &str, artifacts: &dyn ArtifactStore) -> Result<Package> {
        let cache = self.directory().join(STATE_FOLDER).join("cache");
        package::package_into(self.directory(), code, &cache, artifacts).await
    }
}

fn invalid(path: &Path, text: String) -> Error {
    Error::new(ErrorKind::InvalidProject, OPERATION, text).with("file", path.display())
}

/// A parser's complaint with file, line, column, field and, for an unknown key, the nearest known one.
fn explain(error: &toml::de::Error, text: &str, path: &Path, locations: &Locations) -> Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let said = error.message().trim();
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let field = locations.field_at(line);
    let text = match (said.starts_with("unknown field"), quoted.split_first()) {
        (true, Some((unknown, known))) => match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
            None => format!("unknown key `{unknown}`; known keys here are {}", known.join(", ")),
        },
        (false, _) if said.contains("untagged enum SettingValue") => {
            "the value must be text, or a reference such as { secret = \"env:NAME\" }".to_owned()
        }
        _ => said.replace('\n', " "),
    };
    let error = invalid(path, format!("{}, line {line}, column {column}: {text}", path.display()));
    let error = error.with("line", line).with("column", column);
    match field {
        Some(field) => error.with("field", field),
        None => error,
    }
}

#[cfg(test)]
mod tests;
