//! Which program runs a function on this machine.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The runtimes this machine can be asked for, by the start of their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeFamily {
    /// `python3.<minor>`.
    Python(u32),
    /// `nodejs<major>.x`.
    Node(u32),
    /// `provided.*`: the package brings its own `bootstrap`.
    Provided,
}

impl RuntimeFamily {
    /// Reads a runtime's name.
    pub fn parse(runtime: &str) -> Option<Self> {
        if let Some(minor) = runtime.strip_prefix("python3.") {
            return minor.parse().ok().map(Self::Python);
        }
        if let Some(major) = runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x")) {
            return major.parse().ok().map(Self::Node);
        }
        (runtime == "provided" || runtime.starts_with("provided.")).then_some(Self::Provided)
    }
}

/// A program, and a warning where it is not the very version asked for.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// Its real path: no shim in between.
    pub program: PathBuf,
    /// What the user should know.
    pub warning: Option<String>,
}

/// Finds the interpreter for `runtime`; asked once for each.
///
/// # Errors
/// What is missing on this machine, in words.
pub fn find(runtime: &str) -> Result<Interpreter, String> {
    static FOUND: OnceLock<Mutex<HashMap<String, Interpreter>>> = OnceLock::new();
    let known = FOUND.get_or_init(Mutex::default);
    if let Some(found) = known.lock().unwrap_or_else(|p| p.into_inner()).get(runtime) {
        return Ok(found.clone());
    }
    let found = match RuntimeFamily::parse(runtime) {
        Some(RuntimeFamily::Python(minor)) => python(minor),
        Some(RuntimeFamily::Node(major)) => node(major),
        _ => Err(format!("runtime `{runtime}` needs no interpreter")),
    }?;
    known.lock().unwrap_or_else(|p| p.into_inner()).insert(runtime.to_owned(), found.clone());
    Ok(found)
}

fn python(minor: u32) -> Result<Interpreter, String> {
    let ask = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";
    let names = [format!("python3.{minor}"), "python3".into(), "python".into()];
    let found = names.iter().find_map(|name| ask_program(name, &["-c", ask]));
    let wanted = format!("3.{minor}");
    match found {
        Some((program, version)) => {
            Ok(Interpreter { warning: differing("Python", &wanted, &version), program })
        }
        None => {
            Err(format!("Python is not installed (looked for {}): install Python {wanted}", names.join(", ")))
        }
    }
}

fn node(major: u32) -> Result<Interpreter, String> {
    let ask = "console.log(process.execPath); console.log(process.versions.node.split('.')[0])";
    match ask_program("node", &["-e", ask]) {
        Some((program, version)) => {
            Ok(Interpreter { warning: differing("Node.js", &major.to_string(), &version), program })
        }
        None => Err(format!("Node.js is not installed (looked for node): install Node.js {major}")),
    }
}

/// What a program says of itself: its real path and its version.
fn ask_program(name: &str, arguments: &[&str]) -> Option<(PathBuf, String)> {
    let output = Command::new(name).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let program = Path::new(lines.next()?.trim()).to_owned();
    Some((program, lines.next()?.trim().to_owned()))
}

fn differing(what: &str, wanted: &str, found: &str) -> Option<String> {
    (wanted != found).then(|| format!("asked for {what} {wanted}, running on {what} {found}"))
}
