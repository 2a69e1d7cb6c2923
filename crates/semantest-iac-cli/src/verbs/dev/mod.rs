//! `dev`: deploys to this machine, shows the logs, and deploys again what changes.

mod inspect;
mod keys;
mod line;
mod log_feed;
mod watch;

use std::path::PathBuf;
use std::time::Instant;

use semantest_iac::answer::{DeployAnswer, RunStatus};
use semantest_iac::domain::compute::function_layer::is_arn;
use semantest_iac::ports::project::Project;
use semantest_iac::setting::Setting;
use semantest_iac::{Error, ErrorKind, FunctionToInspect, Iac, Result, stop_local_host};
use serde_json::{Map, Value};

use crate::Exit;
use crate::arguments::DevArguments;
use crate::render;
use crate::session::{Session, name_setting};

use inspect::Inspection;
use keys::{Key, Keys};
pub(crate) use line::DevLine;
use log_feed::LogFeed;
use watch::{Changed, Watch};

const KEYS: &str = "keys: r restart what runs, o open the endpoint, c clear, q quit";

pub(super) async fn run(session: &Session, arguments: &DevArguments) -> Result<Exit> {
    let settings = session.settings()?;
    let iac = open(session).await?;
    // What was there before stays when this ends.
    let was_running = iac.local_host_runs().await?;
    let inspection = Inspection::wanted(arguments);
    let mut dev = Dev { session, settings, iac, feed: LogFeed::new(), endpoints: Vec::new(), inspection };
    let ended = dev.develop(arguments).await;
    if was_running
        && dev.inspection.is_some()
        && let Err(error) = dev.iac.end_inspection().await
    {
        session.output.warning(&render::error(&error.to_record()));
    }
    if !was_running {
        // Nothing that ends it may keep the terminal: an error of the way down is told, no more.
        if let Err(error) = stop_local_host(&session.directory()).await {
            session.output.warning(&format!("the local host could not be stopped: {}", error.message()));
        }
    }
    ended
}

/// The project, in an environment on this machine.
async fn open(session: &Session) -> Result<Iac> {
    let iac = session.open().await?;
    session.check_place(&iac).await?;
    let environment = &session.global.environment;
    let defined = iac.project().environment(environment)?.map(|environment| environment.provider);
    match session.global.provider.clone().or(defined) {
        Some(provider) if provider != "local" => {
            let text = format!(
                "`dev` runs functions on this machine, and `{environment}` is on provider `{provider}`: name an \
                 environment on `local` with --environment, or give --provider local"
            );
            Err(Error::new(ErrorKind::InvalidInput, "cli.dev", text).with("provider", provider))
        }
        _ => Ok(iac),
    }
}

/// What names a path that functions depend on: for each of the table's entries, or for all of them.
const WATCHED: [(&str, &str); 4] =
    [("functions", "code"), ("functions", "layers"), ("functions", "env_file"), ("authorizers", "jwks")];

/// The paths in a value: one, or a list of them. Layers that are published elsewhere are none.
fn paths(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(list.iter().filter_map(Value::as_str)).filter(|path| !is_arn(path))
}

struct Dev<'a> {
    session: &'a Session,
    settings: Vec<Setting>,
    iac: Iac,
    feed: LogFeed,
    endpoints: Vec<String>,
    inspection: Option<Inspection>,
}

impl Dev<'_> {
    async fn develop(&mut self, arguments: &DevArguments) -> Result<Exit> {
        let components = self.session.to_deploy(&self.iac, &self.settings).await?;
        if let Some(inspection) = &self.inspection {
            inspection.check(&self.defined(&components)?)?;
        }
        // Armed before the first deploy: what is saved meanwhile is not missed.
        let watch = match arguments.no_watch {
            true => None,
            false => Some(Watch::start(self.session.directory(), self.code(&components)?)?),
        };
        let failed = self.deploy_all(&components, true).await;
        if self.session.cancel.is_cancelled() {
            return Ok(Exit::INTERRUPTED);
        }
        match failed {
            Some(exit) if watch.is_none() => return Ok(exit),
            _ => {
                self.inspect().await?;
                self.say_ready(&components, watch.is_some());
            }
        }
        self.attend(watch).await
    }

    /// Does what is due, until the end.
    async fn attend(&mut self, mut watch: Option<Watch>) -> Result<Exit> {
        let mut keys = Keys::listen(!self.session.output.is_json());
        if keys.are_there() {
            self.session.output.note(KEYS);
        }
        loop {
            // Where lines never cease, nothing below has to wait: timers and signals would not get their turn.
            tokio::task::yield_now().await;
            // While nothing is under way, Ctrl-C needs no explanation.
            self.session.asking.set(true);
            let due = tokio::select! {
                biased;
                () = self.session.cancel.cancelled() => return Ok(Exit::INTERRUPTED),
                key = keys.next() => Due::Key(key),
                changed = next(&mut watch) => Due::Change(changed),
                lines = self.feed.next(&self.iac, &self.session.global.environment) => Due::Lines(lines),
            };
            self.session.asking.set(false);
            match due {
                Due::Key(Key::Quit) => return Ok(Exit::DONE),
                Due::Key(key) => self.press(key).await,
                Due::Change(changed) => {
                    if let Some(watch) = &mut watch {
                        self.take_up(&changed, watch).await;
                    }
                }
                Due::Lines(lines) => {
                    lines.into_iter().for_each(|line| DevLine::Log(line).print(&self.session.output));
                }
            }
            if self.session.output.is_broken() {
                return Ok(Exit::DONE);
            }
        }
    }

    /// A component as the project and the command line define it.
    fn definition(&self, component: &str) -> Result<Map<String, Value>> {
        let defined = self.iac.project().component(&self.session.global.environment, component)?;
        let mut definition = defined.unwrap_or_default();
        self.settings.iter().for_each(|setting| setting.lay_over(&mut definition));
        Ok(definition)
    }

    /// Functions by component, before anything is deployed.
    fn defined(&self, components: &[String]) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        for component in components {
            let definition = self.definition(component)?;
            match definition.get("functions").and_then(Value::as_object) {
                Some(functions) => all.extend(functions.keys().map(|name| (component.clone(), name.clone()))),
                None if definition.contains_key("code") => all.push((component.clone(), component.clone())),
                None => {}
            }
        }
        Ok(all)
    }

    /// Lets debuggers in, where they are wanted.
    async fn inspect(&mut self) -> Result<()> {
        let Some(mut inspection) = self.inspection.take() else { return Ok(()) };
        let meant =
            self.feed.functions().filter(|(component, function)| inspection.means(component, function));
        let functions = meant.map(|(component, function)| FunctionToInspect {
            component: component.to_owned(),
            function: function.to_owned(),
            source: self.source(component, function),
        });
        let functions = functions.collect();
        let (iac, environment) = (&self.iac, &self.session.global.environment);
        let inspecting = inspection.renew(iac, environment, functions, &self.session.output).await;
        self.inspection = Some(inspection);
        inspecting
    }

    /// The folder that a function's package is made of.
    fn source(&self, component: &str, function: &str) -> Option<PathBuf> {
        let definition = self.definition(component).ok()?;
        let own = definition.get("functions").and_then(|functions| functions.get(function)?.get("code"));
        let code = own.or(definition.get("code"))?.as_str()?;
        let folder = std::fs::canonicalize(self.iac.project().directory().join(code)).ok()?;
        folder.is_dir().then_some(folder)
    }

    /// Folders and packages of the components' code, their environment files and key sets, by component.
    fn code(&self, components: &[String]) -> Result<Vec<(String, PathBuf)>> {
        let mut all = Vec::new();
        for component in components {
            let definition = self.definition(component)?;
            for (table, key) in WATCHED {
                let named = definition.get(table).and_then(|named| named.as_object());
                let own = named.into_iter().flatten().filter_map(|(_, one)| one.get(key));
                for path in own.chain(definition.get(key)).flat_map(paths) {
                    all.push((component.clone(), self.iac.project().directory().join(path)));
                }
            }
        }
        Ok(all)
    }

    /// Deploys the components, one after the other; the exit code of the worst failure.
    async fn deploy_all(&mut self, components: &[String], first: bool) -> Option<Exit> {
        let mut failed = None;
        for component in components {
            if self.session.cancel.is_cancelled() {
                break;
            }
            let begun = Instant::now();
            let line = match self.deploy(component).await {
                Ok(answer) if answer.status == RunStatus::Unchanged && !first => continue,
                Ok(answer) => {
                    failed = failed.or(answer.error.as_ref().map(|_| Exit::FAILED));
                    DevLine::Deployed {
                        took_ms: begun.elapsed().as_secs_f64() * 1000.0,
                        again: !first,
                        answer,
                    }
                }
                Err(error) => {
                    failed = failed.or(Some(Exit::of(&error)));
                    DevLine::Failed { component: Some(component.clone()), error: error.to_record() }
                }
            };
            line.print(&self.session.output);
        }
        self.feed.look_for(&self.iac, &self.session.global.environment, components).await;
        failed
    }

    async fn deploy(&mut self, component: &str) -> Result<DeployAnswer> {
        let request = self.session.deployment(&self.iac, component, &self.settings)?;
        let answer = self.iac.deploy(request, &self.session.cancel).await;
        let answer = answer.map_err(|error| name_setting(error, &self.settings))?;
        let of_functions = answer.functions.iter().filter_map(|function| function.endpoint.as_ref());
        for endpoint in answer.endpoint.iter().chain(of_functions) {
            if !self.endpoints.contains(endpoint) {
                self.endpoints.push(endpoint.clone());
            }
        }
        Ok(answer)
    }

    fn say_ready(&self, components: &[String], watching: bool) {
        let line = DevLine::Ready {
            environment: self.session.global.environment.clone(),
            endpoints: self.endpoints.clone(),
            components: components.to_vec(),
            watching,
        };
        line.print(&self.session.output);
    }

    /// What was saved is deployed. What cannot be deployed is told, and what ran goes on.
    async fn take_up(&mut self, changed: &Changed, watch: &mut Watch) {
        let mut components = changed.components.clone();
        if changed.project_file {
            match self.reopen().await {
                Ok(all) => components = all,
                Err(error) => {
                    let record = error.to_record();
                    return DevLine::Failed { component: None, error: record }.print(&self.session.output);
                }
            }
        }
        // Before it is deployed: what is saved from here on is told of, what was saved before is read.
        if changed.project_file || changed.folders {
            let all = self.session.to_deploy(&self.iac, &self.settings).await;
            let rearmed = all.and_then(|all| watch.watch(self.code(&all)?));
            if let Err(error) = rearmed {
                self.session.output.warning(&render::error(&error.to_record()));
            }
        }
        self.deploy_all(&components, false).await;
        if let Err(error) = self.inspect().await {
            self.session.output.warning(&render::error(&error.to_record()));
        }
    }

    async fn reopen(&mut self) -> Result<Vec<String>> {
        let iac = open(self.session).await?;
        let components = self.session.to_deploy(&iac, &self.settings).await?;
        self.iac = iac;
        Ok(components)
    }

    async fn press(&mut self, key: Key) {
        let output = &self.session.output;
        match key {
            Key::Quit => {}
            Key::Help => output.note(KEYS),
            Key::Clear => output.clear(),
            Key::Open => match self.endpoints.iter().find(|endpoint| endpoint.starts_with("http")) {
                None => output.note("there is no endpoint that a browser could open"),
                Some(endpoint) => {
                    if let Err(error) = open::that_detached(endpoint) {
                        output.warning(&format!("{endpoint} cannot be opened: {error}"));
                    }
                }
            },
            Key::Restart => {
                let environment = &self.session.global.environment;
                let mut restarted = 0;
                for component in self.feed.components() {
                    match self.iac.restart_workers(environment, &component).await {
                        Ok(functions) => restarted += functions,
                        Err(error) => output.warning(&render::error(&error.to_record())),
                    }
                }
                output.note(&format!("restarted: {restarted}"));
            }
        }
    }
}

enum Due {
    Key(Key),
    Change(Changed),
    Lines(Vec<semantest_iac::ports::provider::LogLine>),
}

async fn next(watch: &mut Option<Watch>) -> Changed {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}
