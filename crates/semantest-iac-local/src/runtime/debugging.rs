//! Functions that a debugger may look into, while an inspection lasts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::host::definition::{EnvironmentValue, FunctionDefinition};
use crate::inspection::DebugProtocol;
use crate::runtime::interpreter::{self, RuntimeFamily};

/// What the bootstraps are told by; they take it out of the environment before a handler sees it.
pub(crate) const LISTEN: &str = "SEMANTEST_DEBUGPY";
pub(crate) const WAIT: &str = "SEMANTEST_INSPECT_WAIT";

/// How often a port is tried that a former worker still has.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// How one function is inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Debugging {
    pub protocol: DebugProtocol,
    pub port: u16,
    /// Whether its worker waits for a debugger before it loads the handler.
    pub wait: bool,
    /// The folder to run in, in place of the package's.
    pub source: Option<PathBuf>,
}

/// Everything that is inspected, by function.
pub(crate) type Inspected = BTreeMap<String, Debugging>;

impl Debugging {
    /// Whether it can be done with a function of this runtime: another one may have been deployed meanwhile.
    pub fn fits(&self, runtime: &str) -> bool {
        match RuntimeFamily::parse(runtime) {
            Some(RuntimeFamily::Node(_)) => self.protocol == DebugProtocol::NodeInspector,
            Some(RuntimeFamily::Python(_)) => self.protocol == DebugProtocol::Debugpy,
            _ => false,
        }
    }

    /// Waits until the port is free: the worker before may be held at a breakpoint, or have a request to end. `false`
    /// where `over` says that it is needed no more.
    pub async fn has_its_port(&self, over: impl Fn() -> bool) -> bool {
        while !is_free(self.port) {
            if over() {
                return false;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        true
    }

    /// Arguments of the interpreter, before the script.
    pub fn arguments(&self) -> Vec<String> {
        match self.protocol {
            DebugProtocol::NodeInspector => vec![format!("--inspect=127.0.0.1:{}", self.port)],
            // With frozen modules debugpy misses breakpoints, and says so (Python 3.11 and later; others ignore it).
            DebugProtocol::Debugpy => vec!["-Xfrozen_modules=off".to_owned()],
        }
    }

    /// Variables for the bootstrap.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let listen = (self.protocol == DebugProtocol::Debugpy).then(|| (LISTEN, self.port.to_string()));
        listen.into_iter().chain(self.wait.then(|| (WAIT, "1".to_owned()))).collect()
    }
}

/// Whether nothing listens on a port of 127.0.0.1.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// What a debugger of `function` speaks, where one can be let in. Asks the interpreter: it blocks.
///
/// # Errors
/// Why none can, and what to do.
pub(crate) fn protocol(
    function: &FunctionDefinition,
    source: Option<&Path>,
) -> Result<DebugProtocol, String> {
    match RuntimeFamily::parse(&function.runtime) {
        Some(RuntimeFamily::Node(_)) => Ok(DebugProtocol::NodeInspector),
        Some(RuntimeFamily::Python(_)) => {
            let found = interpreter::find(&function.runtime, &function.search_path)?;
            match has_debugpy(&found.program, function, source.unwrap_or(&function.code_dir)) {
                true => Ok(DebugProtocol::Debugpy),
                false => {
                    let program = found.program.display();
                    Err(format!(
                        "{program} has no debugpy: install it with `{program} -m pip install debugpy`"
                    ))
                }
            }
        }
        _ => Err(format!(
            "runtime `{}` runs a program of the package's own: attach its debugger to the process",
            function.runtime
        )),
    }
}

fn has_debugpy(program: &Path, function: &FunctionDefinition, code: &Path) -> bool {
    let ask = "import importlib.util as u, sys; sys.exit(u.find_spec('debugpy') is None)";
    let mut command = Command::new(program);
    command.args(["-c", ask]).current_dir(code).env_clear().env("PATH", &function.search_path);
    // The user's own packages are found by it.
    command.envs(std::env::var_os("HOME").map(|home| ("HOME", home)));
    if let Some(EnvironmentValue::Plain(path)) = function.environment_variables.get("PYTHONPATH") {
        command.env("PYTHONPATH", path);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
