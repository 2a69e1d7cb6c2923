//! One run of the command line: its options, its project, and whether it was told to stop.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use semantest_iac::answer::DeploymentAnswer;
use semantest_iac::domain::component::nearest;
use semantest_iac::events::request::DeploymentRequested;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::project::Project;
use semantest_iac::project_file::FILE_NAME;
use semantest_iac::setting::Setting;
use semantest_iac::{CancellationToken, Error, ErrorKind, Iac, IacBuilder, Result};
use serde_json::{Map, Value};

use crate::arguments::Global;
use crate::names::Names;
use crate::output::Output;
use crate::progress;

/// What every verb needs.
pub(crate) struct Session {
    pub global: Global,
    pub host_command: Option<Vec<OsString>>,
    pub output: Output,
    pub cancel: CancellationToken,
    /// Whether the user is being asked: nothing is under way meanwhile.
    pub asking: Cell<bool>,
}

impl Session {
    /// The project's folder: the one that was named, or this one, or the nearest around it with a project file.
    pub fn directory(&self) -> PathBuf {
        if let Some(directory) = &self.global.project {
            return directory.clone();
        }
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let found = here.ancestors().find(|folder| folder.join(FILE_NAME).is_file());
        found.map_or_else(|| here.clone(), PathBuf::from)
    }

    /// Opens the project.
    pub async fn open(&self) -> Result<Iac> {
        self.builder().open().await
    }

    /// Opens the project also where its file has an error, with a warning: for what needs no more than its folder and
    /// its name. The environment that was named must be known.
    pub async fn open_to_look(&self) -> Result<Iac> {
        let iac = self.open_leniently().await?;
        if iac.project().problem().is_none() {
            self.check_environment(&iac).await?;
        }
        Ok(iac)
    }

    /// Opens the project to look for what neither its file nor its log may know: with a provider that is named, no
    /// environment need be known.
    pub async fn open_to_discover(&self) -> Result<Iac> {
        let iac = self.open_leniently().await?;
        if iac.project().problem().is_none() {
            self.check_place(&iac).await?;
        }
        Ok(iac)
    }

    async fn open_leniently(&self) -> Result<Iac> {
        let iac = self.builder().lenient().open().await?;
        if let Some(problem) = iac.project().problem() {
            self.output.warning(&format!("the project file has an error: {}", problem.message()));
        }
        Ok(iac)
    }

    /// The environment that was named must be known.
    ///
    /// # Errors
    /// `InvalidProject` with the nearest one.
    pub async fn check_environment(&self, iac: &Iac) -> Result<()> {
        match self.global.environment_given {
            true => Names::of(iac).await?.check_environment(&self.global.environment),
            false => Ok(()),
        }
    }

    /// A provider that was named must be in this build; without one the environment must be known.
    ///
    /// # Errors
    /// `InvalidInput` and `InvalidProject` with the nearest one.
    pub async fn check_place(&self, iac: &Iac) -> Result<()> {
        match &self.global.provider {
            Some(provider) => iac.check_provider(provider),
            None => self.check_environment(iac).await,
        }
    }

    /// Shows what `iac` does from now on, with so many components.
    pub async fn show_progress(&self, iac: &Iac, components: usize) -> Result<()> {
        if self.output.shows_progress() {
            progress::attach(iac, self.output.is_live(), components > 1).await?;
        }
        Ok(())
    }

    /// Opens the project and shows what happens with one component.
    pub async fn open_with_progress(&self) -> Result<Iac> {
        let iac = self.open().await?;
        self.show_progress(&iac, 1).await?;
        Ok(iac)
    }

    fn builder(&self) -> IacBuilder {
        let builder = Iac::builder(self.directory())
            .lease_wait(Duration::from_secs(self.global.wait))
            .traceparent(std::env::var("TRACEPARENT").ok().filter(|text| is_traceparent(text)));
        match &self.host_command {
            Some(command) => builder.host_command(command.clone()),
            None => builder,
        }
    }

    /// The components that were named, each once.
    ///
    /// # Errors
    /// `InvalidProject` for one that is neither defined nor in the log.
    pub async fn named(&self, iac: &Iac) -> Result<Vec<String>> {
        let named = self.distinct();
        // A file that cannot be read whole may define it.
        if !named.is_empty() && iac.project().problem().is_none() {
            let names = Names::of(iac).await?;
            named.iter().try_for_each(|name| names.check_component(name))?;
        }
        Ok(named)
    }

    /// The components that were named, each once, whether or not they are known.
    pub fn distinct(&self) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        for name in &self.global.components {
            if !named.contains(name) {
                named.push(name.clone());
            }
        }
        named
    }

    /// The components that were named, or all that are defined.
    ///
    /// # Errors
    /// `InvalidProject` where there is none.
    pub async fn components(&self, iac: &Iac) -> Result<Vec<String>> {
        let named = self.named(iac).await?;
        let mut all = if named.is_empty() { iac.project().components() } else { named };
        if all.is_empty() && iac.project().problem().is_some() {
            let known = iac.known_deployments().await?.into_iter();
            let here = known.filter(|(environment, _)| *environment == self.global.environment);
            all = here.map(|(_, component)| component).collect();
        }
        if all.is_empty() {
            let file = iac.project().directory().join(FILE_NAME);
            let text = format!(
                "{}: the project defines no component: add [components.<name>] to {FILE_NAME}",
                file.display()
            );
            let error = Error::new(ErrorKind::InvalidProject, "cli.components", text);
            return Err(error.with("file", file.display()).with("field", "components"));
        }
        Ok(all)
    }

    /// The components to deploy: as [`Self::components`]; what the project does not define can be defined by settings.
    pub async fn to_deploy(&self, iac: &Iac, settings: &[Setting]) -> Result<Vec<String>> {
        match settings.is_empty() {
            true => self.components(iac).await,
            false if self.global.components.is_empty() => self.components(iac).await,
            false => Ok(self.distinct()),
        }
    }

    /// Where all components are meant: says which are deployed and no longer defined, since nothing happens to them.
    pub async fn tell_of_undefined(&self, iac: &Iac) -> Result<()> {
        if !self.global.components.is_empty() {
            return Ok(());
        }
        let (environment, defined) = (&self.global.environment, iac.project().components());
        for (of, component) in iac.known_deployments().await? {
            if of != *environment || defined.contains(&component) {
                continue;
            }
            let status = iac.status(Some(environment), Some(&component)).await?;
            if status.deployments.iter().any(|one| one.status != "removed") {
                self.output.note(&format!(
                    "`{component}` is deployed and no longer defined: `destroy --component {component}` takes it away"
                ));
            }
        }
        Ok(())
    }

    /// The deployed component that was named, or the only one.
    ///
    /// # Errors
    /// `InvalidInput` where it is not clear which, or where it is on another provider than was named.
    pub async fn component(&self, iac: &Iac) -> Result<String> {
        let mut all = self.components(iac).await?;
        if all.len() != 1 {
            let text = format!("which component? Name one of {} with --component", all.join(", "));
            return Err(Error::new(ErrorKind::InvalidInput, "cli.component", text));
        }
        self.check_provider(iac, &all).await?;
        Ok(all.swap_remove(0))
    }

    /// Those of `deployments` that are on the provider that was named, or all.
    ///
    /// # Errors
    /// `InvalidInput` for a provider that this build has not.
    pub fn on_provider(
        &self,
        iac: &Iac,
        deployments: Vec<DeploymentAnswer>,
    ) -> Result<Vec<DeploymentAnswer>> {
        let Some(wanted) = &self.global.provider else { return Ok(deployments) };
        iac.check_provider(wanted)?;
        Ok(deployments.into_iter().filter(|one| one.provider.as_ref() == Some(wanted)).collect())
    }

    /// Deployments of the environment: of the components that were named, or all.
    pub async fn deployments(&self, iac: &Iac) -> Result<Vec<DeploymentAnswer>> {
        let named = self.named(iac).await?;
        let one = if let [one] = named.as_slice() { Some(one.as_str()) } else { None };
        let mut deployments = iac.status(Some(&self.global.environment), one).await?.deployments;
        deployments.retain(|deployment| named.is_empty() || named.contains(&deployment.component));
        Ok(deployments)
    }

    /// A provider that is named for what is deployed already must be the one it is on.
    ///
    /// # Errors
    /// `InvalidInput` where it is another, or none that this build has.
    pub async fn check_provider(&self, iac: &Iac, components: &[String]) -> Result<()> {
        let Some(wanted) = &self.global.provider else { return Ok(()) };
        for component in components {
            let status = iac.status(Some(&self.global.environment), Some(component)).await?;
            let live = status.deployments.into_iter().find(|deployment| deployment.status != "removed");
            if let Some(DeploymentAnswer { deployment, provider: Some(provider), .. }) = live
                && provider != *wanted
            {
                let text = format!(
                    "`{deployment}` is on provider `{provider}`, not `{wanted}`: leave --provider out"
                );
                return Err(
                    Error::new(ErrorKind::InvalidInput, "cli.provider", text).with("provider", wanted)
                );
            }
        }
        iac.check_provider(wanted)
    }

    /// The settings of the command line.
    ///
    /// # Errors
    /// `InvalidInput` for a setting that is none.
    pub fn settings(&self) -> Result<Vec<Setting>> {
        let settings: Vec<Setting> =
            self.global.settings.iter().map(|text| Setting::parse(text)).collect::<Result<_>>()?;
        // Whether there is such a function comes first where a setting is for one.
        settings.iter().filter(|setting| setting.function().is_none()).try_for_each(Setting::check)?;
        Ok(settings)
    }

    /// The request to deploy `component`, with the settings of the command line.
    ///
    /// # Errors
    /// `InvalidInput` for a setting of a function that the component has not.
    pub fn deployment(
        &self,
        iac: &Iac,
        component: &str,
        settings: &[Setting],
    ) -> Result<DeploymentRequested> {
        let environment = &self.global.environment;
        if let Some(definition) = iac.project().component(environment, component)? {
            check_functions(component, &definition, settings)?;
        }
        settings.iter().try_for_each(Setting::check)?;
        let mut configuration = Map::new();
        settings.iter().for_each(|setting| setting.lay_over(&mut configuration));
        Ok(DeploymentRequested {
            component: component.to_owned(),
            provider: self.global.provider.clone(),
            environment: environment.clone(),
            region: None,
            configuration,
        })
    }
}

/// A setting of a function that is not there is a slip, unless the settings make the function.
fn check_functions(component: &str, definition: &Map<String, Value>, settings: &[Setting]) -> Result<()> {
    let functions = definition.get("functions").and_then(Value::as_object);
    let known: Vec<&str> = functions.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    for setting in settings {
        let Some(name) = setting.function() else { continue };
        if known.contains(&name) || settings.iter().any(|setting| setting.defines(name)) {
            continue;
        }
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it has only one, set by keys without `functions.`".to_owned(),
            None => format!("it has: {}", known.join(", ")),
        };
        return Err(setting.refused(&format!("component `{component}` has no function `{name}`; {hint}")));
    }
    Ok(())
}

/// An error about what a setting of the command line says names that setting.
pub(crate) fn name_setting(error: Error, settings: &[Setting]) -> Error {
    let field = error.context().iter().find(|(key, _)| key == "field").map(|(_, value)| value.clone());
    let placed = error.context().iter().any(|(key, _)| key == "file");
    let setting = field.filter(|_| !placed).and_then(|field| settings.iter().find(|one| one.covers(&field)));
    match setting {
        Some(setting) => setting.refused(error.message()),
        None => error,
    }
}

/// W3C Trace Context, section "traceparent Header Field Values", version 00.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lower_hex = |part: &&str| part.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2]) && parts.iter().all(lower_hex)
}

/// A moment as people write it; UTC where it says nothing else.
///
/// # Errors
/// `InvalidInput` with an example.
pub(crate) fn moment(text: &str) -> Result<Timestamp> {
    let without_zone = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(without_zone).ok_or_else(|| {
        let text = format!("`{text}` is no time: write it like 2026-11-24T09:00:00Z, or 2026-11-24 (UTC)");
        Error::new(ErrorKind::InvalidInput, "cli.time", text)
    })
}
