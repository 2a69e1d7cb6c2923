//! Container services that cannot run on this machine: what is said, and what goes on.

use std::path::Path;
use std::process::Command;

use crate::container::{SERVER, ask, await_that, endpoint, processes, project, running_in};
use crate::program::{Project, Ran, get, programs};
use serde_json::{Value, json};

const COMMAND: &str = "command = [\"python3\", \"server.py\"]";

/// The message of a deploy that fails.
fn refusal(project: &Project) -> String {
    let ran = project.json(&["deploy"]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    ran.json()["error"]["message"].as_str().unwrap_or_else(|| panic!("no message: {}", ran.stdout)).to_owned()
}

#[test]
fn a_program_that_is_not_there_is_refused_before_anything_is_started() {
    let cases = [
        (
            "[\"pyhton3\", \"server.py\"]",
            "`pyhton3` is not on this machine's PATH: install it, or correct `command`",
        ),
        ("[\"./serve\"]", "`./serve` is not in the component's `code`"),
        ("[\"./server.py\"]", "`./server.py` is not executable: make it so (chmod +x ./server.py)"),
        ("[]", "`command` names no program"),
    ];
    for (command, said) in cases {
        let project = project("");
        project.replace("semantest.toml", COMMAND, &format!("command = {command}"));
        let message = refusal(&project);
        assert!(message.contains(said), "{command}: {message}");
        assert!(!project.file(".semantest/local/host.json").exists(), "{command}");
    }
    let project = project("");
    project.replace("semantest.toml", "code = \"web\"", "code = \"wbe\"");
    assert!(refusal(&project).contains("does not exist"));
}

#[test]
fn a_command_that_ends_at_once_fails_with_its_last_lines_its_exit_code_and_no_secret() {
    const CANARY: &str = "canary-5c8a90d1ff";
    let project = project("environment_variables = { PASSWORD = { secret = \"env:WEB_PASSWORD\" } }");
    let code = "import os, sys\nprint('connecting with', os.environ['PASSWORD'])\nsys.exit('no database: ' + 'x' * 900)\n";
    project.write("web/server.py", code);
    let mut command = project.command(&["deploy", "--output", "json"]);
    let ran = command.env("WEB_PASSWORD", CANARY).output().expect("the program runs");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(!text.contains(CANARY) && !String::from_utf8_lossy(&ran.stderr).contains(CANARY), "{text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let message = answer["error"]["message"].as_str().expect("a message");
    for said in ["exit code 1", "connecting with [secret]", "no database: xxx"] {
        assert!(message.contains(said), "{said}: {message}");
    }
    assert!(!message.contains(&"x".repeat(600)), "long lines are cut");
    let events = project.run(&["events", "--jsonl"]).stdout;
    assert!(events.contains("ResourceChangeFailed") && !events.contains(CANARY), "{events}");
    assert!(running_in(&project.file(".semantest")).is_empty(), "nothing is left of it");
    assert!(!project.file(".semantest/local/host.json").exists(), "not even the host");

    project.write("web/server.py", SERVER);
    let mut command = project.command(&["deploy", "--output", "json"]);
    let ran = command.env("WEB_PASSWORD", CANARY).output().expect("the program runs");
    let answer: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!((&answer["status"], &answer["version"]), (&json!("deployed"), &json!(1)), "it can be resumed");
    assert_eq!(ask(&endpoint(&answer), "/who")["environment"]["PASSWORD"], CANARY);
}

#[test]
fn a_new_revision_that_fails_leaves_the_old_one_at_work() {
    let project = project("replicas = { min = 2, max = 2 }");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let before = processes(&endpoint);
    project.write("web/server.py", "raise SystemExit(3)\n");
    let message = refusal(&project);
    assert!(message.contains("exit code 3") && message.contains("it printed nothing"), "{message}");
    assert_eq!(processes(&endpoint), before, "the very same");
    // Also after the host has ended in between.
    project.json(&["local", "stop"]).ok();
    refusal(&project);
    // Its replicas were started with the host, and nobody waited for them.
    await_that("the old revision", || get(&endpoint, "/who").0 == 200);
    assert_eq!(ask(&endpoint, "/who")["version"], "one");
    project.write("web/server.py", &SERVER.replace("\"one\"", "\"two\""));
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
    assert_eq!(ask(&endpoint, "/who")["version"], "two");
}

#[test]
fn a_command_that_does_not_listen_where_it_should_is_told_where() {
    let project = project("");
    let elsewhere = SERVER.replace("int(os.environ[\"PORT\"])", "0");
    project.write("web/server.py", &elsewhere);
    let message = refusal(&project);
    let said = "is not well 60 s after its start: nothing listens on 127.0.0.1:";
    assert!(message.contains(said) && message.contains("the port that PORT"), "{message}");
    assert!(message.contains("listening on "), "its last lines: {message}");
}

/// Runs with a `PATH` of this folder only.
fn with_path(project: &Project, folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = project.command(&[arguments, &["--output", "json"]].concat());
    let output = command.env("PATH", folder).output().expect("the program runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn of_image() -> Project {
    let variables = "environment_variables = { PASSWORD = { secret = \"env:WEB_PASSWORD\" } }";
    let project = project(&format!("port = 8080\nmemory_mb = 256\n{variables}"));
    project.replace("semantest.toml", COMMAND, "image = \"registry.example/web:1\"");
    project
}

#[test]
fn an_image_without_an_engine_names_both_ways_out() {
    let mut project = of_image();
    project.environment.push(("WEB_PASSWORD", "x".into()));
    let path = programs(&["sh", "grep"]);
    for verb in ["plan", "deploy"] {
        let refused = with_path(&project, path.path(), &[verb]);
        assert_eq!((refused.code, &refused.json()["error"]["kind"]), (1, &json!("unsupported")), "{verb}");
    }
    assert_eq!(project.json(&["events"]).ok()["events"], json!([]), "nothing is begun");
    let refused = with_path(&project, path.path(), &["deploy"]);
    let message = refused.json()["error"]["message"].to_string();
    for said in
        ["registry.example/web:1", "neither docker nor podman is on this machine's PATH", "a `command`"]
    {
        assert!(message.contains(said), "{message}");
    }
}

/// No engine is needed for this: a program in the engine's place takes down how it was called, and serves what a container would.
/// Whether a real engine takes these arguments is not shown by it.
#[test]
fn an_image_runs_by_the_engine_on_path_with_no_secret_in_its_arguments() {
    const CANARY: &str = "canary-0d1e7b2c33";
    let mut project = of_image();
    project.environment.push(("WEB_PASSWORD", CANARY.into()));
    let path = programs(&["sh", "grep", "cat"]);
    let python =
        Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().expect("python");
    let python = String::from_utf8_lossy(&python.stdout).trim().to_owned();
    let calls = project.file("calls");
    let engine = format!(
        "#!/bin/sh\necho \"$@\" >> {calls}\n[ \"$1\" = run ] || exit 0\n\
         for word in \"$@\"; do case $word in 127.0.0.1:*:8080) PORT=${{word#127.0.0.1:}}; PORT=${{PORT%:8080}};; esac; done\n\
         export PORT; exec {python} {server}\n",
        calls = calls.display(),
        server = project.file("web/server.py").display(),
    );
    let docker = path.path().join("docker");
    std::fs::write(&docker, engine).expect("written");
    assert!(Command::new("chmod").arg("+x").arg(&docker).status().expect("chmod").success());
    let deployed = with_path(&project, path.path(), &["deploy"]).ok();
    let who = ask(&endpoint(&deployed), "/who");
    assert_eq!(who["environment"]["PASSWORD"], CANARY, "its program has it, and passes it on by its name");
    let called = std::fs::read_to_string(&calls).expect("calls");
    for said in [
        "run --rm --name shop-dev-web-1-",
        " --label semantest-iac.component=web ",
        " --memory 256m --cpus 0.25 ",
        " --env PASSWORD ",
        " --env PORT ",
        " registry.example/web:1",
    ] {
        assert!(called.contains(said), "{said}: {called}");
    }
    assert!(!called.contains(CANARY), "{called}");
    assert_eq!(with_path(&project, path.path(), &["destroy", "--yes"]).ok()["status"], "removed");
    let called = std::fs::read_to_string(&calls).expect("calls");
    assert!(called.contains("\nrm --force shop-dev-web-1-"), "{called}");
}

#[test]
fn an_engine_that_fails_is_told_apart_from_a_container_that_does() {
    let mut project = of_image();
    project.environment.push(("WEB_PASSWORD", "x".into()));
    let path = programs(&["sh", "grep"]);
    let docker = path.path().join("docker");
    let silent = "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 125\n";
    std::fs::write(&docker, silent).expect("written");
    assert!(Command::new("chmod").arg("+x").arg(&docker).status().expect("chmod").success());
    let refused = with_path(&project, path.path(), &["deploy"]);
    let message = refused.json()["error"]["message"].to_string();
    for said in
        ["the container engine could not run it", "a `command`", "Cannot connect to the Docker daemon"]
    {
        assert!(message.contains(said), "{message}");
    }
}
