//! The Python package: its source distribution and wheel, and its tests in a fresh virtual environment.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::program;
use crate::tools;

/// Builds source distribution and wheel, and installs it where nothing of the source tree is; gives that environment's
/// interpreter and the wheel.
fn install(root: &Path) -> Result<(PathBuf, PathBuf), String> {
    let wheel = build(root)?;
    let folder = root.join("target/tools");
    program("python3", &folder, &["-m", "venv", "--clear", "wheel"]).run("a fresh virtual environment")?;
    let python = folder.join("wheel/bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    program(&python, root, &install)
        .arg(&wheel)
        .arg("-r")
        .arg(root.join("tests/tools/python-tests.txt"))
        .run("the wheel and what its tests need")?;
    Ok((python, wheel))
}

/// The wheel, built from the tarball of the source distribution: what that lacks is found here.
fn build(root: &Path) -> Result<PathBuf, String> {
    let maturin = tools::python_build(root)?.join("bin/maturin");
    let (wheels, built) = (root.join("target/wheels"), root.join("target/sdist"));
    // Else one could not tell which is new.
    let _ = fs::remove_dir_all(&wheels);
    forget_our_crates(&built);
    program(maturin, &root.join("bindings/python"), &["build", "--release", "--sdist", "--quiet", "--out"])
        .arg(&wheels)
        .env("CARGO_TARGET_DIR", &built)
        .run("Python: source distribution and wheel")?;
    let entries = fs::read_dir(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "whl");
    entries.flatten().map(|entry| entry.path()).find(is_wheel).ok_or_else(|| "maturin made no wheel".into())
}

/// Files in a tarball bear an old date, so Cargo would take what it built of an earlier one for fresh.
fn forget_our_crates(built: &Path) {
    let entries = fs::read_dir(built.join("release/.fingerprint")).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("semantest")) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// All tests of the package, against the built wheel.
pub(crate) fn test(root: &Path, tools: &Path) -> Outcome {
    let (python, wheel) = install(root)?;
    let tests = root.join("tests/python");
    let check = |module: &str, arguments: &[&str], what: &str| {
        program(&python, &tests, &["-P", "-m", module]).args(arguments).run(what)
    };
    check("mypy.stubtest", &["semantest_iac._core"], "Python: the stub is as the module")?;
    check("mypy", &["--strict", "--no-error-summary", "-p", "semantest_iac"], "Python: types")?;
    program(&python, &tests, &["-P", "-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .env("SEMANTEST_TOOLS", tools)
        .env("SEMANTEST_WHEEL", wheel)
        .run("Python: tests")
}

/// What an event costs on its way between Rust and Python, beside pyo3-async-runtimes and Python alone.
pub(crate) fn bench(root: &Path) -> Outcome {
    let (python, _) = install(root)?;
    let maturin = tools::python_build(root)?.join("bin/maturin");
    let folder = root.join("tests/python/bench");
    let built = root.join("target/async_runtimes");
    program(maturin, &folder.join("async_runtimes"), &["build", "--release", "--quiet", "--out"])
        .arg(built.join("wheels"))
        .env("CARGO_TARGET_DIR", &built)
        .run("deliveries by pyo3-async-runtimes")?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"];
    program(&python, root, &install)
        .args(&["--force-reinstall", "async-runtimes-bench", "--find-links"])
        .arg(built.join("wheels"))
        .run("their wheel")?;
    program(&python, &folder, &["bench.py"])
        .env("SEMANTEST_BENCH_FOLDER", root.join("target"))
        .run("benchmark python")
}
