//! A run of Pulumi's engine: its events as they happen, an end in order when it is to stop.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use semantest_iac_core::ports::provider::{NOTICE, Watch};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::process::Command;

use crate::engine_event::EngineEvent;
use crate::error::{disk, failed, no_pulumi, plain};
use crate::unseen::Unseen;

/// How often it is looked for new events.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// How a run of the engine ended.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub success: bool,
    /// What went wrong, as the engine told it.
    pub errors: Vec<String>,
    /// What the command line itself said.
    pub stderr: String,
}

impl Ended {
    /// All that was said of what went wrong.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.stderr, self.errors.join("\n"))
    }
}

/// What a run of the engine is about.
pub(crate) struct Run<'a> {
    /// The verb, for messages.
    pub verb: &'a str,
    /// The stack, for messages.
    pub stack: &'a str,
    /// The component's folder: what the engine writes lies there, without a name.
    pub state: &'a Path,
    /// Values that must not be repeated.
    pub secrets: &'a ResolvedSecrets,
    /// Told of every change; says when to stop.
    pub watch: &'a Watch,
}

impl Run<'_> {
    /// Runs `command` to its end; `begun` is told its process id, `each` every event. Once it is to stop, it is interrupted, once,
    /// and brings what it is at to an end. Where this is dropped, it goes on alone.
    ///
    /// # Errors
    /// Where it could not be started, or what it writes not be read.
    pub async fn follow(
        &self,
        mut command: Command,
        mut begun: impl FnMut(u32),
        mut each: impl FnMut(EngineEvent),
    ) -> Result<Ended> {
        let unusable = |error| disk(self.state, error);
        let mut stdout = Unseen::new(self.state, "events").map_err(unusable)?;
        let mut stderr = Unseen::new(self.state, "errors").map_err(unusable)?;
        command.stdout(stdout.writer().map_err(unusable)?).stderr(stderr.writer().map_err(unusable)?);
        let mut child = command.spawn().map_err(no_pulumi)?;
        let process = child.id();
        process.into_iter().for_each(&mut begun);
        let mut ended = Ended::default();
        let mut interrupted = false;
        loop {
            let status = tokio::select! {
                status = child.wait() => Some(status.map_err(no_pulumi)?),
                () = tokio::time::sleep(LOOK_AGAIN) => None,
                () = self.watch.stopping().cancelled(), if !interrupted => {
                    interrupted = true;
                    process.into_iter().for_each(interrupt);
                    None
                }
            };
            for line in stdout.lines().map_err(unusable)? {
                if let Some(event) = EngineEvent::read(&line) {
                    self.hear(&event, &mut ended);
                    each(event);
                }
            }
            if let Some(status) = status {
                ended.success = status.success();
                ended.stderr = stderr.text().map_err(unusable)?;
                return Ok(ended);
            }
        }
    }

    fn hear(&self, event: &EngineEvent, ended: &mut Ended) {
        if let Some(mut change) = event.change() {
            change.nested_name = self.secrets.cleaned(&change.nested_name);
            self.watch.tell(change);
        }
        ended.errors.extend(event.error());
        if let Some(warning) = event.warning() {
            let warning = self.secrets.cleaned(&plain(warning));
            tracing::warn!(target: NOTICE, "  {}: {warning}", self.stack);
        }
    }

    /// What became of it.
    ///
    /// # Errors
    /// What the engine and the command line said; `Cancelled` where it was told to stop.
    pub fn judge(&self, ended: &Ended) -> Result<()> {
        if ended.success {
            return Ok(());
        }
        let said = if ended.errors.is_empty() { ended.stderr.clone() } else { ended.errors.join("\n") };
        let error = failed(self.verb, self.stack, &said);
        Err(match self.watch.stopping().is_cancelled() {
            true => {
                let text = format!("`pulumi {}` of stack `{}` was interrupted", self.verb, self.stack);
                Error::new(ErrorKind::Cancelled, error.operation(), text)
            }
            false => self.secrets.redacted(error),
        })
    }
}

/// As Ctrl-C does.
fn interrupt(process: u32) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = kill_process(process, Signal::INT);
    }
}
