//! Reading a project file that has an error, for what needs no more than its folder and the project's name.

use std::path::Path;

use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::{Error, Result};
use serde_json::{Map, Value};
use toml::de::DeTable;

use super::{EnvironmentToml, Locations, ProjectFile, ProjectToml, full_path, read_text};

impl ProjectFile {
    /// As [`Self::load`], but what is wrong with an environment or a component leaves only that out and is remembered
    /// as [`Self::problem`].
    ///
    /// # Errors
    /// `InvalidProject` where there is no such file or it does not name its project.
    pub fn load_leniently(directory: &Path) -> Result<Self> {
        let (text, path) = (read_text(directory)?, full_path(directory));
        let problem = match Self::parse(&text, &path) {
            Ok(file) => return Ok(file),
            Err(problem) => problem,
        };
        Self::salvage(text.strip_prefix('\u{feff}').unwrap_or(&text), &path, &problem).ok_or(problem)
    }

    fn salvage(text: &str, path: &Path, problem: &Error) -> Option<Self> {
        let (table, _) = DeTable::parse_recoverable(text);
        let project = table.get_ref().get("project")?.get_ref().as_str()?.to_owned();
        check_name("a project", &project).ok()?;
        let raw: Map<String, Value> = toml::from_str(text).unwrap_or_default();
        let entries = |key: &str| raw.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut typed = ProjectToml { project, ..ProjectToml::default() };
        for (name, value) in entries("environments") {
            if let Ok(environment) = serde_json::from_value::<EnvironmentToml>(value) {
                typed.environments.insert(name, environment);
            }
        }
        for (name, value) in entries("components") {
            // That there is such a component is known, whatever is wrong with it.
            typed.components.insert(name, serde_json::from_value(value).unwrap_or_default());
        }
        let (path, locations) = (path.to_owned(), Locations::of(text));
        Some(Self { path, typed, raw, locations, problem: Some(problem.clone()) })
    }
}
