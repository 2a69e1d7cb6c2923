//! Which deployment: (project, environment, component).

use crate::domain::deployment::aggregate::Deployment;
use crate::domain::identifiers::check_name;
use crate::error::Result;

/// Names one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub project: String,
    pub environment: String,
    pub component: String,
}

impl Target {
    /// Checks the names.
    pub fn new(project: &str, environment: &str, component: &str) -> Result<Self> {
        check_name("environment", environment)?;
        check_name("component", component)?;
        Ok(Self {
            project: project.to_owned(),
            environment: environment.to_owned(),
            component: component.to_owned(),
        })
    }

    /// Its stream.
    pub fn stream(&self) -> String {
        Deployment::stream(&self.project, &self.environment, &self.component)
    }
}
