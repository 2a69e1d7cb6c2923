//! Configure: settings of a component in an environment, code untouched.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::scale::not_deployed;
use crate::application::service::{DeploymentService, Goal, Intention};
use crate::application::target::Target;
use crate::domain::compute::serverless_function::check_not_reserved;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::environment::{EnvironmentConfiguration, check_value, check_variable_name};
use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::Envelope;
use crate::events::outcome::EnvironmentConfigured;
use crate::events::request::EnvironmentConfigurationRequested;

struct ConfigureEnvironment<'a> {
    request: &'a EnvironmentConfigurationRequested,
}

#[async_trait]
impl Intention for ConfigureEnvironment<'_> {
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        let state = deployment.state();
        let blueprint = state.current_blueprint().ok_or_else(|| not_deployed(target))?;
        if !blueprint.functions.is_empty() {
            let reserved = self.request.variables.keys().find_map(|name| check_not_reserved(name).err());
            reserved.map_or(Ok(()), invalid)?;
        }
        let configuration = merge(&state.configuration, self.request);
        let mut goal = service.lower_version(state, &blueprint, &configuration, &state.scaling).await?;
        if configuration != state.configuration {
            let (component, environment) = (target.component.clone(), target.environment.clone());
            let EnvironmentConfiguration { variables, tags } = configuration;
            goal.facts.push(EnvironmentConfigured { component, environment, variables, tags }.into());
        }
        Ok(goal)
    }
}

impl DeploymentService {
    /// Changes settings. They stay in force over later deployments until unset.
    ///
    /// # Errors
    /// `NotFound` where nothing is deployed, `InvalidInput` where the request says nothing; otherwise as for
    /// [`Self::deploy`].
    pub async fn configure(
        &self,
        envelope: Envelope,
        request: &EnvironmentConfigurationRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        check(request, &self.ports.secrets.schemes())?;
        self.run(&target, envelope, cancel, &ConfigureEnvironment { request }).await
    }
}

fn merge(
    now: &EnvironmentConfiguration,
    request: &EnvironmentConfigurationRequested,
) -> EnvironmentConfiguration {
    let mut merged = now.clone();
    merged.variables.extend(request.variables.clone());
    merged.variables.retain(|name, _| !request.unset.contains(name));
    merged.tags.extend(request.tags.clone());
    merged
}

fn invalid(text: String) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput, "deployment.configure", text))
}

fn check(request: &EnvironmentConfigurationRequested, schemes: &[String]) -> Result<()> {
    if request.variables.is_empty() && request.unset.is_empty() && request.tags.is_empty() {
        return invalid("nothing to configure: give variables to set or to unset".into());
    }
    for (name, value) in &request.variables {
        let checked = check_variable_name(name).and_then(|()| check_value(name, value, schemes));
        if let Err(why) = checked {
            return invalid(why);
        }
        if request.unset.contains(name) {
            return invalid(format!("`{name}` is both set and unset"));
        }
    }
    Ok(())
}
