//! Orphans: what carries our tags in a cloud and is not in the log. They are listed, and taken away.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::application::answer::DeployAnswer;
use crate::application::run_log::replay;
use crate::application::scale::not_deployed;
use crate::application::service::{DeploymentService, Goal, Intention};
use crate::application::target::Target;
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::orphan::{Orphan, as_tagged, is_orphan};
use crate::domain::deployment::resource::{Address, Resource};
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::domain::deployment::state::{DeploymentState, ResourceState};
use crate::domain::identifiers::check_name;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Event;
use crate::events::envelope::Envelope;
use crate::events::request::OrphanRemovalRequested;
use crate::ports::provider::{Discovered, Scope};
use crate::ports::secret_resolver::ResolvedSecrets;

/// A provider, and a region of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Provider.
    pub provider: String,
    /// Region; absent: the provider's default, or it has none.
    pub region: Option<String>,
}

/// Something in a cloud that carries our tags and is not in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrphanAnswer {
    /// Stream of the deployment that it is tagged as being of.
    pub deployment: String,
    /// Component that it is tagged as being of.
    pub component: String,
    /// Where it was found.
    #[serde(flatten)]
    pub place: Place,
    /// The address it is tagged with.
    pub address: Address,
    /// Provider's word for what it is.
    pub kind: String,
    /// The cloud's id.
    pub id: String,
}

/// The answer of `discover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoverAnswer {
    /// Environment name.
    pub environment: String,
    /// Provider that was looked at first: the one that was named, or the environment's.
    pub provider: String,
    /// Region of it.
    pub region: Option<String>,
    /// Everywhere that was looked at: also where the log knows of deployments.
    pub places: Vec<Place>,
    /// What was found and is not in the log, by deployment and address.
    pub orphans: Vec<OrphanAnswer>,
}

/// Deployments of an environment by component, as the log says.
type Known = BTreeMap<String, Deployment>;

impl DeploymentService {
    /// What carries our tags in the clouds of an environment and is not in the log; also what an interrupted
    /// [`Self::remove_orphans`] has yet to take away. Changes nothing.
    ///
    /// # Errors
    /// `InvalidProject` where it is not clear where to look, and the providers'.
    pub async fn discover(
        &self,
        environment: &str,
        component: Option<&str>,
        provider: Option<&str>,
        region: Option<&str>,
    ) -> Result<DiscoverAnswer> {
        check_name("environment", environment)?;
        component.map_or(Ok(()), |component| check_name("component", component))?;
        let known = self.known(environment, component).await?;
        let places = self.places(environment, provider, region, &known).await?;
        let wanted = |place: &Place| {
            provider.is_none_or(|provider| place.provider == provider)
                && region.is_none_or(|region| place.region.as_deref() == Some(region))
        };
        let mut orphans: Vec<OrphanAnswer> = known
            .iter()
            .flat_map(|(component, deployment)| self.begun(environment, component, deployment.state()))
            .filter(|orphan| wanted(&orphan.place))
            .collect();
        for place in &places {
            let scope = self.scope(environment, component, place.region.clone());
            for found in self.ports.provider(&place.provider)?.discover(&scope).await? {
                let state = known.get(&found.tags.component).map(Deployment::state);
                if !state.is_some_and(|state| holds(state, &found)) {
                    orphans.push(self.answer(found, place.clone()));
                }
            }
        }
        // What belongs to no region is found in each.
        let mut seen = BTreeSet::new();
        orphans.retain(|one| seen.insert((one.place.provider.clone(), one.kind.clone(), one.id.clone())));
        orphans.sort_by_key(|one| (one.deployment.clone(), one.address.clone(), one.id.clone()));
        let first = places.first().cloned().unwrap_or(Place { provider: String::new(), region: None });
        let (environment, Place { provider, region }) = (environment.to_owned(), first);
        Ok(DiscoverAnswer { environment, provider, region, places, orphans })
    }

    /// Takes away what carries a component's tags and is not in the log, and nothing else.
    ///
    /// # Errors
    /// `InvalidInput` where another run of the deployment is unfinished, or it is on another provider; otherwise as for
    /// [`Self::remove`].
    pub async fn remove_orphans(
        &self,
        envelope: Envelope,
        request: &OrphanRemovalRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        self.ports.provider(&request.provider)?;
        self.run(&target, envelope, cancel, &RemoveOrphans { request }).await
    }

    async fn known(&self, environment: &str, component: Option<&str>) -> Result<Known> {
        let prefix = format!("{}/{environment}/", self.ports.project.name());
        let mut known = Known::new();
        for stream in self.ports.store.streams(&prefix).await? {
            let Some(name) = stream.name.strip_prefix(&prefix) else { continue };
            if component.is_none_or(|component| component == name) {
                known.insert(name.to_owned(), replay(&self.ports, &stream.name).await?);
            }
        }
        Ok(known)
    }

    /// Where to look: at what was named, else where the environment is and wherever the log knows of something.
    async fn places(
        &self,
        environment: &str,
        provider: Option<&str>,
        region: Option<&str>,
        known: &Known,
    ) -> Result<Vec<Place>> {
        let defined = self.ports.project.environment(environment)?;
        let mut places = Vec::new();
        if let Some(name) = provider.or(defined.as_ref().map(|defined| defined.provider.as_str())) {
            let of_environment = defined.as_ref().filter(|defined| defined.provider == name);
            let chosen = self.ports.provider(name)?;
            let named = region.or(of_environment.and_then(|defined| defined.region.as_deref()));
            let region = match named {
                Some(region) => Some(region.to_owned()),
                None => chosen.default_region().await,
            };
            places.push(Place { provider: name.to_owned(), region });
        }
        for state in known.values().map(Deployment::state) {
            let Some(of_deployment) = state.provider.clone() else { continue };
            let place = Place { provider: of_deployment, region: state.region.clone() };
            let wanted = provider.is_none_or(|provider| place.provider == provider)
                && region.is_none_or(|region| place.region.as_deref() == Some(region));
            if wanted && !places.contains(&place) {
                places.push(place);
            }
        }
        if places.is_empty() {
            let text = format!(
                "environment `{environment}` is not defined: add [environments.{environment}] with a provider, or name \
                 one (--provider)"
            );
            return Err(Error::new(ErrorKind::InvalidProject, "environment.find", text)
                .with("environment", environment));
        }
        Ok(places)
    }

    fn scope(&self, environment: &str, component: Option<&str>, region: Option<String>) -> Scope {
        Scope {
            project: self.ports.project.name().to_owned(),
            environment: environment.to_owned(),
            component: component.map(str::to_owned),
            region,
        }
    }

    /// Orphans in the log: a run was to take them away and has not ended.
    fn begun(&self, environment: &str, component: &str, state: &DeploymentState) -> Vec<OrphanAnswer> {
        let orphans = state.resources.iter().filter(|(address, _)| is_orphan(address));
        let answers = orphans.map(|(address, resource)| OrphanAnswer {
            deployment: Deployment::stream(self.ports.project.name(), environment, component),
            component: component.to_owned(),
            place: Place {
                provider: state.provider.clone().unwrap_or_default(),
                region: resource.inputs.get("region").and_then(Value::as_str).map(str::to_owned),
            },
            address: as_tagged(address, resource.inputs.clone()).0,
            kind: resource.kind.clone(),
            id: resource.id.clone().unwrap_or_default(),
        });
        answers.collect()
    }

    fn answer(&self, found: Discovered, place: Place) -> OrphanAnswer {
        let Discovered { tags, kind, id } = found;
        let deployment = Deployment::stream(&tags.project, &tags.environment, &tags.component);
        OrphanAnswer { deployment, component: tags.component, place, address: tags.address, kind, id }
    }
}

struct RemoveOrphans<'a> {
    request: &'a OrphanRemovalRequested,
}

#[async_trait]
impl Intention for RemoveOrphans<'_> {
    async fn goal(
        &self,
        service: &DeploymentService,
        target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        deployment.decide(&Event::OrphanRemovalRequested(self.request.clone()))?;
        let state = deployment.state();
        let in_place = state.status.is_in_place();
        if in_place || !state.resources.is_empty() {
            check_provider(target, state, &self.request.provider)?;
        }
        let provider = service.ports.provider(&self.request.provider)?;
        let region = match self.request.region.clone() {
            Some(region) => Some(region),
            None => provider.default_region().await,
        };
        let scope = service.scope(&target.environment, Some(&target.component), region.clone());
        let found = provider.discover(&scope).await?;
        let blueprint = match in_place {
            true => Some((*state.current_blueprint().ok_or_else(|| not_deployed(target))?).clone()),
            false => None,
        };
        Ok(Goal {
            provider: self.request.provider.clone(),
            orphans: Some(new_orphans(state, found, region.as_deref())),
            // What is in place stays where it is.
            region: if in_place { state.region.clone() } else { region },
            blueprint,
            graph: as_it_is(state)?,
            secrets: ResolvedSecrets::default(),
            facts: Vec::new(),
        })
    }
}

/// What was found in `region` and is not in the log at all.
fn new_orphans(state: &DeploymentState, found: Vec<Discovered>, region: Option<&str>) -> Vec<Orphan> {
    let new = found.into_iter().filter(|found| !holds(state, found) && !is_begun(state, found));
    let orphan = |Discovered { tags, kind, id }| Orphan {
        kind,
        id,
        tagged: tags.address,
        region: region.map(str::to_owned),
    };
    new.map(orphan).collect()
}

/// Whether the log tells of it. One that may be about to be recorded is known by the address it is tagged with.
fn holds(state: &DeploymentState, found: &Discovered) -> bool {
    let is_it = |(address, resource): (&Address, &ResourceState)| {
        let known = resource.id.as_ref() == Some(&found.id);
        let begun = resource.unfinished.is_some() && *address == found.tags.address;
        !is_orphan(address) && resource.kind == found.kind && (known || begun)
    };
    state.resources.iter().any(is_it)
}

/// Whether a run was to take it away and has not ended.
fn is_begun(state: &DeploymentState, found: &Discovered) -> bool {
    let orphans = state.resources.iter().filter(|(address, _)| is_orphan(address));
    orphans.map(|(_, one)| one).any(|one| one.kind == found.kind && one.id.as_ref() == Some(&found.id))
}

/// What the log tells of, orphans aside, as a graph that calls for no change.
fn as_it_is(state: &DeploymentState) -> Result<ResourceGraph> {
    let own = state.resources.iter().filter(|(address, _)| !is_orphan(address));
    ResourceGraph::new(own.map(|(address, resource)| Resource {
        depends_on: resource.depends_on.clone(),
        volatile_outputs: resource.volatile_outputs.clone(),
        role: resource.role,
        ..Resource::new(address.clone(), resource.kind.clone(), resource.inputs.clone())
    }))
}

fn check_provider(target: &Target, state: &DeploymentState, wanted: &str) -> Result<()> {
    match &state.provider {
        Some(now) if now != wanted => {
            let text = format!(
                "`{}` is on provider `{now}`: its orphans on `{wanted}` can go once it is destroyed",
                target.stream()
            );
            Err(Error::new(ErrorKind::InvalidInput, "deployment.remove_orphans", text)
                .with("provider", wanted))
        }
        _ => Ok(()),
    }
}
