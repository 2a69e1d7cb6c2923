//! Remove: everything of a deployment is taken away, half-made resources included.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::service::{DeploymentService, Goal, Intention};
use crate::application::target::Target;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::error::Result;
use crate::events::envelope::Envelope;
use crate::events::request::RemovalRequested;
use crate::ports::secret_resolver::ResolvedSecrets;

struct Remove {
    /// Whether the project defines the component.
    known: bool,
}

#[async_trait]
impl Intention for Remove {
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        let state = deployment.state();
        if !self.known && state.stream_version == 0 {
            return Err(service.no_such_component(&target.component));
        }
        Ok(Goal {
            provider: state.provider.clone().unwrap_or_default(),
            region: state.region.clone(),
            blueprint: None,
            graph: ResourceGraph::default(),
            secrets: ResolvedSecrets::default(),
            facts: Vec::new(),
            orphans: None,
        })
    }
}

impl DeploymentService {
    /// Takes a deployment away. What was never deployed is `unchanged`.
    ///
    /// # Errors
    /// `InvalidProject` for a component that is neither defined nor deployed; otherwise as for [`Self::deploy`].
    pub async fn remove(
        &self,
        envelope: Envelope,
        request: &RemovalRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        let known = self.ports.project.component(&target.environment, &target.component)?.is_some();
        self.run(&target, envelope, cancel, &Remove { known }).await
    }
}
