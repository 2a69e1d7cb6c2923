//! Where a component goes, checked before anything is done, and which deployments there are.

use semantest_iac_core::domain::component::nearest;
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::events::request::DeploymentRequested;
use semantest_iac_core::ports::project::Project;
use semantest_iac_core::ports::provider::{Finding, ProviderSettings};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::iac::Iac;

/// Providers that a build may leave out: features of the same name.
const FEATURES: [&str; 3] = ["aws", "azure", "pulumi"];

impl Iac {
    /// Checks that this build has a provider called `name`.
    ///
    /// # Errors
    /// `InvalidInput` with the nearest one, or saying that this build leaves it out.
    pub fn check_provider(&self, name: &str) -> Result<()> {
        let known: Vec<&str> = self.service().ports().providers.keys().map(String::as_str).collect();
        if known.contains(&name) { Ok(()) } else { Err(no_such_provider(name, &known)) }
    }

    /// Which identity, region and permissions a provider sees. Changes nothing.
    ///
    /// # Errors
    /// `InvalidInput` for a provider that this build has not, and the provider's.
    pub async fn diagnose(&self, provider: &str, region: Option<&str>) -> Result<Vec<Finding>> {
        self.check_provider(provider)?;
        let settings = ProviderSettings { region: region.map(str::to_owned) };
        self.service().ports().provider(provider)?.diagnose(&settings).await
    }

    /// Checks environment and provider of a request.
    ///
    /// # Errors
    /// `InvalidInput` and `InvalidProject`, with file and line where the project file is wrong.
    pub(crate) fn check_place(&self, request: &DeploymentRequested) -> Result<()> {
        let (project, name) = (self.project(), &request.environment);
        check_name("an environment", name)?;
        let Some(environment) = project.environment(name)? else {
            return match &request.provider {
                Some(provider) => self.check_provider(provider),
                None => Err(self.no_such_environment(name)),
            };
        };
        match &request.provider {
            Some(provider) => self.check_provider(provider),
            None => self.check_provider(&environment.provider).map_err(|error| {
                let field = format!("environments.{name}.provider");
                project
                    .wrong(&field, error.operation(), error.message())
                    .with("provider", &environment.provider)
            }),
        }
    }

    fn no_such_environment(&self, name: &str) -> Error {
        let known = self.project().environments();
        let near = nearest(name, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let text = format!(
            "environment `{name}` is not defined: add [environments.{name}] with a provider, or name one \
             (--provider){hint}"
        );
        self.project().wrong("environments", "environment.find", text).with("environment", name)
    }

    /// Environment and component of every deployment that the log knows, also of those that were taken away.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn known_deployments(&self) -> Result<Vec<(String, String)>> {
        let prefix = format!("{}/", self.project().name());
        let streams = self.service().ports().store.streams(&prefix).await?;
        let names = streams.iter().filter_map(|stream| stream.name.strip_prefix(&prefix)?.split_once('/'));
        Ok(names.map(|(environment, component)| (environment.to_owned(), component.to_owned())).collect())
    }
}

/// There is no provider called `name`, and which there are.
pub(crate) fn no_such_provider(name: &str, known: &[&str]) -> Error {
    let text = if FEATURES.contains(&name) {
        format!(
            "provider `{name}` is left out of this build, which has: {}; build the program with its feature `{name}`, which is \
             on unless it was built with --no-default-features",
            known.join(", ")
        )
    } else {
        let near = nearest(name, known.iter().copied().chain(FEATURES));
        let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        format!("there is no provider `{name}`; {hint}this build has: {}", known.join(", "))
    };
    Error::new(ErrorKind::InvalidInput, "provider.find", text).with("provider", name)
}
