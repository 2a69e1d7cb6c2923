//! The provider: stacks of Pulumi programs, driven by the real `pulumi`.

use async_trait::async_trait;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::plan::PropertyChange;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Finding, NOTICE, Observed, Operation, Provider, ProviderSettings,
    ResourceHandle, Scope, Watch,
};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::cli::Cli;
use crate::config::PulumiConfig;
use crate::driver::Driver;
use crate::stack;

/// Drives stacks of Pulumi programs.
pub struct PulumiProvider {
    config: PulumiConfig,
}

impl PulumiProvider {
    /// A provider; `pulumi` is looked for when it is needed.
    pub fn new(config: PulumiConfig) -> Self {
        Self { config }
    }

    async fn apply_stack(&self, change: &Change, watch: &Watch) -> Result<Applied> {
        let driver = Driver::of(&self.config, &change.resource, &change.secrets).await?;
        let was_there = driver.claim().await?;
        driver.write_config().await?;
        // Nothing we asked for differs: what was changed behind our back has to be found first.
        let refresh = was_there && change.changed.is_empty();
        driver.update(refresh, watch).await?;
        let export = driver.export().await?.ok_or_else(|| {
            let text = format!("stack `{}` is not there after `pulumi up`", driver.inputs.stack);
            Error::new(ErrorKind::Provider, "pulumi.up", text)
        })?;
        let outputs = driver.clean(stack::outputs(&driver.inputs, &export, &[]));
        let adopted = was_there && change.resource.id.is_none();
        Ok(Applied { id: driver.id(), outputs, adopted })
    }
}

#[async_trait]
impl Provider for PulumiProvider {
    fn name(&self) -> &str {
        "pulumi"
    }

    fn drives_stacks(&self) -> bool {
        true
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        let Some(wanted) = &blueprint.stack else {
            let text = format!(
                "`pulumi` drives stacks of Pulumi programs, and `{}` is a {}: deploy it to an environment of another \
                 provider (local, aws, azure)",
                blueprint.component,
                blueprint.kind.as_str()
            );
            return Err(Error::new(ErrorKind::Unsupported, "pulumi.lower", text)
                .with("component", &blueprint.component));
        };
        if !blueprint.tags.is_empty() {
            let text = "a stack has no tags of ours: set them in its program";
            return Err(Error::new(ErrorKind::Unsupported, "pulumi.lower", text)
                .with("component", &blueprint.component));
        }
        ResourceGraph::new(vec![stack::lower(blueprint, wanted, settings.region.as_deref())])
    }

    async fn preview(&self, resource: &ResourceHandle) -> Result<Vec<PropertyChange>> {
        let driver = match Driver::of(&self.config, resource, &ResolvedSecrets::default()).await {
            Ok(driver) => driver,
            // A plan does without the values of secrets.
            Err(error) if error.kind() == ErrorKind::SecretUnresolved => {
                tracing::info!(target: NOTICE, "  what its program makes is not looked at: {}", error.message());
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        if driver.export().await?.is_none() {
            let stack = &driver.inputs.stack;
            tracing::info!(target: NOTICE, "  stack `{stack}` is not there yet: what its program makes is not known before");
            return Ok(Vec::new());
        }
        driver.write_config().await?;
        driver.preview().await
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let driver = Driver::of(&self.config, resource, &ResolvedSecrets::default()).await?;
        let Some(export) = driver.export().await?.filter(|export| !export.is_empty()) else {
            return Ok(None);
        };
        if driver.owner().await?.is_some_and(|owner| owner != driver.deployment) {
            return Ok(None);
        }
        // Without an id it is only asked whether it is there.
        let drifted = match &resource.id {
            Some(_) => {
                driver.write_config().await?;
                driver.drifted().await?
            }
            None => Vec::new(),
        };
        let inputs = [("stack", &driver.inputs.stack), ("directory", &driver.inputs.directory)];
        let inputs = inputs.map(|(name, value)| (name.to_owned(), json!(value)));
        let outputs = driver.clean(stack::outputs(&driver.inputs, &export, &drifted));
        Ok(Some(Observed { id: driver.id(), inputs: inputs.into_iter().collect(), outputs }))
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        self.apply_watched(change, operation, &Watch::none()).await
    }

    async fn apply_watched(&self, change: &Change, _operation: &Operation, watch: &Watch) -> Result<Applied> {
        let applied = self.apply_stack(change, watch).await;
        applied.map_err(|error| change.secrets.redacted(error))
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        self.delete_watched(resource, operation, &Watch::none()).await
    }

    async fn delete_watched(
        &self,
        resource: &ResourceHandle,
        _operation: &Operation,
        watch: &Watch,
    ) -> Result<()> {
        let driver = Driver::of(&self.config, resource, &ResolvedSecrets::default()).await?;
        let Some(export) = driver.export().await? else { return Ok(()) };
        if driver.owner().await?.is_some_and(|owner| owner != driver.deployment) {
            return Ok(());
        }
        if !export.is_empty() {
            driver.write_config().await?;
            driver.destroy(watch).await?;
        }
        driver.disown().await
    }

    /// None: a stack is looked for by its name only.
    async fn discover(&self, _scope: &Scope) -> Result<Vec<Discovered>> {
        Ok(Vec::new())
    }

    async fn diagnose(&self, _settings: &ProviderSettings) -> Result<Vec<Finding>> {
        let cli = Cli { folder: self.config.project.clone(), environment: Vec::new() };
        let version = cli.version().await;
        let found = version.is_ok();
        let detail = version.unwrap_or_else(|error| error.to_record().message);
        let mut findings = vec![Finding { name: "pulumi".into(), ok: found, detail }];
        if found {
            let ran = cli.run(&["whoami"]).await?;
            let detail = match ran.success {
                true => ran.stdout.trim().to_owned(),
                false => format!(
                    "{}: run `pulumi login`, or set PULUMI_BACKEND_URL",
                    crate::error::plain(&ran.stderr)
                ),
            };
            findings.push(Finding { name: "backend".into(), ok: ran.success, detail });
        }
        Ok(findings)
    }
}
