//! Bootstraps of `provided` runtimes, built from AWS's own clients: the tests deploy them.

use std::path::Path;

use crate::Outcome;
use crate::command::{cargo, program, say, workspace};
use crate::files::copied;
use crate::pulumi::go;

/// Builds them under `tools`: the one in Go only where there is a Go. What has not changed is not built again.
pub(crate) fn set_up(source: &Path, tools: &Path) -> Outcome {
    let folder = tools.join("provided");
    let made = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
    };
    made(&folder.join("rust"))?;
    let target = folder.join("target");
    cargo(&source.join("rust"), &["build", "--quiet", "--locked"])
        .env("CARGO_TARGET_DIR", &target)
        .run("bootstraps in Rust")?;
    for program in ["bootstrap", "oracle"] {
        copied(&target.join("debug").join(program), &folder.join("rust").join(program))?;
    }
    let Some(go) = go() else { return Ok(()) };
    made(&folder.join("go"))?;
    program(
        go,
        &source.join("go"),
        &["build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o"],
    )
    .arg(folder.join("go/bootstrap"))
    .env("CGO_ENABLED", "0")
    .run("a bootstrap in Go")
}

/// The tests that need Go.
pub(crate) fn gate(root: &Path, tools: &Path) -> Outcome {
    if go().is_none() {
        say("SKIPPED: no Go on this machine, so no bootstrap in Go was run");
        return Ok(());
    }
    workspace(root, &["test", "--quiet", "--test", "cli", "--", "--ignored", "provided_run::"])
        .env("SEMANTEST_TOOLS", tools)
        .run("a bootstrap in Go: tests")
}
