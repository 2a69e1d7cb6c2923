//! The Python package: its source distribution and wheel, and its tests in a fresh virtual environment.

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::{program, target};
use crate::files::{entries, fresh};
use crate::tools;

/// A fresh virtual environment with what the tests need but the package itself; its interpreter.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf, String> {
    tools::python_build(root)?;
    let folder = root.join("target/tools");
    program("python3", &folder, &["-m", "venv", "--clear", "wheel"]).run("a fresh virtual environment")?;
    let python = folder.join("wheel/bin/python");
    program(&python, root, &INSTALL)
        .arg("-r")
        .arg(root.join("tests/tools/python-tests.txt"))
        .run("Python: what the tests need")?;
    Ok(python)
}

const INSTALL: [&str; 5] = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

/// Installs the wheel where nothing of the source tree is.
fn install(root: &Path, python: &Path, wheel: &Path) -> Outcome {
    program(python, root, &INSTALL).arg(wheel).run("the wheel")
}

/// The wheel that is tested, built from the source distribution: what that lacks is found here. Other people's crates are
/// taken as they were compiled for the workspace's tests; ours are compiled from what was packed.
fn build_as_tested(root: &Path) -> Result<PathBuf, String> {
    let maturin = tools::python_build(root)?.join("bin/maturin");
    // Else one could not tell which is new.
    let wheels = fresh(&root.join("target/wheels"))?;
    program(&maturin, &root.join(SOURCE), &["sdist", "--out"])
        .arg(&wheels)
        .run("Python: source distribution")?;
    let unpacked = fresh(&root.join("target/sdist"))?;
    // Packed files bear an old date, so Cargo would take what it built of an earlier one for fresh: `m` gives them today's.
    program("tar", &unpacked, &["-xzmf"]).arg(one_of(&wheels, "gz")?).run("Python: unpacked")?;
    let package = entries(&unpacked)?.into_iter().next().ok_or("the source distribution is empty")?;
    program(&maturin, &package, &["build", "--quiet", "--features", "as-tested", "--out"])
        .arg(&wheels)
        .env("CARGO_TARGET_DIR", target(root))
        // Keeps our crates apart from those of the workspace, which else would be compiled again after this.
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .run("Python: wheel")?;
    one_of(&wheels, "whl")
}

/// The wheel as it is released.
fn build_released(root: &Path) -> Result<PathBuf, String> {
    let maturin = tools::python_build(root)?.join("bin/maturin");
    let wheels = fresh(&root.join("target/wheels"))?;
    program(maturin, &root.join(SOURCE), &["build", "--release", "--quiet", "--out"])
        .arg(&wheels)
        .env("CARGO_TARGET_DIR", target(root))
        .run("Python: wheel")?;
    one_of(&wheels, "whl")
}

const SOURCE: &str = "bindings/python";

/// The file in `folder` with this ending.
fn one_of(folder: &Path, ending: &str) -> Result<PathBuf, String> {
    let is_it = |path: &PathBuf| path.extension().is_some_and(|its| its == ending);
    entries(folder)?.into_iter().find(is_it).ok_or_else(|| format!("maturin made no .{ending}"))
}

/// All tests of the package, against the built wheel.
pub(crate) fn test(root: &Path, tools: &Path, python: &Path) -> Outcome {
    let wheel = build_as_tested(root)?;
    install(root, python, &wheel)?;
    let tests = root.join("tests/python");
    let check = |module: &str, arguments: &[&str], what: &str| {
        program(python, &tests, &["-P", "-m", module]).args(arguments).run(what)
    };
    check("mypy.stubtest", &["semantest_iac._core"], "Python: the stub is as the module")?;
    check("mypy", &["--strict", "--no-error-summary", "-p", "semantest_iac"], "Python: types")?;
    program(python, &tests, &["-P", "-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .env("SEMANTEST_TOOLS", tools)
        .env("SEMANTEST_WHEEL", wheel)
        .run("Python: tests")
}

/// What an event costs on its way between Rust and Python, beside pyo3-async-runtimes and Python alone.
pub(crate) fn bench(root: &Path) -> Outcome {
    let python = prepare(root)?;
    install(root, &python, &build_released(root)?)?;
    let maturin = tools::python_build(root)?.join("bin/maturin");
    let folder = root.join("tests/python/bench");
    let built = root.join("target/async_runtimes");
    program(maturin, &folder.join("async_runtimes"), &["build", "--release", "--quiet", "--out"])
        .arg(built.join("wheels"))
        .env("CARGO_TARGET_DIR", &built)
        .run("deliveries by pyo3-async-runtimes")?;
    program(&python, root, &INSTALL)
        .args(&["--no-index", "--force-reinstall", "async-runtimes-bench", "--find-links"])
        .arg(built.join("wheels"))
        .run("their wheel")?;
    program(&python, &folder, &["bench.py"])
        .env("SEMANTEST_BENCH_FOLDER", root.join("target"))
        .run("benchmark python")
}
