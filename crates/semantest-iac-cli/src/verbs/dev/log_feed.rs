//! The logs of all functions, as they are written.

use std::collections::BTreeMap;
use std::time::Duration;

use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::provider::LogLine;
use semantest_iac::{Iac, LogRequest};

/// Longest wait for a line, over all functions.
const ROUND: Duration = Duration::from_millis(400);

/// Where each log is read on from.
pub(super) struct LogFeed {
    began: Timestamp,
    /// By component and function.
    places: BTreeMap<(String, String), Option<String>>,
}

impl LogFeed {
    /// Lines from now on.
    pub fn new() -> Self {
        Self { began: Timestamp::now(), places: BTreeMap::new() }
    }

    /// The components that have functions.
    pub fn components(&self) -> Vec<String> {
        let mut all: Vec<String> = self.places.keys().map(|(component, _)| component.clone()).collect();
        all.dedup();
        all
    }

    /// Functions, by component and role.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.keys().map(|(component, function)| (component.as_str(), function.as_str()))
    }

    /// Takes in the functions that `components` have now.
    pub async fn look_for(&mut self, iac: &Iac, environment: &str, components: &[String]) {
        for component in components {
            // One that is not deployed has none.
            let functions = iac.workloads(environment, component).await.unwrap_or_default();
            self.places.retain(|(of, function), _| of != component || functions.contains(function));
            for function in functions {
                self.places.entry((component.clone(), function)).or_default();
            }
        }
    }

    /// The next lines; may be dropped at any time, and nothing is lost.
    pub async fn next(&mut self, iac: &Iac, environment: &str) -> Vec<LogLine> {
        if self.places.is_empty() {
            return std::future::pending().await;
        }
        loop {
            let wait = ROUND / u32::try_from(self.places.len()).unwrap_or(u32::MAX);
            for ((component, function), cursor) in &mut self.places {
                let request = LogRequest {
                    function: Some(function.clone()),
                    cursor: cursor.clone(),
                    since: Some(self.began),
                    limit: usize::MAX,
                    wait,
                };
                // A function that is just being taken away has no log to be read.
                let Ok(page) = iac.logs(environment, component, request).await else {
                    tokio::time::sleep(wait).await;
                    continue;
                };
                *cursor = Some(page.cursor);
                if !page.lines.is_empty() {
                    return page.lines;
                }
            }
        }
    }
}
