//! What is printed arrives, or it is said that it did not; and it does nothing to the terminal.

use std::fs::OpenOptions;
use std::process::Stdio;

use crate::program::Project;
use serde_json::json;

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_a_failure() {
    let project = Project::init("node");
    let verbs: [&[&str]; 10] = [
        &["--help"],
        &["--version"],
        &["help", "deploy"],
        &["completions", "bash"],
        &["completions", "bash", "--output", "json"],
        &["schema"],
        &["status"],
        &["plan"],
        &["plan", "--detailed-exitcode", "--output", "json"],
        &["doctor"],
    ];
    for verb in verbs {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let ran = project.command(verb).stdout(full).output().expect("the program runs");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{verb:?}: {said}");
        assert!(said.contains("cannot be written"), "{verb:?}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::init("node");
    for verb in [&["--help"][..], &["completions", "bash"], &["schema"], &["status"], &["plan"]] {
        let mut child = project
            .command(verb)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), said.as_str()), (Some(0), ""), "{verb:?}");
    }
}

#[test]
fn nothing_that_is_printed_for_people_acts_on_the_terminal() {
    let project = Project::init("node");
    let nasty = "\u{1b}]0;x\u{7}\u{202e}\u{9b}";
    let event = json!({
        "specversion": "1.0", "id": "a", "source": "/shop", "type": format!("org.{nasty}\nshop"),
        "time": "2026-11-24T09:00:00Z", "data": {}
    });
    project.write("event.json", &event.to_string());
    project.run(&["events", "publish", "event.json"]);
    project.replace("semantest.toml", "GREETING = \"hello\"", "GREETING = \"\\u001b[31m\\u202e\"");
    let code =
        "exports.handler = async () => { console.log('\\u001b[31m\\u202e'); return '\\u202e\\u009b'; };";
    project.write("rest-api/index.mjs", &code.replace("exports.handler =", "export const handler ="));
    project.json(&["deploy"]).ok();
    let name = format!("x{nasty}");
    let verbs: [&[&str]; 13] = [
        &["events"],
        &["history"],
        &["history", "--at", "1"],
        &["plan"],
        &["status"],
        &["invoke"],
        &["logs"],
        &["status", "--component", &name],
        &["plan", "--environment", &name],
        &["plan", "--provider", &name],
        &["plan", "--set", &name],
        &["schema", &name],
        &[&name],
    ];
    for verb in verbs {
        let ran = project.run(verb);
        let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(acts), "{verb:?}: {text:?}");
        }
    }
    assert_eq!(
        serde_json::from_str::<String>(&project.run(&["invoke"]).stdout).expect("JSON"),
        "\u{202e}\u{9b}"
    );
}

#[test]
fn a_wrong_project_file_is_shown_as_compilers_do() {
    let project = Project::init("node");
    project.replace("semantest.toml", "handler =", "memory_mb = 8\nhandler =");
    let said = project.run(&["plan"]).stderr;
    let file = project.file("semantest.toml").canonicalize().expect("a path");
    assert!(said.starts_with("error: `memory_mb` is 8"), "{said}");
    assert!(said.contains(&format!("\n  --> {}:9\n", file.display())), "{said}");
    assert!(said.contains("\n  field: components.rest-api.memory_mb"), "{said}");
}

#[test]
fn a_plan_reads_like_a_diff() {
    let project = Project::example("semantest");
    let rest = ["--component", "rest-api"];
    let first = project.run(&[&["plan"][..], &rest].concat()).stdout;
    assert!(first.contains("+ GET /health -> function.rest-api"), "{first}");
    assert!(!first.contains("(known after apply)"), "{first}");
    project.json(&[&["deploy"][..], &rest].concat()).ok();
    project.replace("semantest.toml", "\"GET /health\"", "\"GET /healthz\"");
    project.replace("rest-api/index.js", "status: \"ok\"", "status: \"better\"");
    let second = project.run(&["plan"]).stdout;
    for line in ["- GET /health -> function.rest-api", "+ GET /healthz -> function.rest-api", "~ package: "] {
        assert!(second.contains(line), "{line} in:\n{second}");
    }
    assert!(second.ends_with("total of 2 components: 4 to create, 2 to update\n"), "{second}");
}

#[test]
fn init_has_git_leave_the_log_alone() {
    let project = Project::empty();
    project.write(".gitignore", "target");
    let made = project.json(&["init", "--name", "shop"]).ok();
    assert!(made["files"].as_array().expect("files").contains(&json!(".gitignore")));
    assert_eq!(std::fs::read_to_string(project.file(".gitignore")).expect("a file"), "target\n.semantest/\n");
}
