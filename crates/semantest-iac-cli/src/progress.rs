//! Progress: a line for each resource, live on a terminal, plain elsewhere.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use semantest_iac::domain::deployment::orphan::is_orphan;
use semantest_iac::domain::deployment::plan::StepAction;
use semantest_iac::domain::deployment::resource::Address;
use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::events::resource_change::{ChangeStage, ResourceChangeStarted};
use semantest_iac::ports::event_bus::{EventFilter, EventHandler};
use semantest_iac::{Iac, Result};

use crate::printable::one_line;
use crate::render::nested;

/// Shows what `iac` does from now on; of `several` components at once, each line says which it is about.
pub(crate) async fn attach(iac: &Iac, live: bool, several: bool) -> Result<()> {
    let names = [
        "ResourceChangeStarted",
        "ResourceCreated",
        "ResourceUpdated",
        "ResourceReplaced",
        "ResourceDeleted",
        "ResourceChangeFailed",
        "NestedResourceChanged",
        "DeploymentStarted",
    ];
    let lines = live.then(MultiProgress::new);
    let progress = Progress { lines, several, under_way: Mutex::default() };
    iac.subscribe(EventFilter::names(names), Arc::new(progress)).await.map(drop)
}

struct Progress {
    lines: Option<MultiProgress>,
    several: bool,
    under_way: Mutex<UnderWay>,
}

/// What was begun, by what is said of it.
type UnderWay = HashMap<String, (Instant, Option<ProgressBar>)>;

#[async_trait]
impl EventHandler for Progress {
    fn name(&self) -> &str {
        "progress"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        let end = |address: &Address, done: &str, why| self.end(&self.named(event, address), done, why);
        match &event.data {
            Event::DeploymentStarted(started) => {
                self.say(&format!("{}: version {}", event.subject, started.version));
            }
            // That an orphan comes into the log is no change to it.
            Event::ResourceChangeStarted(intent) if is_adoption(intent) => {}
            Event::ResourceCreated(e) if is_orphan(&e.address) => {}
            Event::ResourceChangeStarted(intent) => {
                self.begin(self.named(event, &intent.address), intent.action);
            }
            Event::ResourceCreated(e) if e.adopted => end(&e.address, "adopted", None),
            Event::ResourceCreated(e) => end(&e.address, "created", None),
            Event::ResourceUpdated(e) => end(&e.address, "updated", None),
            Event::ResourceReplaced(e) => end(&e.address, "replaced", None),
            Event::ResourceDeleted(e) => end(&e.address, "deleted", None),
            Event::NestedResourceChanged(e) => match e.change.stage {
                ChangeStage::Started => {}
                ChangeStage::Done => self.say(&format!("    {}", nested(e))),
                ChangeStage::Failed => self.say(&format!("    failed: {}", nested(e))),
            },
            Event::ResourceChangeFailed(e) => end(&e.address, "failed", Some(&e.error.message)),
            _ => {}
        }
        Ok(())
    }
}

fn is_adoption(intent: &ResourceChangeStarted) -> bool {
    is_orphan(&intent.address) && intent.action == StepAction::Create
}

impl Progress {
    /// A resource as it is spoken of: `function.list`, or beside others `orders function.list`.
    fn named(&self, event: &Envelope, address: &Address) -> String {
        match event.subject.rsplit('/').next() {
            Some(component) if self.several => format!("{component} {address}"),
            _ => address.to_string(),
        }
    }

    fn begin(&self, what: String, action: StepAction) {
        let doing = match action {
            StepAction::Create => "creating",
            StepAction::Update => "updating",
            StepAction::Replace => "replacing",
            StepAction::Delete => "deleting",
            StepAction::Unchanged => "leaving",
        };
        let line = self.lines.as_ref().map(|lines| {
            let line = lines.add(ProgressBar::new_spinner());
            // The template is fixed: it parses.
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
                line.set_style(style);
            }
            line.set_message(format!("{doing} {what}"));
            line.enable_steady_tick(Duration::from_millis(100));
            line
        });
        if line.is_none() {
            self.say(&format!("  {doing} {what}"));
        }
        self.under_way().insert(what, (Instant::now(), line));
    }

    fn end(&self, what: &str, done: &str, why: Option<&str>) {
        let known = self.under_way().remove(what);
        let took = known.as_ref().map(|(since, _)| since.elapsed().as_secs_f64()).unwrap_or_default();
        if let Some((_, Some(line))) = known {
            line.finish_and_clear();
        }
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.say(&format!("  {done} {what} ({took:.1} s){why}"));
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn say(&self, text: &str) {
        let text = one_line(text);
        match &self.lines {
            Some(lines) => {
                let _ = lines.println(text);
            }
            None => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }
}
