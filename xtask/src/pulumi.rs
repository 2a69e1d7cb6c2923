//! The Pulumi plugin's tests: against Pulumi's own stubs and SDK, and with a real `pulumi` built from its Go modules.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::{Program, cargo, program, say, target, workspace};
use crate::files::{copied, read, write};
use crate::tools;

/// What is built, beside one another: the command line finds the host of YAML programs there. `sdks` runs Pulumi's generators of
/// SDKs, which else its language hosts do.
const PROGRAMS: [&str; 3] = [
    "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    "./sdks",
];

/// As Pulumi's own releases set it; without it the command line says that it is of no version.
const VERSION: &str = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/// The tests that need a real `pulumi`; all of them are ignored unless asked for.
const WITH_PULUMI: &str = "pulumi";

/// The plugin's program.
const PLUGIN: &str = "pulumi-resource-semantest";

/// Builds the real `pulumi` if it is not there yet, and gives the folder that it is in, under `target/tools`. Nothing where there is no Go:
/// who calls has to say that something was not tested.
pub(crate) fn set_up(root: &Path) -> Result<Option<PathBuf>, String> {
    let source = root.join("tests/tools/pulumi");
    let folder = root.join("target/tools/pulumi");
    let module = read(&source.join("go.mod"))?;
    let wanted = format!("{module}{}", read(&source.join("sdks/main.go"))?);
    let stamp = folder.join("built");
    let bin = folder.join("bin");
    if fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        return Ok(Some(bin));
    }
    let Some(go) = go() else { return Ok(None) };
    fs::create_dir_all(&bin).map_err(|error| format!("{}: {error}", bin.display()))?;
    fs::create_dir_all(folder.join("sdks")).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in ["go.mod", "go.sum", "sdks/main.go"] {
        copied(&source.join(file), &folder.join(file))?;
    }
    let version = version(&module).ok_or("tests/tools/pulumi/go.mod names no version of Pulumi")?;
    program(go, &folder, &["build", "-trimpath", "-tags", "osusergo,grpcnotrace", "-o", "bin/", "-ldflags"])
        .arg(format!("-s -w -X {VERSION}={version}"))
        .args(&PROGRAMS)
        .run("pulumi, from its Go modules (minutes, the first time)")?;
    write(&stamp, &wanted)?;
    Ok(Some(bin))
}

/// `tools pulumi`: sets up, and says where or why not.
pub(crate) fn tools(root: &Path) -> Outcome {
    match set_up(root)? {
        Some(bin) => println!("pulumi and pulumi-language-yaml are in {}", bin.display()),
        None => say(NO_GO),
    }
    Ok(())
}

const NO_GO: &str =
    "SKIPPED: no Go on this machine, so no real pulumi: tests of the literal `pulumi up` are not run";

/// The part of the gate: as [`test()`], but a real `pulumi` is not built for it, which would take minutes and Go's own registry.
pub(crate) fn gate(root: &Path) -> Outcome {
    stand_ins(root)?;
    if root.join("target/tools/pulumi/built").is_file() {
        return with_pulumi(root);
    }
    say(
        "SKIPPED: no real pulumi was built here, so the literal `pulumi up` was not run; `cargo xtask pulumi` does both",
    );
    Ok(())
}

/// All tests of the plugin: those that stand in for the engine, then those with the real one.
pub(crate) fn test(root: &Path) -> Outcome {
    stand_ins(root)?;
    with_pulumi(root)
}

/// The plugin driven by Pulumi's own stubs, and programs of its own SDK whose engine is Pulumi's stand-in.
pub(crate) fn stand_ins(root: &Path) -> Outcome {
    let python = tools::pulumi_python(root)?;
    // Built as the tests below and those of the workspace are, so nothing is built twice.
    real(root).args(&["--no-run"]).run("Pulumi: the plugin")?;
    let tests = root.join("tests/pulumi");
    program(python, &tests, &["-P", "-m", "pytest", "--quiet", "-p", "no:cacheprovider"])
        .env("SEMANTEST_PULUMI_PLUGIN", target(root).join("debug").join(PLUGIN))
        .env("SEMANTEST_ROOT", root)
        .run("Pulumi: tests with its stubs and its SDK")
}

/// The literal command, and all that can happen to it.
fn with_pulumi(root: &Path) -> Outcome {
    let Some(bin) = set_up(root)? else {
        say(NO_GO);
        return Ok(());
    };
    let node = root.join("target/tools/pulumi-node");
    tools::npm(&root.join("tests/tools/pulumi/node"), &node, "Pulumi: its SDK for Node")?;
    real(root)
        .args(&["--", "--ignored"])
        .env("SEMANTEST_PULUMI", bin.join("pulumi"))
        .env("SEMANTEST_PULUMI_PYTHON", tools::pulumi_python(root)?)
        .env("SEMANTEST_PULUMI_NODE", node)
        .run("Pulumi: tests with the real command line")
}

fn real(root: &Path) -> Program {
    workspace(root, &["test", "--quiet", "--test", WITH_PULUMI])
}

/// What of SQLite nobody here uses: searching texts and maps, and looking into its own pages.
const WITHOUT: &str = "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE \
                       -USQLITE_ENABLE_DBSTAT_VTAB";

/// Has the linker keep one of functions that came out the same. Rust's own linker for Linux understands it.
const FOLDED: [&str; 3] = ["--", "-C", "link-arg=-Wl,--icf=safe"];

/// Builds the plugin as it is released, without the clouds, and returns where it is.
fn small(root: &Path) -> Result<PathBuf, String> {
    let what = ["--package", "semantest-iac-pulumi", "--bin", PLUGIN, "--no-default-features"];
    let folded: &[&str] = if cfg!(target_os = "linux") { &FOLDED } else { &[] };
    cargo(root, &["rustc", "--quiet", "--profile", "plugin"])
        .args(&what)
        .args(folded)
        .env("LIBSQLITE3_FLAGS", WITHOUT)
        .run("Pulumi: the plugin as it is released (minutes, the first time)")?;
    Ok(target(root).join("plugin").join(PLUGIN))
}

/// `pulumi --dist`: builds the plugin as it is released, and says where it is and how large.
pub(crate) fn release(root: &Path) -> Outcome {
    let plugin = small(root)?;
    let size = fs::metadata(&plugin).map_err(|error| format!("{}: {error}", plugin.display()))?.len();
    println!("{}: {:.1} MB", plugin.display(), size as f64 / 1e6);
    Ok(())
}

/// What the plugin costs the engine: its size, its start, and an `up` with nothing to do.
pub(crate) fn bench(root: &Path) -> Outcome {
    let python = tools::pulumi_python(root)?;
    let plugin = small(root)?;
    program(python, &root.join("tests/pulumi"), &["bench.py"])
        .env("SEMANTEST_PULUMI_PLUGIN", plugin)
        .run("benchmark pulumi")
}

/// Go's program: the one on the path, or where Go's own instructions put it.
pub(crate) fn go() -> Option<OsString> {
    let answers = |go: &OsString| {
        let asked = std::process::Command::new(go).arg("version").output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    ["go", "/usr/local/go/bin/go"].map(OsString::from).into_iter().find(answers)
}

/// The version of the command line that a `go.mod` names.
fn version(module: &str) -> Option<&str> {
    let line = module.lines().find(|line| line.trim().starts_with("github.com/pulumi/pulumi/pkg/v3 v"))?;
    line.split_whitespace().nth(1)
}
