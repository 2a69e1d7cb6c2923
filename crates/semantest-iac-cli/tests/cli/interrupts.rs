//! Ctrl-C, SIGTERM and SIGHUP: the first asks for an orderly end, the second ends at once.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::program::Project;
use serde_json::{Value, json};

fn signal(name: &str, process: u64) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill").success(), "{name} to {process}");
}

/// Runs what follows with SIGHUP as it is by default: who runs the tests may ignore it (`nohup`), and that is inherited.
const HEARS_HANGUPS: &str = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])";

fn start(project: &Project, arguments: &[&str]) -> Child {
    let program = project.command(arguments);
    let mut command = Command::new("python3");
    command
        .args(["-c", HEARS_HANGUPS])
        .arg(program.get_program())
        .args(program.get_args())
        .stdin(Stdio::null());
    command.current_dir(project.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// Reads lines until one holds `text`; it returns all of them.
fn read_until(lines: &mut impl BufRead, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        assert!(lines.read_line(&mut read).expect("lines") > 0, "no `{text}` in:\n{read}");
    }
    read
}

#[test]
fn what_only_follows_ends_at_the_first_signal_without_a_word() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    for name in ["INT", "TERM", "HUP"] {
        for verb in [&["events", "--follow"][..], &["logs", "--follow"]] {
            project.json(&["invoke"]).json();
            let mut child = start(&project, verb);
            let mut out = BufReader::new(child.stdout.take().expect("output"));
            assert!(out.read_line(&mut String::new()).expect("a line") > 0);
            signal(name, child.id().into());
            let ended = child.wait_with_output().expect("its end");
            assert_eq!(ended.status.code(), Some(130), "{name} {verb:?}");
            assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{name} {verb:?}");
        }
    }
}

/// How the project's host is reached.
const HOST: &str = ".semantest/local/host.json";

fn about_host(project: &Project) -> Value {
    serde_json::from_slice(&std::fs::read(project.file(HOST)).expect(HOST)).expect("JSON")
}

/// A deployment that waits for a host that does not answer, and the host's process.
fn stuck(project: &Project) -> (Child, BufReader<std::process::ChildStderr>, u64) {
    project.json(&["deploy"]).ok();
    let host = about_host(project)["pid"].as_u64().expect("a pid");
    project.replace("semantest.toml", "GREETING = \"hello\"", "GREETING = \"hi\"");
    signal("STOP", host);
    let mut child = start(project, &["deploy"]);
    let mut said = BufReader::new(child.stderr.take().expect("errors"));
    read_until(&mut said, "updating function.rest-api");
    (child, said, host)
}

#[test]
fn the_first_signal_lets_finish_what_is_under_way() {
    let project = Project::init("node");
    let (mut child, mut said, host) = stuck(&project);
    signal("TERM", child.id().into());
    read_until(&mut said, "stopping: what is under way is finished first");
    signal("CONT", host);
    let code = child.wait().expect("its end").code();
    // Where the step under way was the last one, everything is done.
    assert!(code == Some(130) || code == Some(0), "{code:?}");
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["plan", "--detailed-exitcode"]).code, 0, "and the next run went on from there");
}

#[test]
fn the_second_signal_ends_at_once() {
    let project = Project::init("node");
    let (mut child, mut said, host) = stuck(&project);
    signal("HUP", child.id().into());
    read_until(&mut said, "stopping");
    signal("TERM", child.id().into());
    assert_eq!(child.wait().expect("its end").code(), Some(130), "the host still sleeps");
    signal("CONT", host);
    assert_eq!(project.json(&["deploy", "--wait", "60"]).ok()["environment"], "dev");
    assert_eq!(project.json(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn a_refresh_that_still_looks_ends_at_the_first_signal_and_records_nothing() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    let history = || project.json(&["history", "--component", "rest-api"]).ok();
    let (before, about) = (history(), about_host(&project));
    let host = about["pid"].as_u64().expect("a pid");
    signal("STOP", host);
    // In the host's place one that takes calls and answers none: so it is known when the refresh is under way.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut elsewhere = about.clone();
    elsewhere["port"] = json!(silent.local_addr().expect("an address").port());
    project.write(HOST, &elsewhere.to_string());
    let child = start(&project, &["refresh"]);
    let _call = silent.accept().expect("a call");
    signal("INT", child.id().into());
    let ended = child.wait_with_output().expect("its end");
    project.write(HOST, &about.to_string());
    signal("CONT", host);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("stopping"), "{said}");
    assert_eq!(history(), before);
    assert_eq!(project.json(&["refresh", "--detailed-exitcode"]).code, 0, "and the next one has the lease");
}
