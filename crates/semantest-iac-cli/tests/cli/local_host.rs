//! What can happen to the local host, and that the same commands again put it right.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{self, Project, Ran, get};
use serde_json::{Value, json};

const FUNCTION: &str = ".semantest/local/functions/shop-dev-rest-api.json";

fn host(project: &Project) -> u32 {
    let text = std::fs::read_to_string(project.file(".semantest/local/host.lock")).expect("host.lock");
    text.trim().parse().expect("a process id")
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.expect("kill").success(), "{name} {process}");
}

fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| !"ZX".contains(state))
}

fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn endpoint(answer: &Value) -> String {
    answer["endpoint"].as_str().expect("an endpoint").to_owned()
}

/// Processes with `mark` in their environment.
fn marked(mark: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    })
    .collect()
}

#[test]
fn a_secret_that_the_host_lacks_comes_with_the_next_command_that_knows_it() {
    const CANARY: &str = "canary-51c27f3a9b";
    let project = Project::init("node");
    let secret = "GREETING = { secret = \"env:GREETING_SECRET\" }";
    project.replace("semantest.toml", "GREETING = \"hello\"", secret);
    let knowing = |arguments: &[&str]| {
        let mut command = project.command(&[arguments, &["--output", "json"]].concat());
        let output = command.env("GREETING_SECRET", CANARY).output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    let deployed = knowing(&["deploy"]);
    assert!(get(&endpoint(&deployed), "/x").1.contains(CANARY));
    let environment = std::fs::read(format!("/proc/{}/environ", host(&project))).expect("an environment");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(!environment.contains(CANARY) && !environment.contains("CARGO"), "{environment}");

    project.json(&["local", "stop"]).ok();
    let invoked = project.json(&["invoke"]);
    assert_eq!(invoked.code, 1);
    let message = invoked.json()["payload"]["errorMessage"].to_string();
    assert!(message.contains("env:GREETING_SECRET") && message.contains("deploy again"), "{message}");
    let drift = project.json(&["refresh"]).ok()["drift"].clone();
    assert_eq!(drift[0]["diff"][0]["property"], "environment_variables.GREETING", "{drift}");

    assert_eq!(knowing(&["refresh"])["drift"], json!([]), "any command that knows it brings it");
    assert_eq!(knowing(&["deploy"])["status"], "unchanged");
    assert!(get(&endpoint(&deployed), "/x").1.contains(CANARY));
    for file in program::files(&project.file(".semantest")) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        assert!(!text.contains(CANARY), "{} holds it", file.display());
    }
}

#[test]
fn an_unchanged_deploy_hands_over_a_secret() {
    let project = Project::init("node");
    let secret = "GREETING = { secret = \"env:GREETING_SECRET\" }";
    project.replace("semantest.toml", "GREETING = \"hello\"", secret);
    let deploy = || {
        let mut command = project.command(&["deploy", "--output", "json"]);
        let output = command.env("GREETING_SECRET", "resolved").output().expect("the program runs");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let deployed = deploy();
    project.json(&["local", "stop"]).ok();
    let failed = project.json(&["invoke"]).json()["payload"]["errorMessage"].to_string();
    assert!(failed.contains("env:GREETING_SECRET"), "the host is started without it: {failed}");
    let again = deploy();
    assert_eq!((&again["status"], &again["version"]), (&json!("unchanged"), &deployed["version"]));
    assert!(get(&endpoint(&deployed), "/x").1.contains("resolved"));
}

#[test]
fn an_api_whose_port_is_taken_is_served_elsewhere_until_it_is_free() {
    let project = Project::init("node");
    let first = endpoint(&project.json(&["deploy"]).ok());
    project.json(&["local", "stop"]).ok();
    let address = first.trim_start_matches("http://");
    let taken = std::net::TcpListener::bind(address).expect("the port is free now");

    let drift = project.json(&["refresh"]).ok()["drift"].clone();
    assert_eq!((&drift[0]["address"], &drift[0]["missing"]), (&json!("api"), &json!(false)));
    let change = &drift[0]["diff"][0];
    assert_eq!((&change["property"], &change["before"]), (&json!("outputs.endpoint"), &json!(first)));
    let plan = project.json(&["plan"]).ok();
    assert_eq!(plan["changes"]["updated"], 1, "{plan:#}");

    let moved = project.json(&["deploy"]).ok();
    assert_eq!(change["after"], moved["endpoint"]);
    assert_ne!(endpoint(&moved), first);
    assert_eq!(get(&endpoint(&moved), "/health").0, 200);
    assert_eq!(project.json(&["outputs"]).ok()["outputs"]["rest-api"]["endpoint"], moved["endpoint"]);
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");

    drop(taken);
    project.json(&["local", "stop"]).ok();
    let back = project.json(&["deploy"]).ok();
    assert_eq!(
        (&back["status"], endpoint(&back)),
        (&json!("deployed"), first.clone()),
        "never a dead endpoint"
    );
    assert_eq!(get(&first, "/health").0, 200);
}

#[test]
fn a_run_that_changes_something_after_the_port_was_lost_tells_the_new_one() {
    let project = Project::init("node");
    let first = endpoint(&project.json(&["deploy"]).ok());
    project.json(&["local", "stop"]).ok();
    let _taken = std::net::TcpListener::bind(first.trim_start_matches("http://")).expect("its port");
    for verb in [&["configure", "A=1"][..], &["scale", "--reserved-concurrency", "1"], &["rollback"]] {
        let answer = project.json(verb).ok();
        assert_ne!(endpoint(&answer), first, "{verb:?}");
        assert_eq!(get(&endpoint(&answer), "/health").0, 200, "{verb:?}");
    }
    let facts = project.json(&["history"]).ok();
    let told = facts["events"].as_array().expect("events").iter().rev();
    let last = told.clone().find(|event| event["data"]["endpoint"].is_string()).expect("a fact");
    assert_ne!(last["data"]["endpoint"], first.as_str());
}

#[test]
fn a_project_can_be_moved() {
    for runs in [false, true] {
        let (project, other) = (Project::init("python"), Project::empty());
        project.json(&["deploy"]).ok();
        let process = host(&project);
        if !runs {
            project.json(&["local", "stop"]).ok();
        }
        std::fs::remove_dir(other.path()).expect("room");
        std::fs::rename(project.path(), other.path()).expect("moved");
        let answer = other.json(&["deploy"]).ok();
        assert_eq!(get(&endpoint(&answer), "/health").0, 200, "it ran before: {runs}");
        await_that("the host of a folder that has gone lives on", || !is_alive(process));
        assert_eq!(get(&endpoint(&answer), "/health").0, 200);
    }
}

#[test]
fn a_host_that_does_not_answer_is_named_and_can_be_stopped() {
    let project = Project::init("node");
    let deployed = project.json(&["deploy"]).ok();
    let process = host(&project);
    signal("-STOP", process);
    let said = |ran: Ran| {
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        ran.json()["error"]["message"].to_string()
    };
    // With nothing to do nobody is asked.
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    let message = said(project.json(&["deploy", "--set", "memory_mb=640"]));
    assert!(message.contains(&format!("process {process}")) && message.contains("local stop"), "{message}");
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], true);
    assert!(!is_alive(process));
    project.json(&["deploy"]).ok();
    assert_eq!(get(&endpoint(&deployed), "/health").0, 200);
}

#[test]
fn a_host_whose_file_is_lost_or_damaged_is_found_again() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    let (process, file) = (host(&project), project.file(".semantest/local/host.json"));
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(project.json(&["refresh"]).ok()["drift"], json!([]));
    std::fs::write(&file, "{").expect("damaged");
    project.write("rest-api/index.mjs", "export const handler = async () => 'new';");
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
    std::fs::write(&file, "").expect("damaged");
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], true);
    assert!(!is_alive(process));
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], false);
}

#[test]
fn what_was_lost_of_a_deployment_comes_back_with_the_next_deploy() {
    type Damage = fn(&Project);
    let damages: [(&str, Damage); 5] = [
        ("a definition", |project| std::fs::remove_file(project.file(FUNCTION)).expect("removed")),
        ("a damaged definition", |project| project.write(FUNCTION, "{\"name\":")),
        ("both kinds", |project| {
            for folder in ["functions", "apis"] {
                std::fs::remove_dir_all(project.file(&format!(".semantest/local/{folder}")))
                    .expect("removed");
            }
        }),
        ("packages", |project| {
            std::fs::remove_dir_all(project.file(".semantest/local/packages")).expect("removed");
        }),
        ("files of packages", |project| {
            for file in program::files(&project.file(".semantest/local/packages")) {
                std::fs::write(file, "").expect("emptied");
            }
        }),
    ];
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    for (what, damage) in damages {
        project.json(&["local", "stop"]).ok();
        damage(&project);
        let again = project.json(&["deploy"]);
        assert_eq!(again.ok()["status"], "deployed", "{what}");
        assert_eq!(get(&endpoint(&again.json()), "/health").0, 200, "{what}");
        assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged", "{what}");
    }
    project.json(&["local", "stop"]).ok();
    project.write(FUNCTION, "");
    assert_eq!(project.json(&["destroy", "--yes"]).ok()["status"], "removed");
    assert!(!project.file(FUNCTION).exists());
}

#[test]
fn a_function_whose_code_is_gone_says_so_until_it_is_deployed_again() {
    let project = Project::init("node");
    let deployed = project.json(&["deploy"]).ok();
    std::fs::remove_dir_all(project.file(".semantest/local/packages")).expect("removed");
    let message = project.json(&["invoke"]).json()["payload"]["errorMessage"].to_string();
    assert!(message.contains("code is gone") && message.contains("deploy again"), "{message}");
    assert_eq!(project.json(&["refresh"]).ok()["drift"][0]["missing"], true);
    project.json(&["deploy"]).ok();
    assert_eq!(get(&endpoint(&deployed), "/health").0, 200);
}

#[test]
fn a_host_whose_folder_is_taken_away_ends() {
    let project = Project::init("node");
    let deployed = project.json(&["deploy"]).ok();
    assert_eq!(get(&endpoint(&deployed), "/health").0, 200);
    let process = host(&project);
    std::fs::remove_dir_all(project.file(".semantest")).expect("removed");
    await_that("the host lives on", || !is_alive(process));
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
}

/// A function whose child makes itself a session of its own and outlives whoever does not look for it.
fn with_a_daemon(mark: &str) -> (Project, String) {
    let project = Project::init("python");
    let code = format!(
        "import os, subprocess, time\n\
         def handler(event, context):\n\
         \x20   subprocess.Popen(['sleep', '300'], start_new_session=True, env={{**os.environ, 'MARK': '{mark}'}})\n\
         \x20   if event.get('rawPath') == '/slow': time.sleep(60)\n\
         \x20   return 'started'\n"
    );
    project.write("rest-api/app.py", &code);
    project.replace("semantest.toml", "runtime = \"python3.12\"", "runtime = \"python3.11\"\ntimeout_s = 2");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    (project, endpoint)
}

#[test]
fn children_that_left_their_workers_group_end_with_the_worker() {
    let mark = format!("MARK=semantest-daemon-{}", std::process::id());
    let (project, endpoint) = with_a_daemon(&mark["MARK=".len()..]);
    let lives = || !marked(&mark).is_empty();
    assert_eq!(get(&endpoint, "/slow").0, 500, "its time is up");
    await_that("a child outlives a worker that was killed", || !lives());

    assert_eq!(get(&endpoint, "/go").0, 200);
    assert!(lives(), "as long as its worker lives");
    project.json(&["configure", "GREETING=other"]).ok();
    await_that("a child outlives a function that was replaced", || !lives());

    assert_eq!(get(&endpoint, "/go").0, 200);
    project.json(&["local", "stop"]).ok();
    assert!(!lives(), "a child outlives the host");

    project.json(&["deploy"]).ok();
    assert_eq!(get(&endpoint, "/go").0, 200);
    signal("-9", host(&project));
    assert!(lives(), "nobody is left to end it");
    project.json(&["deploy"]).ok();
    assert!(!lives(), "a child outlives a host that was killed, beside the next one");
}

#[test]
fn a_path_that_is_in_the_way_is_named() {
    for name in ["ca.pem", "host.log"] {
        let project = Project::init("node");
        std::fs::create_dir_all(project.file(".semantest/local").join(name)).expect("a folder");
        let message = project.json(&["deploy"]).json()["error"]["message"].to_string();
        assert!(message.contains(&format!(".semantest/local/{name}")), "{message}");
    }
}

#[test]
fn a_bootstrap_that_cannot_be_run_is_named_with_what_to_do() {
    let project = Project::init("python");
    project.write("rest-api/bootstrap", "#!/bin/sh\n");
    project.replace("semantest.toml", "runtime = \"python3.12\"", "runtime = \"provided.al2023\"");
    let mut deploy =
        project.command(&["deploy", "--output", "json"]).stdout(Stdio::piped()).spawn().expect("runs");
    let mut said = String::new();
    deploy.stdout.take().expect("output").read_to_string(&mut said).expect("text");
    if !deploy.wait().expect("its end").success() {
        // Refused before anything is deployed.
        assert!(said.contains("bootstrap"), "{said}");
        return;
    }
    let message = project.json(&["invoke"]).json()["payload"]["errorMessage"].to_string();
    assert!(message.contains("/bootstrap`") && message.contains("chmod +x bootstrap"), "{message}");
}

#[test]
fn invoke_passes_events_and_answers_byte_for_byte() {
    let project = Project::answering("text");
    let deep = "[".repeat(200) + &"]".repeat(200);
    for event in ["12345678901234567890123", "1e400", r#"{"b":1.10,  "a":1,"a":2}"#, &deep] {
        let answer = project.run(&["invoke", "--data", event]);
        assert_eq!((answer.code, answer.stdout.trim_end()), (0, event), "{}", answer.stderr);
        let answer = project.run(&["invoke", "--data", event, "--output", "json"]);
        assert!(answer.stdout.contains(event), "{}", answer.stdout);
    }
    for event in ["", "{", "[1,]", "{} {}", "01"] {
        assert_eq!(project.run(&["invoke", "--data", event]).code, 2, "{event}");
    }
}

#[test]
fn a_missing_interpreter_is_named_and_the_one_deployed_with_is_kept() {
    let project = Project::init("node");
    let nowhere = project.file("empty");
    std::fs::create_dir(&nowhere).expect("a folder");
    let bare = |verb: &[&str]| {
        let mut command = project.command(&[verb, &["--output", "json"]].concat());
        command.env("PATH", &nowhere).output().expect("it runs")
    };
    let refused = bare(&["deploy"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("Node.js is not installed, or not on your PATH"), "{said}");
    project.json(&["deploy"]).ok();
    project.json(&["local", "stop"]).ok();
    // Whoever starts the host may have another PATH.
    let invoked = bare(&["invoke"]);
    assert!(invoked.status.success(), "{}", String::from_utf8_lossy(&invoked.stdout));
}

/// What the facade makes of the files alone, and whether a host runs afterwards.
fn served(project: &Project) -> (bool, bool) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let iac = semantest_iac::Iac::open(project.path()).await.expect("a project");
        let served = iac.is_served("dev", "rest-api").await.expect("a log");
        (served, iac.local_host_runs().await.expect("a folder"))
    })
}

#[test]
fn what_is_deployed_here_counts_as_served_only_while_a_host_runs_it_and_asking_starts_none() {
    let project = Project::init("python");
    assert_eq!(served(&project), (true, false), "what was never deployed is not judged");
    project.json(&["deploy"]).ok();
    assert_eq!(served(&project), (true, true), "deployed");
    project.json(&["local", "stop"]).ok();
    assert_eq!(served(&project), (false, false), "the host was stopped");
    project.json(&["deploy"]).ok();
    assert_eq!(served(&project), (true, true), "deployed again");
    project.json(&["destroy", "--yes"]).ok();
    assert!(served(&project).0, "what was removed is not judged");
}
