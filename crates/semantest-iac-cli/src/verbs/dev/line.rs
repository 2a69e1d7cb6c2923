//! What `dev` prints: a line for each thing that happens; with `--output json`, one object a line.

use schemars::JsonSchema;
use semantest_iac::ErrorRecord;
use semantest_iac::answer::{DeployAnswer, RunStatus};
use semantest_iac::ports::provider::LogLine;
use serde::Serialize;

use crate::log_line;
use crate::output::Output;
use crate::render;

/// One line of `dev`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum DevLine {
    /// A component was deployed, or its deployment failed (`status`).
    Deployed {
        /// How long it took, in milliseconds.
        took_ms: f64,
        /// Whether it was deployed before, by this command.
        again: bool,
        /// The answer, as `deploy` gives it.
        answer: DeployAnswer,
    },
    /// Something could not be deployed; what ran before goes on.
    Failed {
        /// Component name; absent where it is the project file.
        #[serde(skip_serializing_if = "Option::is_none")]
        component: Option<String>,
        /// Why.
        error: ErrorRecord,
    },
    /// Everything that could be deployed is.
    Ready {
        /// Environment name.
        environment: String,
        /// Component names.
        components: Vec<String>,
        /// Where they answer.
        endpoints: Vec<String>,
        /// Whether changes are waited for.
        watching: bool,
    },
    /// A function that a debugger may be attached to (`--inspect`).
    Debugger {
        /// Name of the function.
        function_name: String,
        /// `node_inspector` (Chrome DevTools Protocol) or `debugpy` (Debug Adapter Protocol).
        protocol: &'static str,
        /// Always 127.0.0.1.
        host: &'static str,
        /// Also after the function was started anew.
        port: u16,
        /// Node.js: the WebSocket address of the process that runs now; the function's log tells the next one's.
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// A line of a function's log.
    Log(LogLine),
}

impl DevLine {
    /// Prints it.
    pub fn print(&self, output: &Output) {
        if output.is_json() {
            return output.raw(&serde_json::to_string(self).unwrap_or_default());
        }
        match self {
            Self::Log(line) => output.line(&log_line::text(line)),
            Self::Deployed { took_ms, again: true, answer } if answer.status != RunStatus::Failed => {
                let (component, version) = (&answer.component, answer.version);
                let counts = render::counts(&answer.changes);
                output.line(&format!("{component}: version {version} in {took_ms:.0} ms ({counts})"));
            }
            Self::Deployed { answer, .. } => output.line(&render::deploy(answer)),
            Self::Failed { component, error } => {
                let mut error = error.clone();
                if let Some(component) = component {
                    error.context.entry("component".into()).or_insert_with(|| component.clone());
                }
                output.line(&format!("error: {}", render::error(&error)));
            }
            Self::Debugger { function_name, host, port, url, .. } => {
                let place = format!("{host}:{port}");
                let place = url.clone().unwrap_or(place);
                output.line(&format!("Debugger: {function_name} {place}"));
            }
            Self::Ready { watching: true, .. } => {
                output.line("ready: what is saved is deployed (Ctrl-C ends it)")
            }
            Self::Ready { .. } => output.line("ready (Ctrl-C ends it)"),
        }
    }
}
