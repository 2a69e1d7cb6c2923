//! Progress: a line for each resource, live on a terminal, plain elsewhere.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use semantest_iac::domain::deployment::plan::StepAction;
use semantest_iac::domain::deployment::resource::Address;
use semantest_iac::events::Event;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::{EventFilter, EventHandler};
use semantest_iac::{Iac, Result};

use crate::printable::one_line;

/// Shows what `iac` does from now on.
pub(crate) async fn attach(iac: &Iac, live: bool) -> Result<()> {
    let names = [
        "ResourceChangeStarted",
        "ResourceCreated",
        "ResourceUpdated",
        "ResourceReplaced",
        "ResourceDeleted",
        "ResourceChangeFailed",
        "DeploymentStarted",
    ];
    let lines = live.then(MultiProgress::new);
    let progress = Progress { lines, under_way: Mutex::default() };
    iac.subscribe(EventFilter::names(names), Arc::new(progress)).await.map(drop)
}

struct Progress {
    lines: Option<MultiProgress>,
    under_way: Mutex<HashMap<Address, (Instant, Option<ProgressBar>)>>,
}

#[async_trait]
impl EventHandler for Progress {
    fn name(&self) -> &str {
        "progress"
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        match &event.data {
            Event::DeploymentStarted(started) => {
                self.say(&format!("{}: version {}", event.subject, started.version));
            }
            Event::ResourceChangeStarted(intent) => self.begin(&intent.address, intent.action),
            Event::ResourceCreated(e) if e.adopted => self.end(&e.address, "adopted", None),
            Event::ResourceCreated(e) => self.end(&e.address, "created", None),
            Event::ResourceUpdated(e) => self.end(&e.address, "updated", None),
            Event::ResourceReplaced(e) => self.end(&e.address, "replaced", None),
            Event::ResourceDeleted(e) => self.end(&e.address, "deleted", None),
            Event::ResourceChangeFailed(e) => self.end(&e.address, "failed", Some(&e.error.message)),
            _ => {}
        }
        Ok(())
    }
}

impl Progress {
    fn begin(&self, address: &Address, action: StepAction) {
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
            line.set_message(format!("{doing} {address}"));
            line.enable_steady_tick(Duration::from_millis(100));
            line
        });
        if line.is_none() {
            self.say(&format!("  {doing} {address}"));
        }
        self.under_way().insert(address.clone(), (Instant::now(), line));
    }

    fn end(&self, address: &Address, done: &str, why: Option<&str>) {
        let known = self.under_way().remove(address);
        let took = known.as_ref().map(|(since, _)| since.elapsed().as_secs_f64()).unwrap_or_default();
        if let Some((_, Some(line))) = known {
            line.finish_and_clear();
        }
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        self.say(&format!("  {done} {address} ({took:.1} s){why}"));
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashMap<Address, (Instant, Option<ProgressBar>)>> {
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
