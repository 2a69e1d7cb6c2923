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
    /// Whether it runs TypeScript as it is, by leaving the types out.
    pub strips_types: bool,
}

/// Finds the interpreter for `runtime` in `search_path` (as `PATH` has it); asked once for each.
///
/// # Errors
/// What is missing on this machine, in words.
pub fn find(runtime: &str, search_path: &str) -> Result<Interpreter, String> {
    static FOUND: OnceLock<Mutex<HashMap<(String, String), Interpreter>>> = OnceLock::new();
    let known = FOUND.get_or_init(Mutex::default);
    let key = (runtime.to_owned(), search_path.to_owned());
    if let Some(found) = known.lock().unwrap_or_else(|p| p.into_inner()).get(&key) {
        return Ok(found.clone());
    }
    let found = ask(runtime, search_path)?;
    known.lock().unwrap_or_else(|p| p.into_inner()).insert(key, found.clone());
    Ok(found)
}

/// Asks what there is.
fn ask(runtime: &str, search_path: &str) -> Result<Interpreter, String> {
    let (what, wanted, question) = match RuntimeFamily::parse(runtime) {
        Some(RuntimeFamily::Python(minor)) => ("Python", format!("3.{minor}"), ["-c", ASK_PYTHON]),
        Some(RuntimeFamily::Node(major)) => ("Node.js", major.to_string(), ["-e", ASK_NODE]),
        _ => return Err(format!("runtime `{runtime}` needs no interpreter")),
    };
    let names = names(runtime);
    let found = names.iter().find_map(|name| ask_program(name, &question, search_path));
    let (program, version, strips_types) = found.ok_or_else(|| not_installed(runtime))?;
    let warning =
        (wanted != version).then(|| format!("asked for {what} {wanted}, running on {what} {version}"));
    Ok(Interpreter { program, warning, strips_types })
}

/// Checks that the interpreter for `runtime` runs a handler whose file, `module`, is TypeScript. Always asks anew: another
/// Node.js may have been installed meanwhile.
///
/// # Errors
/// What to do, in words.
pub fn check_typescript(runtime: &str, module: &str, search_path: &str) -> Result<(), String> {
    let found = ask(runtime, search_path)?;
    if found.strips_types {
        return Ok(());
    }
    let program = found.program.display();
    Err(format!(
        "the handler is TypeScript (`{module}`), which {program} does not run as it is: put Node.js 22.18 or later on \
         your PATH, or compile it and let `code` name what comes out"
    ))
}

/// Whether there is a program that could be the interpreter for `runtime`; it is not asked.
///
/// # Errors
/// What is missing on this machine, in words.
pub fn look_for(runtime: &str, search_path: &str) -> Result<(), String> {
    let names = names(runtime);
    let is_there =
        |name: &String| std::env::split_paths(search_path).any(|folder| folder.join(name).is_file());
    match names.is_empty() || names.iter().any(is_there) {
        true => Ok(()),
        false => Err(not_installed(runtime)),
    }
}

const ASK_PYTHON: &str = "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])";
const ASK_NODE: &str = "console.log(process.execPath); console.log(process.versions.node.split('.')[0]); \
                        console.log(process.features.typescript ? 'typescript' : '')";

/// What the interpreter may be called; nothing where none is needed.
fn names(runtime: &str) -> Vec<String> {
    match RuntimeFamily::parse(runtime) {
        Some(RuntimeFamily::Python(minor)) => {
            vec![format!("python3.{minor}"), "python3".into(), "python".into()]
        }
        Some(RuntimeFamily::Node(_)) => vec!["node".into()],
        _ => Vec::new(),
    }
}

fn not_installed(runtime: &str) -> String {
    let (what, wanted) = match RuntimeFamily::parse(runtime) {
        Some(RuntimeFamily::Node(major)) => ("Node.js", major.to_string()),
        Some(RuntimeFamily::Python(minor)) => ("Python", format!("3.{minor}")),
        _ => ("what it needs", String::new()),
    };
    let names = names(runtime).join(", ");
    format!("{what} is not installed, or not on your PATH (looked for {names}): install {what} {wanted}")
}

/// What a program says of itself: its real path, its version, and whether it runs TypeScript.
fn ask_program(name: &str, arguments: &[&str], search_path: &str) -> Option<(PathBuf, String, bool)> {
    let mut command = Command::new(name);
    let output = command
        .args(arguments)
        .env("PATH", search_path)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let program = Path::new(lines.next()?.trim()).to_owned();
    let version = lines.next()?.trim().to_owned();
    Some((program, version, lines.next() == Some("typescript")))
}
