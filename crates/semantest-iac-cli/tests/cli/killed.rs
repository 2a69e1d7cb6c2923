//! kill -9 of the real program at any moment: the same command again ends as if nothing had happened.

use std::process::Stdio;
use std::time::Duration;

use crate::container;
use crate::program::{Project, files};
use serde_json::{Value, json};

/// How far apart the moments are, and how many there are.
const STEP: Duration = Duration::from_micros(1700);
const MOMENTS: u32 = 16;

/// What is there in the end: the log's view, and the host's own.
fn end_state(project: &Project) -> Value {
    let status = project.json(&["status"]).ok();
    let deployment = &status["deployments"][0];
    let resources: Vec<Value> = deployment["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .map(|r| json!([r["address"], r["kind"], r["id"], r["state"]]))
        .collect();
    let local = project.file(".semantest/local");
    let mut held: Vec<String> = ["functions", "services", "apis"]
        .iter()
        .map(|folder| local.join(folder))
        .filter(|folder| folder.exists())
        .flat_map(|folder| files(&folder))
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    held.sort();
    let plan = match deployment["status"] == "removed" {
        true => Value::Null,
        false => project.json(&["plan"]).ok()["changes"].clone(),
    };
    json!({
        "status": deployment["status"], "functions": deployment["functions"].as_array().map(Vec::len),
        "resources": resources, "held": held, "plan": plan, "drift": drift(project, deployment),
    })
}

fn drift(project: &Project, deployment: &Value) -> Value {
    match deployment["resources"].as_array().is_some_and(|resources| !resources.is_empty()) {
        true => project.json(&["refresh"]).ok()["drift"].clone(),
        false => Value::Null,
    }
}

/// Starts `verb`, kills it after `delay`; whether it had not ended by itself.
fn kill(project: &Project, verb: &[&str], delay: Duration) -> bool {
    let mut command = project.command(verb);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    std::thread::sleep(delay);
    let under_way = matches!(child.try_wait(), Ok(None));
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    under_way
}

/// Kills `verb` at many moments after `prepare`, runs it again, and compares with a run that was left alone.
fn walk(prepare: impl Fn(&Project), verb: &[&str]) {
    walk_from(|| Project::init("node"), STEP, prepare, verb);
}

/// The same from projects that `make` makes, with the moments `step` apart.
fn walk_from(make: impl Fn() -> Project, step: Duration, prepare: impl Fn(&Project), verb: &[&str]) {
    let undisturbed = make();
    prepare(&undisturbed);
    undisturbed.json(verb).ok();
    let wanted = end_state(&undisturbed);
    let mut killed = 0;
    for moment in 0..MOMENTS {
        let project = make();
        prepare(&project);
        killed += u32::from(kill(&project, verb, step * moment));
        if moment % 3 == 0 {
            // Two crashes in a row.
            kill(&project, verb, step * (MOMENTS - moment) / 2);
        }
        let again = project.json(verb);
        assert_eq!(again.code, 0, "moment {moment}: {}\n{}", again.stdout, again.stderr);
        assert_eq!(end_state(&project), wanted, "{verb:?} killed at moment {moment}");
    }
    assert!(killed >= 3, "{verb:?}: only {killed} of {MOMENTS} moments were in time");
}

fn deploy(project: &Project) {
    project.json(&["deploy"]).ok();
}

#[test]
fn a_first_deploy_survives_kill_9() {
    walk(|_| {}, &["deploy"]);
}

#[test]
fn an_update_survives_kill_9() {
    let change = |project: &Project| {
        deploy(project);
        project.replace("rest-api/index.mjs", "ok", "better");
        project.replace("semantest.toml", "GET /health", "GET /healthy");
    };
    walk(change, &["deploy"]);
}

#[test]
fn configure_survives_kill_9() {
    walk(deploy, &["configure", "GREETING=hi"]);
}

#[test]
fn scale_survives_kill_9() {
    walk(deploy, &["scale", "--reserved-concurrency", "1"]);
}

#[test]
fn a_rollback_survives_kill_9() {
    let change = |project: &Project| {
        deploy(project);
        project.replace("rest-api/index.mjs", "ok", "better");
        deploy(project);
        project.replace("rest-api/index.mjs", "better", "ok");
    };
    walk(change, &["rollback", "--to", "1"]);
}

#[test]
fn an_update_of_a_container_service_survives_kill_9() {
    let change = |project: &Project| {
        deploy(project);
        project.write("web/server.py", &container::SERVER.replace("\"one\"", "\"two\""));
    };
    // Replicas take longer to be well than functions to be defined.
    walk_from(|| container::project(""), STEP * 15, change, &["deploy"]);
}

#[test]
fn a_removal_survives_kill_9() {
    walk(deploy, &["destroy", "--yes"]);
}

#[test]
fn of_two_deploys_at_once_one_waits_or_is_told_who_holds_it() {
    let project = Project::init("node");
    let children: Vec<_> = (0..6)
        .map(|at| {
            let wait = if at % 2 == 0 { "0" } else { "20" };
            let mut command = project.command(&["deploy", "--output", "json", "--wait", wait]);
            (wait, command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs"))
        })
        .collect();
    let mut done = 0;
    for (wait, child) in children {
        let output = child.wait_with_output().expect("its end");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        match output.status.code() {
            Some(0) => done += 1,
            Some(4) => {
                assert_eq!(wait, "0", "who waits gets it: {answer}");
                let message = answer["error"]["message"].as_str().expect("words");
                assert!(message.contains("process") && message.contains("since"), "{message}");
            }
            code => panic!("{code:?}: {answer}"),
        }
    }
    assert!(done >= 3);
    let history = project.json(&["history"]).ok();
    let created = |event: &&Value| event["type"] == "com.semantest.iac.ResourceCreated";
    assert_eq!(
        history["events"].as_array().expect("events").iter().filter(created).count(),
        2,
        "created once"
    );
}

#[test]
fn ctrl_c_ends_a_deploy_in_good_order() {
    for moment in 0..8 {
        let project = Project::init("node");
        let mut command = project.command(&["deploy", "--output", "json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        std::thread::sleep(Duration::from_millis(4) * moment);
        let _ = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let output = child.wait_with_output().expect("its end");
        if let (Some(130), Ok(answer)) =
            (output.status.code(), serde_json::from_slice::<Value>(&output.stdout))
        {
            assert_eq!(answer["error"]["kind"], "cancelled", "{answer}");
        }
        assert_eq!(project.json(&["deploy"]).code, 0, "the next run goes on");
        assert_eq!(project.json(&["plan"]).ok()["changes"]["unchanged"], 2);
    }
}
