//! `init`

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use semantest_iac::domain::identifiers::check_name;
use semantest_iac::project_file::FILE_NAME;
use semantest_iac::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::Exit;
use crate::arguments::{InitArguments, Language};
use crate::session::Session;

/// The answer of `init`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InitAnswer {
    /// The project's folder.
    directory: String,
    /// What was written, relative to it.
    files: Vec<String>,
}

const NODE: &str = include_str!("../../templates/node/index.mjs");
const PYTHON: &str = include_str!("../../templates/python/app.py");
const PROJECT: &str = include_str!("../../templates/semantest.toml");
const README: &str = include_str!("../../templates/README.md");

/// Says what git leaves alone.
const IGNORE: &str = ".gitignore";
/// The log and the packages.
const IGNORED: &str = ".semantest/\n";

pub(super) fn run(session: &Session, arguments: &InitArguments) -> Result<Exit> {
    let directory = directory(session, arguments)?;
    let name = match &arguments.name {
        Some(name) => {
            check_name("a project", name)?;
            name.clone()
        }
        None => name_of(&directory),
    };
    let files = files(&name, arguments.runtime);
    // Everything is checked before anything is written. A README that is there stays as it is.
    for (path, _) in &files[..2] {
        let target = directory.join(path);
        if target.exists() {
            let text = format!("{} is there already: choose another folder", target.display());
            return Err(
                Error::new(ErrorKind::InvalidInput, "init.write", text).with("file", target.display())
            );
        }
    }
    let mut written = Vec::new();
    for (path, text) in &files {
        let target = directory.join(path);
        if !target.exists() {
            write(&target, text)?;
            written.push((*path).to_owned());
        } else if *path == IGNORE && ignore(&target)? {
            written.push((*path).to_owned());
        }
    }
    let shown = directory.display().to_string();
    let text = format!(
        "made {name} in {shown}: {}\nnext: semantest-iac deploy --project {shown}",
        written.join(", ")
    );
    session.output.result(&InitAnswer { directory: shown, files: written }, &text);
    Ok(Exit::DONE)
}

/// The folder that was named, one way or the other.
fn directory(session: &Session, arguments: &InitArguments) -> Result<PathBuf> {
    match (&arguments.directory, &session.global.project) {
        (Some(directory), Some(_)) => {
            let text = format!("the folder is named twice: leave out {} or --project", directory.display());
            Err(Error::new(ErrorKind::InvalidInput, "init.read", text))
        }
        (Some(one), None) | (None, Some(one)) => Ok(one.clone()),
        (None, None) => Ok(PathBuf::from(".")),
    }
}

/// Files of a new project: the first two must not be there yet.
fn files(name: &str, language: Language) -> [(&'static str, String); 4] {
    let (runtime, handler, file, code) = match language {
        Language::Node => ("nodejs20.x", "index.handler", "rest-api/index.mjs", NODE),
        Language::Python => ("python3.12", "app.handler", "rest-api/app.py", PYTHON),
    };
    let project = PROJECT.replace("{name}", name).replace("{runtime}", runtime).replace("{handler}", handler);
    [
        (FILE_NAME, project),
        (file, code.to_owned()),
        (IGNORE, IGNORED.to_owned()),
        ("README.md", README.replace("{name}", name)),
    ]
}

/// Adds what git should leave alone to a `.gitignore` that does not say so; it says whether it had to.
fn ignore(path: &Path) -> Result<bool> {
    let now = std::fs::read_to_string(path).unwrap_or_default();
    let said =
        |line: &str| matches!(line.trim(), ".semantest" | ".semantest/" | "/.semantest" | "/.semantest/");
    if now.lines().any(said) {
        return Ok(false);
    }
    let gap = if now.is_empty() || now.ends_with('\n') { "" } else { "\n" };
    write(path, &format!("{now}{gap}{IGNORED}")).map(|()| true)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "init.write", format!("{}: {error}", path.display()))
    })
}

/// The folder's name, made a project's.
fn name_of(directory: &Path) -> String {
    let full = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let name = full.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let plain = plain.trim_matches('-').to_owned();
    if check_name("a project", &plain).is_ok() { plain } else { "my-project".to_owned() }
}
