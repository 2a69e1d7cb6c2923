//! Names of environments and components that the user gives: known, or refused with what was perhaps meant.

use std::collections::BTreeSet;

use semantest_iac::domain::component::nearest;
use semantest_iac::ports::project::Project;
use semantest_iac::{Error, ErrorKind, Iac, Result};

/// What the project defines and the log knows.
pub(crate) struct Names {
    environments: BTreeSet<String>,
    components: BTreeSet<String>,
}

impl Names {
    /// Reads the project file and the log.
    pub async fn of(iac: &Iac) -> Result<Self> {
        let mut environments: BTreeSet<String> = iac.project().environments().into_iter().collect();
        let mut components: BTreeSet<String> = iac.project().components().into_iter().collect();
        for (environment, component) in iac.known_deployments().await? {
            environments.insert(environment);
            components.insert(component);
        }
        Ok(Self { environments, components })
    }

    /// # Errors
    /// `InvalidProject` for an environment that is neither defined nor in the log.
    pub fn check_environment(&self, name: &str) -> Result<()> {
        check("environment", name, &self.environments)
    }

    /// # Errors
    /// `InvalidProject` for a component that is neither defined nor in the log.
    pub fn check_component(&self, name: &str) -> Result<()> {
        check("component", name, &self.components)
    }
}

fn check(what: &str, name: &str, known: &BTreeSet<String>) -> Result<()> {
    if known.contains(name) {
        return Ok(());
    }
    let all: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = match nearest(name, all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if all.is_empty() => "the project defines none yet".into(),
        None => format!("there are: {}", all.join(", ")),
    };
    let text = format!("there is no {what} `{}`; {hint}", name.escape_debug());
    Err(Error::new(ErrorKind::InvalidProject, format!("{what}.find"), text).with(what, name))
}
