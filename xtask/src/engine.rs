//! Container services by a real container engine, where one answers.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::command::{say, workspace};

/// Runs their tests; says so where no engine answers, or nothing is there to make an image of.
pub(crate) fn test(root: &Path) -> Outcome {
    let answers = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !["docker", "podman"].iter().any(|engine| answers(engine, &["ps", "--quiet"])) {
        say("SKIPPED: neither docker nor podman answers here, so no container was run");
        return Ok(());
    }
    if !answers("busybox", &["true"]) {
        say(
            "SKIPPED: there is no busybox to make an image of (Debian: busybox-static), so no container was run",
        );
        return Ok(());
    }
    workspace(root, &["test", "--quiet", "--test", "cli", "--", "--ignored", "engine_run::"])
        .run("a real container engine: tests")
}
