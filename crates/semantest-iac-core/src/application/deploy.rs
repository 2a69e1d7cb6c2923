//! Deploy and plan: from a request and the user's definition to a goal.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::application::answer::{DeployAnswer, PlanAnswer};
use crate::application::authorization::key_files;
use crate::application::component_handler::{Wanted, code_locations, env_files, handler_for};
use crate::application::digest_only::DigestOnly;
use crate::application::layers;
use crate::application::run_log::replay;
use crate::application::secret_settings::{self, SecretUse};
use crate::application::service::{DeploymentService, Goal, Intention, unless_cancelled};
use crate::application::step;
use crate::application::target::Target;
use crate::domain::blueprint::Blueprint;
use crate::domain::component::{ComponentDefinition, ComponentKind, lay_over, nearest};
use crate::domain::deployment::aggregate::Deployment;
use crate::domain::deployment::overlay::lay_settings;
use crate::domain::deployment::plan::{Plan, StepAction};
use crate::domain::deployment::planner;
use crate::domain::deployment::state::{DeploymentState, Scaling};
use crate::domain::deployment::status::DeploymentStatus;
use crate::domain::env_file;
use crate::domain::environment::EnvironmentConfiguration;
use crate::domain::networking::key_set::KeySet;
use crate::error::{Error, ErrorKind, Result};
use crate::events::envelope::Envelope;
use crate::events::request::{DeploymentRequested, RemovalRequested};
use crate::ports::artifact_store::ArtifactStore;
use crate::ports::project::Package;
use crate::ports::provider::ProviderSettings;

/// What to lower, and where to.
pub(crate) struct Lowering<'a> {
    pub provider: String,
    pub region: Option<String>,
    pub blueprint: Blueprint,
    pub configuration: &'a EnvironmentConfiguration,
    pub scaling: &'a Scaling,
    /// What becomes of the secrets.
    pub secrets: SecretUse,
}

struct Deploy<'a> {
    request: &'a DeploymentRequested,
    blueprint: &'a Blueprint,
}

#[async_trait]
impl Intention for Deploy<'_> {
    async fn goal(
        &self,
        service: &DeploymentService,
        _target: &Target,
        deployment: &Deployment,
    ) -> Result<Goal> {
        let state = deployment.state();
        let (provider, region) = service.place(self.request, state).await?;
        let lowering = Lowering {
            provider,
            region,
            blueprint: self.blueprint.clone(),
            configuration: &state.configuration,
            scaling: &state.scaling,
            secrets: SecretUse::Apply,
        };
        service.lower(lowering).await
    }
}

impl DeploymentService {
    /// Deploys a component as it is defined, the request's configuration laid over it.
    ///
    /// # Errors
    /// Whatever keeps a run from beginning; a run that began and failed is an answer with `error`.
    pub async fn deploy(
        &self,
        envelope: Envelope,
        request: &DeploymentRequested,
        cancel: &CancellationToken,
    ) -> Result<DeployAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        let artifacts = self.ports.artifacts.as_ref();
        let wanted = unless_cancelled(cancel, self.blueprint(&target, request, artifacts)).await?;
        self.run(&target, envelope, cancel, &Deploy { request, blueprint: &wanted }).await
    }

    /// What `deploy` would do. Changes nothing, records nothing.
    ///
    /// # Errors
    /// As for [`Self::deploy`], except that secrets need not be resolvable.
    pub async fn plan(&self, request: &DeploymentRequested) -> Result<PlanAnswer> {
        self.plan_from(request, false).await
    }

    /// The plan as if nothing were there: every resource with all its inputs, secrets as references. Settings and scaling in
    /// force are laid over them. Changes nothing, records nothing.
    ///
    /// # Errors
    /// As for [`Self::plan`].
    pub async fn plan_anew(&self, request: &DeploymentRequested) -> Result<PlanAnswer> {
        self.plan_from(request, true).await
    }

    async fn plan_from(&self, request: &DeploymentRequested, nothing: bool) -> Result<PlanAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        let blueprint = self.blueprint(&target, request, &DigestOnly).await?;
        let deployment = replay(&self.ports, &target.stream()).await?;
        let state = deployment.state();
        let nowhere = DeploymentState::default();
        let (provider, region) = match self.place(request, state).await {
            // Where nothing is there, it can go anywhere.
            Err(_) if nothing => self.place(request, &nowhere).await?,
            place => place?,
        };
        let existing = if nothing { &nowhere.resources } else { &state.resources };
        let (configuration, scaling) = (&state.configuration, &state.scaling);
        // Nothing to compare with, and a digest would need a key that is made with the first deploy.
        let secrets = if existing.is_empty() { SecretUse::Ignore } else { SecretUse::Compare };
        let lowering = Lowering { provider, region, blueprint, configuration, scaling, secrets };
        let goal = self.lower(lowering).await?;
        let mut plan = planner::plan(&goal.graph, existing);
        if !nothing {
            self.preview(&target, &goal, state, &mut plan).await?;
        }
        Ok(PlanAnswer::new(target.stream(), goal.provider, plan))
    }

    /// Lays beside each step what the provider knows of what it would do inside the resource.
    async fn preview(
        &self,
        target: &Target,
        goal: &Goal,
        state: &DeploymentState,
        plan: &mut Plan,
    ) -> Result<()> {
        let provider = self.ports.provider(&goal.provider)?;
        for step in &mut plan.steps {
            let Some(wanted) = goal.graph.get(&step.address) else { continue };
            if step.action == StepAction::Unchanged {
                continue;
            }
            let inputs = state.resolve_known(&wanted.inputs);
            let handle = step::handle(
                step::tags(target, &step.address),
                step,
                inputs,
                state.resources.get(&step.address),
            );
            step.diff.extend(provider.preview(&handle).await?);
        }
        Ok(())
    }

    /// What `remove` would do.
    ///
    /// # Errors
    /// `NotFound` where there is no such component.
    pub async fn plan_removal(&self, request: &RemovalRequested) -> Result<PlanAnswer> {
        let target = Target::new(self.ports.project.name(), &request.environment, &request.component)?;
        let deployment = replay(&self.ports, &target.stream()).await?;
        let state = deployment.state();
        let provider = state.provider.clone().unwrap_or_default();
        let plan = planner::plan_removal(&state.resources);
        Ok(PlanAnswer::new(target.stream(), provider, plan))
    }

    /// The definition of a component with the request's configuration laid over it.
    fn definition(&self, target: &Target, configuration: &Map<String, Value>) -> Result<ComponentDefinition> {
        let project = &self.ports.project;
        let defined = project.component(&target.environment, &target.component)?;
        if defined.is_none() && configuration.is_empty() {
            return Err(self.no_such_component(&target.component));
        }
        let mut map = defined.unwrap_or_default();
        lay_over(&mut map, configuration);
        let definition = ComponentDefinition::from_map(&target.component, map)?;
        match definition.kind {
            Some(_) => Ok(definition),
            None => {
                let text = format!(
                    "component `{}` needs a `kind`: rest-api, websocket, container-service or pulumi-stack",
                    target.component
                );
                Err(Error::new(ErrorKind::InvalidProject, "component.read", text)
                    .with("component", &target.component)
                    .with("field", "kind"))
            }
        }
    }

    pub(crate) fn no_such_component(&self, component: &str) -> Error {
        let known = self.ports.project.components();
        let hint = match nearest(component, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the project defines none yet".into(),
            None => format!("the project defines: {}", known.join(", ")),
        };
        let text = format!("there is no component `{component}`; {hint}");
        Error::new(ErrorKind::InvalidProject, "component.find", text).with("component", component)
    }

    async fn blueprint(
        &self,
        target: &Target,
        request: &DeploymentRequested,
        artifacts: &dyn ArtifactStore,
    ) -> Result<Blueprint> {
        let definition = self.definition(target, &request.configuration)?;
        let Some(kind) = definition.kind else { return Err(self.no_such_component(&target.component)) };
        let schemes = self.ports.secrets.schemes();
        let files = self.env_files(target, &definition).await?;
        let wanted = |packages: &BTreeMap<String, Package>, key_sets: &BTreeMap<String, KeySet>| {
            handler_for(kind).blueprint(&Wanted {
                project: &target.project,
                environment: &target.environment,
                component: &target.component,
                definition: &definition,
                packages,
                key_sets,
                env_files: &files,
                schemes: &schemes,
            })
        };
        // Everything that can be wrong in the definition is found before any code is packed.
        wanted(&BTreeMap::new(), &BTreeMap::new())?;
        let key_sets = self.key_sets(target, &definition).await?;
        // A file of secrets among the code is no part of it.
        let left_out = files.keys().cloned().collect();
        let packages = self.packages(&definition, &left_out, artifacts).await;
        let packages = packages.map_err(|error| error.with("component", &target.component))?;
        wanted(&packages, &key_sets)
    }

    /// Code and layers, packed, by where they lie.
    async fn packages(
        &self,
        definition: &ComponentDefinition,
        left_out: &BTreeSet<String>,
        artifacts: &dyn ArtifactStore,
    ) -> Result<BTreeMap<String, Package>> {
        let mut packages = BTreeMap::new();
        for code in code_locations(definition) {
            let package = match definition.kind {
                Some(ComponentKind::PulumiStack) => self.program(&code).await,
                _ => self.ports.project.package(&code, left_out, artifacts).await,
            };
            packages.insert(code, package.map_err(|error| error.with("field", "code"))?);
        }
        for (layer, field) in layers::locations(definition) {
            // The same folder may be code as well.
            if let Entry::Vacant(place) = packages.entry(layer) {
                let package = self.ports.project.package(place.key(), left_out, artifacts).await;
                place.insert(package.map_err(|error| error.with("field", field))?);
            }
        }
        Ok(packages)
    }

    /// The key sets that authorizers name, by their paths.
    async fn key_sets(
        &self,
        target: &Target,
        definition: &ComponentDefinition,
    ) -> Result<BTreeMap<String, KeySet>> {
        let mut read = BTreeMap::new();
        for (name, path) in key_files(definition) {
            let placed = |error: Error| {
                let field = format!("authorizers.{name}.jwks");
                error.with("component", &target.component).with("field", field)
            };
            let text = self.ports.project.file(path).await.map_err(placed)?;
            let keys = KeySet::parse(&text).map_err(|why| {
                let text = format!("`jwks` of authorizer `{name}`: {} {why}", path.escape_debug());
                placed(Error::new(ErrorKind::InvalidProject, "component.keys", text))
            })?;
            read.insert(path.to_owned(), keys);
        }
        Ok(read)
    }

    /// A Pulumi program stays where it is: it is told by its digest.
    async fn program(&self, directory: &str) -> Result<Package> {
        Ok(Package { address: self.ports.project.program(directory).await?, files: None, unzipped: None })
    }

    /// Names of variables by environment file.
    async fn env_files(
        &self,
        target: &Target,
        definition: &ComponentDefinition,
    ) -> Result<BTreeMap<String, Vec<String>>> {
        let mut names = BTreeMap::new();
        for (field, path) in env_files(definition) {
            let of_field = |error: Error| error.with("component", &target.component).with("field", &field);
            let bytes = self.ports.project.file(path).await.map_err(of_field)?;
            let variables = env_file::read(path, bytes).map_err(|why| {
                let text = format!("env_file {why}");
                of_field(Error::new(ErrorKind::InvalidProject, "component.env_file", text))
            })?;
            names.insert(path.clone(), variables.into_keys().collect());
        }
        Ok(names)
    }

    /// Which provider and region: the request's, else the environment's; else the region it lives in, or at first the
    /// one this machine is set up for. A deployment does not move.
    async fn place(
        &self,
        request: &DeploymentRequested,
        state: &DeploymentState,
    ) -> Result<(String, Option<String>)> {
        let environment = self.ports.project.environment(&request.environment)?;
        let defined = environment.as_ref().map(|environment| environment.provider.clone());
        let Some(provider) = request.provider.clone().or(defined) else {
            let text = format!(
                "environment `{}` is not defined: add [environments.{}] with a provider, or name one (--provider)",
                request.environment, request.environment
            );
            return Err(Error::new(ErrorKind::InvalidProject, "environment.find", text)
                .with("environment", &request.environment));
        };
        let of_environment = environment.filter(|environment| environment.provider == provider);
        let named = request.region.clone().or(of_environment.and_then(|environment| environment.region));
        let lives = !state.resources.is_empty() && state.status != DeploymentStatus::Removed;
        let chosen = self.ports.provider(&provider)?;
        let region = match named {
            Some(region) => Some(region),
            None if lives => state.region.clone(),
            None => chosen.default_region().await,
        };
        for (what, now, wanted) in [
            ("provider", state.provider.clone(), Some(provider.clone())),
            ("region", state.region.clone(), region.clone()),
        ] {
            if lives && now != wanted {
                let text = format!(
                    "this deployment is on {what} `{}`, not `{}`: destroy it first, or use another environment",
                    now.unwrap_or_else(|| "default".into()),
                    wanted.unwrap_or_else(|| "default".into())
                );
                return Err(Error::new(ErrorKind::InvalidInput, "deployment.place", text).with("field", what));
            }
        }
        Ok((provider, region))
    }

    /// Lowers a version of what is deployed already, with other settings or scaling.
    pub(crate) async fn lower_version(
        &self,
        state: &DeploymentState,
        blueprint: &Blueprint,
        configuration: &EnvironmentConfiguration,
        scaling: &Scaling,
    ) -> Result<Goal> {
        self.check_program(blueprint).await?;
        self.lower(Lowering {
            provider: state.provider.clone().unwrap_or_default(),
            region: state.region.clone(),
            blueprint: blueprint.clone(),
            configuration,
            scaling,
            secrets: SecretUse::Apply,
        })
        .await
    }

    /// Checks that a Pulumi program is what it was: only its digest is kept.
    async fn check_program(&self, blueprint: &Blueprint) -> Result<()> {
        let Some(stack) = &blueprint.stack else { return Ok(()) };
        if self.ports.project.program(&stack.directory).await? == stack.program {
            return Ok(());
        }
        let text = format!(
            "the Pulumi program in `{}` is not what it was in that version: bring its files back (from version control), or \
             deploy it as it is now",
            stack.directory
        );
        Err(Error::new(ErrorKind::InvalidInput, "stack.program", text)
            .with("component", &blueprint.component))
    }

    /// Lays settings over a blueprint, resolves its secrets and lowers it.
    pub(crate) async fn lower(&self, lowering: Lowering<'_>) -> Result<Goal> {
        let Lowering { provider, region, blueprint, configuration, scaling, secrets } = lowering;
        let mut effective = lay_settings(&blueprint, configuration, scaling);
        let resolver = self.ports.secrets.as_ref();
        let secrets = secret_settings::resolve(&mut effective, resolver, region.as_deref(), secrets).await?;
        let settings = ProviderSettings { region: region.clone() };
        let chosen = self.ports.provider(&provider)?;
        if effective.stack.is_some() && !chosen.drives_stacks() {
            return Err(no_stacks(&provider, &effective));
        }
        let lowered = chosen.lower(&effective, &settings);
        let graph =
            lowered.map_err(|error| match error.context().iter().any(|(key, _)| key == "component") {
                true => error,
                false => error.with("component", &effective.component),
            })?;
        Ok(Goal {
            provider,
            region,
            blueprint: Some(blueprint),
            graph,
            secrets,
            facts: Vec::new(),
            orphans: None,
        })
    }
}

fn no_stacks(provider: &str, blueprint: &Blueprint) -> Error {
    let text = format!(
        "`{provider}` drives no Pulumi programs: deploy `{}` to an environment with `provider = \"pulumi\"`, or name that \
         provider (--provider pulumi)",
        blueprint.component
    );
    Error::new(ErrorKind::Unsupported, "stack.lower", text).with("component", &blueprint.component)
}
