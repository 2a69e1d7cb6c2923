//! What the tests need beside Rust: real Python and Node clients, AWS emulators, programs of AWS's own clients, installed under `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::program;
use crate::files::{copied, read, write};
use crate::provided;

/// Installs what is missing and returns the folder.
pub(crate) fn set_up(root: &Path) -> Result<PathBuf, String> {
    let source = root.join("tests/tools");
    let tools = root.join("target/tools");
    fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    python(&source, &tools, "requirements", "venv")?;
    python(&source, &tools, "emulators", "emulators")?;
    npm(&source, &tools.join("node"), "Node packages")?;
    provided::set_up(&source.join("provided"), &tools)?;
    npm(&source.join("node22"), &tools.join("node22"), "Node.js 22, which runs TypeScript")?;
    npm(&source.join("runtime-clients"), &tools.join("runtime-clients"), "AWS's runtime clients for Node")?;
    Ok(tools)
}

/// What builds the Python package; a virtual environment.
pub(crate) fn python_build(root: &Path) -> Result<PathBuf, String> {
    let (source, tools) = (root.join("tests/tools"), root.join("target/tools"));
    fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    python(&source, &tools, "python-build", "python-build")?;
    Ok(tools.join("python-build"))
}

/// What the tests of the Pulumi plugin run in; its interpreter.
pub(crate) fn pulumi_python(root: &Path) -> Result<PathBuf, String> {
    let (source, tools) = (root.join("tests/tools"), root.join("target/tools"));
    fs::create_dir_all(&tools).map_err(|error| format!("{}: {error}", tools.display()))?;
    python(&source, &tools, "pulumi", "pulumi-python")?;
    Ok(tools.join("pulumi-python/bin/python"))
}

/// A virtual environment `folder` with what `list`.txt names.
pub(crate) fn python(source: &Path, tools: &Path, list: &str, folder: &str) -> Outcome {
    let list_file = source.join(list).with_extension("txt");
    let wanted = read(&list_file)?;
    let stamp = tools.join(list).with_extension("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    program("python3", tools, &["-m", "venv", "--clear", folder]).run("virtual environment")?;
    let interpreter = tools.join(folder).join("bin/python");
    program(interpreter, tools, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(list_file)
        .run("Python packages")?;
    write(&stamp, &wanted)
}

/// What `package-lock.json` in `source` names, installed in `folder` if it is not yet.
pub(crate) fn npm(source: &Path, folder: &Path, what: &str) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let wanted = read(&source.join("package-lock.json"))?;
    let stamp = folder.join("package-lock.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        copied(&source.join(file), &folder.join(file))?;
    }
    program("npm", folder, &["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).run(what)?;
    write(&stamp, &wanted)
}
