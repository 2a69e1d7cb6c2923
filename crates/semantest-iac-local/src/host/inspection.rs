//! Inspecting functions for a process, for as long as it lives.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::MutexGuard;
use std::time::Duration;

use crate::host::host::{Host, lock};
use crate::host::other_process::OtherProcess;
use crate::inspection::{DebugProtocol, Debugger, Inspect, InspectFunction, Inspecting, NotInspected};
use crate::runtime::debugging::{Debugging, Inspected, is_free, protocol};

/// What is under way at the end of an inspection may be held by a debugger: it is waited for so long.
const GRACE: Duration = Duration::from_secs(2);

/// An inspection and whose it is.
pub(crate) struct Inspection {
    process: OtherProcess,
    functions: Inspected,
}

impl Host {
    fn inspection(&self) -> MutexGuard<'_, Option<Inspection>> {
        lock(&self.inspection)
    }

    /// Has debuggers let into these functions, and into no others. A function that is inspected already keeps its port.
    ///
    /// # Errors
    /// The process that inspects already.
    pub async fn inspect(&self, asked: Inspect) -> Result<Inspecting, String> {
        let process = OtherProcess::new(asked.process);
        let mut former = self.former(&process)?;
        former.retain(|_, one| one.wait == asked.wait);
        let (mut functions, mut answer) = (Inspected::new(), Inspecting::default());
        for InspectFunction { name, source } in asked.functions {
            let known = former.remove(&name).filter(|one| one.source == source && self.fits(&name, one));
            let is_new = known.is_none();
            let debugging = match known {
                Some(one) => Ok(one),
                None => self.protocol(&name, source.clone()).await.and_then(|protocol| {
                    let first = asked.port.unwrap_or(protocol.usual_port());
                    let taken = former.values().chain(functions.values()).map(|one| one.port).collect();
                    Ok(Debugging { protocol, port: next_port(first, &taken)?, wait: asked.wait, source })
                }),
            };
            match debugging {
                Ok(debugging) => {
                    let Debugging { protocol, port, .. } = debugging;
                    let function = name.clone();
                    answer.debuggers.push(Debugger { function, protocol, port, is_new, url: None });
                    functions.insert(name, debugging);
                }
                Err(why) => answer.refused.push(NotInspected { function: name, why }),
            }
        }
        self.runtime.inspect(functions.clone(), GRACE);
        *self.inspection() = Some(Inspection { process, functions });
        Ok(answer)
    }

    /// What `process` inspects already.
    fn former(&self, process: &OtherProcess) -> Result<Inspected, String> {
        match self.inspection().as_ref().filter(|other| other.process.lives()) {
            Some(other) if other.process != *process => {
                let id = other.process.id();
                Err(format!("process {id} inspects functions of this project already: end it first"))
            }
            former => Ok(former.map(|one| one.functions.clone()).unwrap_or_default()),
        }
    }

    fn fits(&self, name: &str, debugging: &Debugging) -> bool {
        self.function(name).is_some_and(|function| debugging.fits(&function.runtime))
    }

    /// What a debugger of a function speaks.
    async fn protocol(&self, name: &str, source: Option<PathBuf>) -> Result<DebugProtocol, String> {
        let function = self.function(name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let asked = tokio::task::spawn_blocking(move || protocol(&function, source.as_deref()));
        asked.await.map_err(|error| error.to_string())?
    }

    /// Names of the functions that are inspected.
    pub fn inspected(&self) -> Vec<String> {
        self.inspection().iter().flat_map(|one| one.functions.keys().cloned()).collect()
    }

    /// Ends the inspection.
    pub fn end_inspection(&self) {
        if self.inspection().take().is_some() {
            self.runtime.inspect(Inspected::new(), GRACE);
        }
    }

    /// Ends the inspection of the process with that id, and no other's.
    pub fn end_inspection_of(&self, process: &str) {
        if self.inspection().as_ref().is_some_and(|one| one.process.id().to_string() == process) {
            self.end_inspection();
        }
    }

    /// Ends the inspection of a process that has gone.
    pub fn end_deserted_inspection(&self) {
        if self.inspection().as_ref().is_some_and(|one| !one.process.lives()) {
            self.end_inspection();
        }
    }
}

/// The next free port from `first` on.
fn next_port(first: u16, taken: &BTreeSet<u16>) -> Result<u16, String> {
    let mut free = (first..=u16::MAX).filter(|port| !taken.contains(port) && is_free(*port));
    free.next().ok_or_else(|| format!("no port from {first} on is free"))
}
