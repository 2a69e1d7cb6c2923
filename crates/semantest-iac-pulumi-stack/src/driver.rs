//! One stack, and what can be done to it.

use std::path::PathBuf;
use std::time::Duration;

use semantest_iac_core::domain::deployment::plan::PropertyChange;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::provider::{NOTICE, ResourceHandle, Watch};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::cli::{Cli, Ran};
use crate::config::PulumiConfig;
use crate::config_file::{ConfigFile, private};
use crate::error::{failed, foreign};
use crate::export::Export;
use crate::lock::{are_gone, holders, is_alive};
use crate::preview;
use crate::stack::StackInputs;
use crate::update::{Ended, Run};

/// The tag that says whose a stack is.
const OWNER: &str = "semantest:deployment";

/// The file that says which process of ours is at work on a stack.
const AT_WORK: &str = "at-work";

/// How often a process that is still at work is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Drives one stack.
pub(crate) struct Driver {
    pub inputs: StackInputs,
    /// `<project>/<environment>/<component>`.
    pub deployment: String,
    cli: Cli,
    file: ConfigFile,
    state: PathBuf,
    secrets: ResolvedSecrets,
}

impl Driver {
    /// The stack of a resource; secrets that are not among `known` are resolved.
    ///
    /// # Errors
    /// `SecretUnresolved`; `InvalidProject` where the program is gone; `Unsupported` without a `pulumi` that is new enough.
    pub async fn of(
        config: &PulumiConfig,
        resource: &ResourceHandle,
        known: &ResolvedSecrets,
    ) -> Result<Self> {
        let inputs = StackInputs::read(resource)?;
        let folder = config.project.join(&inputs.directory);
        if !folder.is_dir() {
            let text = format!("the Pulumi program in `{}` is gone: bring its folder back", inputs.directory);
            return Err(Error::new(ErrorKind::InvalidProject, "pulumi.program", text));
        }
        let secrets = resolved(config, &inputs, known).await?;
        let variables = inputs.environment_variables.iter();
        let environment = variables.map(|(name, value)| match value {
            SettingValue::Plain(text) => (name.clone(), text.clone()),
            SettingValue::Secret(setting) => {
                let value = secrets.get(&setting.secret).map(|value| value.reveal().to_owned());
                (name.clone(), value.unwrap_or_default())
            }
        });
        let cli = Cli { folder: folder.clone(), environment: environment.collect() };
        cli.version().await?;
        let tags = &resource.tags;
        let state = config.state_dir.join(&tags.environment).join(&tags.component);
        let file = ConfigFile::of(&state, &folder, &inputs);
        let deployment = format!("{}/{}/{}", tags.project, tags.environment, tags.component);
        Ok(Self { inputs, deployment, cli, file, state, secrets })
    }

    /// The id: where the program lies, and the stack's name.
    pub fn id(&self) -> String {
        format!("{}#{}", self.inputs.directory, self.inputs.stack)
    }

    /// Outputs without any secret that was handed in: a program may hand it on.
    pub fn clean(&self, outputs: Properties) -> Properties {
        outputs.into_iter().map(|(key, value)| (key, clean(&self.secrets, value))).collect()
    }

    /// The stack's state; nothing where there is no such stack.
    ///
    /// # Errors
    /// What Pulumi says.
    pub async fn export(&self) -> Result<Option<Export>> {
        let ran = self.about(&["stack", "export"]).await?;
        match ran.success {
            true => Export::read(&ran.stdout).map(Some),
            false if is_missing(&ran.stderr) => Ok(None),
            false => Err(self.failed("stack export", &ran)),
        }
    }

    /// Whose the stack is, where it says so.
    ///
    /// # Errors
    /// Where Pulumi could not be started.
    pub async fn owner(&self) -> Result<Option<String>> {
        let ran = self.about(&["stack", "tag", "get", OWNER]).await?;
        Ok(Some(ran.stdout.trim().to_owned()).filter(|owner| ran.success && !owner.is_empty()))
    }

    /// Makes sure that the stack is there and this deployment's; whether anything is in it.
    ///
    /// # Errors
    /// `AlreadyExists` where it is another deployment's; what Pulumi says.
    pub async fn claim(&self) -> Result<bool> {
        let export = match self.export().await? {
            Some(export) => export,
            None => {
                let arguments = ["stack", "init", &self.inputs.stack, "--no-select"];
                let ran = self.file.keeping(self.cli.run(&arguments)).await?;
                if !ran.success {
                    return Err(self.failed("stack init", &ran));
                }
                Export::read("{}")?
            }
        };
        match self.owner().await? {
            Some(owner) if owner == self.deployment => {}
            Some(owner) => return Err(foreign(&self.inputs.stack, &owner)),
            None => {
                let ran = self.about(&["stack", "tag", "set", OWNER, &self.deployment]).await?;
                if !ran.success {
                    return Err(self.failed("stack tag set", &ran));
                }
            }
        }
        for pending in export.pending() {
            tracing::warn!(
                target: NOTICE,
                "  {}: an earlier run was broken off at this: {pending}. What it was about may be there without Pulumi's \
                 knowing: `pulumi import` takes it over",
                self.inputs.stack
            );
        }
        Ok(!export.is_empty())
    }

    /// The stack is nobody's any more.
    ///
    /// # Errors
    /// Where Pulumi could not be started.
    pub async fn disown(&self) -> Result<()> {
        self.about(&["stack", "tag", "rm", OWNER]).await.map(drop)
    }

    /// Writes the configuration that the stack is run with.
    ///
    /// # Errors
    /// As [`ConfigFile::write`].
    pub async fn write_config(&self) -> Result<()> {
        let written = self.file.write(&self.cli, &self.inputs, &self.secrets).await;
        written.map_err(|error| self.secrets.redacted(error))
    }

    /// `pulumi up`.
    ///
    /// # Errors
    /// What Pulumi says; `Cancelled` where it was told to stop.
    pub async fn update(&self, refresh: bool, watch: &Watch) -> Result<()> {
        let refresh: &[&str] = if refresh { &["--refresh"] } else { &[] };
        let arguments = [&["up", "--yes", "--skip-preview", "--json"], refresh].concat();
        self.engine("up", &arguments, watch, |_| {}).await
    }

    /// `pulumi destroy`. The stack itself stays, as Pulumi leaves it: its history is in it.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn destroy(&self, watch: &Watch) -> Result<()> {
        self.engine("destroy", &["destroy", "--yes", "--skip-preview", "--json"], watch, |_| {}).await
    }

    /// What `pulumi up` would do.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn preview(&self) -> Result<Vec<PropertyChange>> {
        let mut changes = Vec::new();
        let each = |event| changes.extend(preview::changes(&event));
        self.engine("preview", &["preview", "--json"], &Watch::none(), each).await?;
        for change in &mut changes {
            let cleaned = |value: Option<Value>| value.map(|value| clean(&self.secrets, value));
            (change.before, change.after) = (cleaned(change.before.take()), cleaned(change.after.take()));
        }
        Ok(changes)
    }

    /// Resources of the stack that are not as Pulumi left them.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn drifted(&self) -> Result<Vec<String>> {
        let mut drifted = Vec::new();
        let each = |event: crate::engine_event::EngineEvent| {
            let step = event.res_outputs_event.as_ref().or(event.resource_pre_event.as_ref());
            let changed = step.filter(|step| step.metadata.action().is_some());
            drifted.extend(changed.map(|step| format!("{}::{}", step.metadata.kind, step.metadata.name())));
        };
        self.engine("refresh", &["refresh", "--preview-only", "--json"], &Watch::none(), each).await?;
        drifted.sort_unstable();
        drifted.dedup();
        Ok(drifted)
    }

    /// Runs the engine; a lock of a run that was killed is taken away, one of a run of ours that is still at work waited for.
    async fn engine(
        &self,
        verb: &str,
        arguments: &[&str],
        watch: &Watch,
        mut each: impl FnMut(crate::engine_event::EngineEvent),
    ) -> Result<()> {
        let (stack, state) = (&self.inputs.stack, &self.state);
        let run = Run { verb, stack, state, secrets: &self.secrets, watch };
        self.wait_for_ours(watch).await?;
        let ended = self.once(&run, arguments, &mut each).await?;
        if ended.success || !are_gone(&holders(&ended.said())) {
            return run.judge(&ended);
        }
        tracing::warn!(
            target: NOTICE,
            "  {}: the run that held its lock is gone; the lock is taken away (`pulumi cancel`)",
            self.inputs.stack
        );
        let cancelled = self.about(&["cancel", "--yes"]).await?;
        if !cancelled.success {
            return Err(self.failed("cancel", &cancelled));
        }
        let ended = self.once(&run, arguments, &mut each).await?;
        run.judge(&ended)
    }

    async fn once(
        &self,
        run: &Run<'_>,
        arguments: &[&str],
        each: &mut impl FnMut(crate::engine_event::EngineEvent),
    ) -> Result<Ended> {
        let file = self.file.argument()?;
        let about = ["--stack", &self.inputs.stack, "--config-file", file];
        let mut command = self.cli.command(&[arguments, &about].concat());
        // A preview then tells its events like everything else.
        command.env("PULUMI_ENABLE_STREAMING_JSON_PREVIEW", "true");
        let at_work = self.state.join(AT_WORK);
        let begun = |process: u32| {
            if let Err(error) = private(&at_work, &process.to_string()) {
                tracing::debug!(%error, "not noted: a run that outlives this one would not be waited for");
            }
        };
        let ended = run.follow(command, begun, each).await;
        let _ = std::fs::remove_file(&at_work);
        ended
    }

    /// Waits for a `pulumi` that outlived the run of ours which had started it.
    async fn wait_for_ours(&self, watch: &Watch) -> Result<()> {
        let at_work = self.state.join(AT_WORK);
        let process = std::fs::read_to_string(&at_work).ok().and_then(|text| text.trim().parse().ok());
        let Some(process) = process.filter(|process| is_pulumi(*process)) else { return Ok(()) };
        let stack = &self.inputs.stack;
        tracing::info!(target: NOTICE, "  {stack}: waiting for the `pulumi` of an earlier run (process {process})");
        while is_alive(process) {
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = watch.stopping().cancelled() => {
                    let text = format!("the `pulumi` of an earlier run (process {process}) is still at work");
                    return Err(Error::new(ErrorKind::Cancelled, "pulumi.wait", text).with("stack", stack));
                }
            }
        }
        Ok(())
    }

    async fn about(&self, arguments: &[&str]) -> Result<Ran> {
        self.cli.run(&[arguments, &["--stack", &self.inputs.stack]].concat()).await
    }

    fn failed(&self, verb: &str, ran: &Ran) -> Error {
        self.secrets.redacted(failed(verb, &self.inputs.stack, &ran.stderr))
    }
}

/// Whether a process of this machine is alive and a `pulumi`: numbers are used again.
fn is_pulumi(process: i32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
    is_alive(process) && name.map_or(true, |name| name.trim() == "pulumi")
}

/// Whether Pulumi says that there is no such stack.
fn is_missing(said: &str) -> bool {
    said.contains("no stack named") || (said.contains("Stack") && said.contains("not found"))
}

fn clean(secrets: &ResolvedSecrets, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(secrets.cleaned(&text)),
        Value::Array(items) => items.into_iter().map(|item| clean(secrets, item)).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, clean(secrets, value))).collect())
        }
        other => other,
    }
}

async fn resolved(
    config: &PulumiConfig,
    inputs: &StackInputs,
    known: &ResolvedSecrets,
) -> Result<ResolvedSecrets> {
    let mut secrets = known.clone();
    let values = inputs.config.values().chain(inputs.environment_variables.values());
    for reference in values.filter_map(SettingValue::secret) {
        if secrets.get(reference).is_none() {
            let value = config.secrets.resolve_in(reference, inputs.region.as_deref()).await?;
            secrets.insert(reference, value);
        }
    }
    Ok(secrets)
}
