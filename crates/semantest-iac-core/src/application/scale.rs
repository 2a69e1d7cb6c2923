//! Scale: more or fewer at once, nothing else touched.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::service::{DeploymentService, Goal, Intention};
use crate::application::target::Target;
use crate::domain::blueprint::Blueprint;
use crate::domain::compute::serverless_function::{FunctionScaling, ServerlessFunction};
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::overlay::lay_settings;
use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::Envelope;
use crate::events::outcome::ScalingTriggered;
use crate::events::request::{ScalingRequested, ScalingTarget};

struct Scale<'a> {
    request: &'a ScalingRequested,
}

#[async_trait]
impl Intention for Scale<'_> {
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        let state = deployment.state();
        let blueprint = state.current_blueprint().ok_or_else(|| not_deployed(target))?;
        check(&blueprint, self.request)?;
        let mut scaling = state.scaling.clone();
        let merged = merge(
            scaling.entry(self.request.function.clone().unwrap_or_default()).or_default(),
            self.request,
        );
        let wanted = lay_settings(&blueprint, &state.configuration, &scaling);
        check_warm(&wanted, self.request)?;
        check_bounds(&wanted, self.request)?;
        let mut goal = service.lower_version(state, &blueprint, &state.configuration, &scaling).await?;
        if scaling != state.scaling {
            let (component, environment) = (target.component.clone(), target.environment.clone());
            let function = self.request.function.clone();
            goal.facts.push(ScalingTriggered { component, environment, function, target: merged }.into());
        }
        Ok(goal)
    }
}

impl DeploymentService {
    /// Changes how many run at once. Code and settings stay as deployed.
    ///
    /// # Errors
    /// `NotFound` where nothing is deployed, `InvalidInput` where the target says nothing or does not fit the
    /// component; otherwise as for [`Self::deploy`].
    pub async fn scale(
        &self,
        envelope: Envelope,
        request: &ScalingRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        self.run(&target, envelope, cancel, &Scale { request }).await
    }
}

/// What is absent in the request stays as it is.
fn merge(now: &mut ScalingTarget, request: &ScalingRequested) -> ScalingTarget {
    let wanted = request.target;
    now.reserved_concurrency = wanted.reserved_concurrency.or(now.reserved_concurrency);
    now.provisioned_concurrency = wanted.provisioned_concurrency.or(now.provisioned_concurrency);
    now.min_replicas = wanted.min_replicas.or(now.min_replicas);
    now.max_replicas = wanted.max_replicas.or(now.max_replicas);
    *now
}

fn check(blueprint: &Blueprint, request: &ScalingRequested) -> Result<()> {
    let target = request.target;
    let of_functions = target.reserved_concurrency.is_some() || target.provisioned_concurrency.is_some();
    let of_service = target.min_replicas.is_some() || target.max_replicas.is_some();
    let invalid = |text: String| {
        Err(Error::new(ErrorKind::InvalidInput, "deployment.scale", text)
            .with("component", &request.component))
    };
    if !of_functions && !of_service {
        return invalid("nothing to scale: say how many".into());
    }
    if blueprint.stack.is_some() {
        return invalid("a pulumi-stack is scaled by its program".into());
    }
    if of_functions && blueprint.functions.is_empty() {
        return invalid("a container-service scales by replicas (min, max)".into());
    }
    if of_service && blueprint.service.is_none() {
        return invalid("functions scale by reserved or provisioned concurrency".into());
    }
    if let (Some(min), Some(max)) = (target.min_replicas, target.max_replicas)
        && min > max
    {
        return invalid(format!("min replicas {min} is above max replicas {max}"));
    }
    let roles: Vec<&str> = blueprint.functions.iter().map(|function| function.role.as_str()).collect();
    match &request.function {
        Some(role) if !roles.contains(&role.as_str()) => {
            invalid(format!("there is no function `{role}`; the component has: {}", roles.join(", ")))
        }
        _ => Ok(()),
    }
}

/// More cannot be kept warm than may run.
fn check_warm(blueprint: &Blueprint, request: &ScalingRequested) -> Result<()> {
    let too_many = |function: &&ServerlessFunction| {
        let FunctionScaling { reserved_concurrency: most, provisioned_concurrency: warm } = function.scaling;
        matches!((most, warm), (Some(most), Some(warm)) if warm > most)
    };
    match blueprint.functions.iter().find(too_many) {
        Some(function) => {
            let text = format!(
                "`{}` would keep more instances warm (provisioned) than may run at once (reserved): lower the one or \
                 raise the other",
                function.role
            );
            Err(Error::new(ErrorKind::InvalidInput, "deployment.scale", text)
                .with("component", &request.component))
        }
        None => Ok(()),
    }
}

/// One bound alone is judged against the other as it is.
fn check_bounds(blueprint: &Blueprint, request: &ScalingRequested) -> Result<()> {
    let Some(service) = &blueprint.service else { return Ok(()) };
    let (min, max) = (service.replicas.min, service.replicas.max);
    if min <= max && max > 0 {
        return Ok(());
    }
    let text = format!("there would be at least {min} replicas and at most {max}: give both, min and max");
    Err(Error::new(ErrorKind::InvalidInput, "deployment.scale", text).with("component", &request.component))
}

/// Nothing is there to work on.
pub(crate) fn not_deployed(target: &Target) -> Error {
    let text = format!("`{}` is not deployed; deploy it first", target.stream());
    Error::new(ErrorKind::NotFound, "deployment.find", text).with("deployment", target.stream())
}
