//! Debuggers for functions on this machine.

use std::path::PathBuf;

use semantest_iac_core::Result;

use crate::composition::{InspectFunction, Inspecting};
use crate::iac::Iac;

/// What is to be inspected.
#[derive(Clone, Debug)]
pub struct InspectRequest {
    /// The port to begin with; the next functions get the next free ones. `None`: the one that the runtime's debuggers
    /// look for.
    pub port: Option<u16>,
    /// Whether functions wait, at their start, until a debugger has come.
    pub wait: bool,
    /// In the order in which they get their ports.
    pub functions: Vec<FunctionToInspect>,
}

/// A deployed function to inspect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionToInspect {
    /// Component name.
    pub component: String,
    /// Its role.
    pub function: String,
    /// The folder of its code: it runs there meanwhile, so that breakpoints in it are hit. `None`: where its package is
    /// unpacked.
    pub source: Option<PathBuf>,
}

impl Iac {
    /// Has debuggers let into these functions on this machine, and into no others, until this process ends or
    /// [`Self::end_inspection`]. Meanwhile each has one worker and no time limit.
    ///
    /// # Errors
    /// `Held` while another process does so, `NotFound` for a component that is not deployed, and those of the local host.
    pub async fn inspect(&self, environment: &str, request: InspectRequest) -> Result<Inspecting> {
        let mut all = Vec::new();
        for FunctionToInspect { component, function, source } in request.functions {
            let (_, handle) = self.function(environment, &component, Some(&function)).await?;
            all.push(InspectFunction { name: self.local.function_name(&handle)?, source });
        }
        self.local.inspect(all, request.port, request.wait).await
    }

    /// Lets no debuggers in any more. What is under way is given a moment to end: a debugger may hold it.
    ///
    /// # Errors
    /// Those of the local host.
    pub async fn end_inspection(&self) -> Result<()> {
        self.local.end_inspection().await
    }
}
