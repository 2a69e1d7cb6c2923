//! Debuggers, where `dev` lets them in.

use semantest_iac::domain::component::nearest;
use semantest_iac::{
    DebugProtocol, Debugger, Error, ErrorKind, FunctionToInspect, Iac, InspectRequest, Inspecting, Result,
};

use super::DevLine;
use crate::arguments::{DevArguments, InspectOption};
use crate::output::Output;

/// What is inspected, and what was told of it.
pub(super) struct Inspection {
    asked: InspectOption,
    wait: bool,
    told: Inspecting,
}

impl Inspection {
    /// As the command line asks for it.
    pub fn wanted(arguments: &DevArguments) -> Option<Self> {
        let asked = arguments.inspect.clone()?;
        Some(Self { asked, wait: arguments.inspect_wait, told: Inspecting::default() })
    }

    /// Whether a function is meant.
    pub fn means(&self, component: &str, function: &str) -> bool {
        self.asked.function.as_deref().is_none_or(|name| name == component || name == function)
    }

    /// What was named must be there.
    ///
    /// # Errors
    /// `InvalidInput` with the nearest of `known`, functions by component.
    pub fn check(&self, known: &[(String, String)]) -> Result<()> {
        let Some(name) = &self.asked.function else { return Ok(()) };
        if known.iter().any(|(component, function)| self.means(component, function)) {
            return Ok(());
        }
        let mut names: Vec<&str> =
            known.iter().flat_map(|(component, function)| [component.as_str(), function.as_str()]).collect();
        names.sort_unstable();
        names.dedup();
        let hint = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "there is no function to inspect".to_owned(),
            None => format!("there are: {}", names.join(", ")),
        };
        let text = format!("--inspect={name}: there is no such function or component; {hint}");
        Err(Error::new(ErrorKind::InvalidInput, "dev.inspect", text).with("function", name))
    }

    /// Lets debuggers into `functions`, and tells where, of those that were not told of before.
    ///
    /// # Errors
    /// `Unavailable` where none can be let into any of them; those of [`Iac::inspect`].
    pub async fn renew(
        &mut self,
        iac: &Iac,
        environment: &str,
        functions: Vec<FunctionToInspect>,
        output: &Output,
    ) -> Result<()> {
        let request = InspectRequest { port: self.asked.port, wait: self.wait, functions };
        let now = iac.inspect(environment, request).await?;
        let refused: Vec<String> = now
            .refused
            .iter()
            .map(|one| format!("`{}` cannot be inspected: {}", one.function, one.why))
            .collect();
        if now.debuggers.is_empty() && !refused.is_empty() {
            return Err(Error::new(ErrorKind::Unavailable, "dev.inspect", refused.join("; ")));
        }
        for (one, text) in now.refused.iter().zip(&refused) {
            if !self.told.refused.contains(one) {
                output.warning(text);
            }
        }
        for debugger in &now.debuggers {
            if debugger.is_new {
                self.tell(debugger, output);
            }
        }
        self.told = now;
        Ok(())
    }

    fn tell(&self, debugger: &Debugger, output: &Output) {
        let Debugger { function, protocol, port, url, .. } = debugger;
        let usual = self.asked.port.unwrap_or(protocol.usual_port());
        if self.told.debuggers.is_empty() && *port != usual && self.asked.function.is_some() {
            output.warning(&format!("port {usual} is taken: a debugger finds `{function}` on {port}"));
        }
        let line = DevLine::Debugger {
            function_name: function.clone(),
            protocol: match protocol {
                DebugProtocol::NodeInspector => "node_inspector",
                DebugProtocol::Debugpy => "debugpy",
            },
            host: "127.0.0.1",
            port: *port,
            url: url.clone(),
        };
        line.print(output);
    }
}
