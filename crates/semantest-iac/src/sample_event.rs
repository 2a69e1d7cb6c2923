//! Ready-made events for deployed functions.

use semantest_iac_core::Result;
use semantest_iac_core::domain::networking::api_gateway::Route;
use semantest_iac_core::ports::project::Project;

use crate::composition::{Sample, SampleApi, SampleEvent, SampleRequest, sample};
use crate::iac::Iac;

impl Iac {
    /// Makes an event as the component's API would for such a request, and says which function's route it takes. With
    /// `function` (its role or name), only its routes count.
    ///
    /// # Errors
    /// `NotFound` where it is not deployed, `InvalidInput` for a path that no route takes.
    pub async fn sample_event(
        &self,
        environment: &str,
        component: &str,
        function: Option<&str>,
        kind: SampleEvent,
        request: &SampleRequest<'_>,
    ) -> Result<Sample> {
        let role = match function {
            Some(wanted) => Some(self.role(environment, component, wanted).await?),
            None => None,
        };
        let blueprint = self.service.deployed_blueprint(environment, component).await?;
        let status = self.status(Some(environment), Some(component)).await?;
        let endpoint = status.deployments.into_iter().find_map(|deployment| deployment.endpoint);
        let routes = blueprint.api.iter().flat_map(|api| api.routes.iter().cloned());
        let is_meant = |route: &Route| role.as_ref().is_none_or(|role| *role == route.function);
        let mut routes: Vec<Route> = routes.filter(is_meant).collect();
        if routes.is_empty() {
            // A URL takes every request.
            let called = blueprint.functions.iter().filter(|function| function.url.is_some());
            let route = |role: &str| Route {
                route_key: "$default".into(),
                function: role.to_owned(),
                ..Route::default()
            };
            routes.extend(called.map(|function| route(&function.role)).find(is_meant));
        }
        let names = [self.project().name(), environment, component];
        let stage_variables =
            blueprint.api.as_ref().map(|api| api.stage_variables.clone()).unwrap_or_default();
        let api = SampleApi {
            names,
            endpoint: endpoint.as_deref(),
            routes: &routes,
            stage_variables: &stage_variables,
        };
        sample(kind, &api, request)
    }
}
