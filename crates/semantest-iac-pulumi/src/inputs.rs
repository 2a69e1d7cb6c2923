//! Inputs of a deployment, and what stands in for those that are not given.

use std::path::{Path, PathBuf};

use semantest_iac::domain::component::nearest;
use semantest_iac::events::request::DeploymentRequested;

use crate::configuration::{Configuration, Refused, take};
use crate::property::{Properties, Property};

/// Inputs that a user gives.
pub(crate) const INPUTS: [&str; 7] =
    ["component", "environment", "provider", "region", "directory", "configuration", "environmentVariables"];

/// Inputs that name something: they may be set for all resources, as provider configuration.
pub(crate) const NAMES: [&str; 5] = ["component", "environment", "provider", "region", "directory"];

/// The input that `check` adds: every resource that is wanted, by address, with its inputs.
pub(crate) const RESOURCES: &str = "resources";

/// Keys that the engine adds to inputs and to the configuration of a provider.
const ENGINES: [&str; 4] = ["version", "pluginDownloadURL", "__defaults", "__internal"];

/// What one resource asks for.
#[derive(Debug)]
pub(crate) struct Inputs<'a>(&'a Properties);

impl<'a> Inputs<'a> {
    /// The inputs of a resource.
    pub fn new(properties: &'a Properties) -> Self {
        Self(properties)
    }

    /// Whether all that the plan depends on is known.
    pub fn known(&self) -> bool {
        !INPUTS.iter().filter_map(|name| self.0.get(*name)).any(Property::has_unknown)
    }

    /// The text of an input; none where it is not given or not known yet.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.0.get(name).map(Property::plain) {
            Some(Property::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The folder of the project: as given, else `default`, else the nearest around the program's folder that has a
    /// project file.
    pub fn directory(&self, default: Option<&str>) -> PathBuf {
        project_folder(self.text("directory").or(default))
    }

    /// The request that these inputs stand for, its secrets set aside.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn request(&self) -> Result<(DeploymentRequested, Configuration), Refused> {
        let name = |name: &str| self.text(name).map(str::to_owned);
        let (environment, component) =
            (name("environment").unwrap_or_default(), name("component").unwrap_or_default());
        let (given, variables) = (self.0.get("configuration"), self.0.get("environmentVariables"));
        let mut configuration = take(given, variables, &environment, &component)?;
        let request = DeploymentRequested {
            component,
            provider: name("provider"),
            environment,
            region: name("region"),
            configuration: std::mem::take(&mut configuration.keys),
        };
        Ok((request, configuration))
    }
}

fn project_folder(named: Option<&str>) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    match named {
        Some(named) => here.join(named),
        None => {
            let is_project = |folder: &&Path| folder.join(semantest_iac::project_file::FILE_NAME).is_file();
            here.ancestors().find(is_project).unwrap_or(&here).to_owned()
        }
    }
}

/// The inputs with what stands in for those that are not given: the provider's configuration, and the stack's name for the
/// environment. What `check` added before is left out.
pub(crate) fn with_defaults(given: &Properties, configured: &Properties, stack: Option<&str>) -> Properties {
    let mut inputs: Properties = given
        .iter()
        .filter(|(name, value)| *name != RESOURCES && **value != Property::Null)
        .map(pair)
        .collect();
    // Where a project lies differs from machine to machine: it is looked up when it is needed.
    for name in NAMES.iter().filter(|name| **name != "directory") {
        if let (false, Some(value)) = (inputs.contains_key(*name), configured.get(*name)) {
            inputs.insert((*name).to_owned(), value.clone());
        }
    }
    if let (false, Some(stack)) = (inputs.contains_key("environment"), stack) {
        inputs.insert("environment".to_owned(), Property::text(stack));
    }
    inputs
}

fn pair((name, value): (&String, &Property)) -> (String, Property) {
    (name.clone(), value.clone())
}

/// What is wrong with the names of the inputs, and with those that must be text.
pub(crate) fn check_form(inputs: &Properties, known: &[&str]) -> Vec<Refused> {
    let mut refused = Vec::new();
    for (name, value) in inputs {
        if ENGINES.contains(&name.as_str()) {
            continue;
        }
        if !known.contains(&name.as_str()) {
            let near = nearest(name, known.iter().copied());
            let hint = near.map_or_else(
                || format!("known are {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            refused.push(Refused::new(name, format!("there is no such input; {hint}")));
            continue;
        }
        let text = matches!(value.plain(), Property::Text(_) | Property::Unknown | Property::Null);
        match value {
            _ if !NAMES.contains(&name.as_str()) => {}
            Property::Secret(_) => {
                refused.push(Refused::new(
                    name,
                    "it is seen in ids and in the event log, so it cannot be secret",
                ));
            }
            _ if !text => refused.push(Refused::new(name, "it must be text")),
            _ => {}
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(entries: &[(&str, &str)]) -> Properties {
        entries.iter().map(|(key, value)| ((*key).to_owned(), Property::text(*value))).collect()
    }

    #[test]
    fn what_is_not_given_comes_from_the_configuration_and_from_the_stack() {
        let configured = properties(&[("component", "rest-api"), ("provider", "local"), ("directory", "/p")]);
        let inputs = with_defaults(&properties(&[("provider", "aws")]), &configured, Some("production"));
        let expected =
            properties(&[("component", "rest-api"), ("provider", "aws"), ("environment", "production")]);
        assert_eq!(inputs, expected);
    }

    #[test]
    fn an_input_that_is_misspelt_is_told_with_the_nearest_one() {
        let refused = check_form(&properties(&[("compnent", "rest-api")]), &INPUTS);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].reason.contains("did you mean `component`?"), "{refused:?}");
    }

    #[test]
    fn names_are_no_secrets() {
        let secret = Property::Secret(Box::new(Property::text("canary")));
        let refused = check_form(&Properties::from([("component".to_owned(), secret)]), &INPUTS);
        assert!(refused[0].reason.contains("cannot be secret"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("canary"));
    }

    #[test]
    fn a_request_is_made_of_what_is_known() {
        let inputs = properties(&[("component", "rest-api"), ("environment", "production")]);
        let (request, _) = Inputs::new(&inputs).request().expect("a request");
        assert_eq!((request.component.as_str(), request.environment.as_str()), ("rest-api", "production"));
        assert_eq!(request.provider, None);
    }
}
