//! `dev`: what is saved is served, and nothing is lost on the way.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::container;
use crate::program::dev::{Dev, wait_for};
use crate::program::{Project, get};

fn answering(text: &str) -> String {
    format!("def handler(event, context):\n    print('it was {text}')\n    return '{text}'\n")
}

fn host_runs(project: &Project) -> bool {
    project.json(&["local", "stop"]).ok()["stopped"] == true
}

#[test]
fn what_is_saved_is_served_however_an_editor_saves_it() {
    let project = Project::init("python");
    project.write("rest-api/app.py", &answering("one"));
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    wait_for(&endpoint, "one");
    let line = dev.log("it was one");
    assert!(line["request_id"].is_string() && line["function_name"] == "shop-dev-rest-api", "{line}");

    project.write("rest-api/app.py", &answering("two"));
    wait_for(&endpoint, "two");
    dev.log("it was two");

    project.write("rest-api/.app.py.swp", &answering("three"));
    std::fs::rename(project.file("rest-api/.app.py.swp"), project.file("rest-api/app.py")).expect("renamed");
    wait_for(&endpoint, "three");

    std::fs::remove_file(project.file("rest-api/app.py")).expect("removed");
    project.write("rest-api/app.py", &answering("four"));
    wait_for(&endpoint, "four");

    for number in 0..50 {
        project.write("rest-api/app.py", &answering(&format!("save {number}.")));
    }
    wait_for(&endpoint, "save 49.");

    std::fs::create_dir(project.file("rest-api/added")).expect("a folder");
    project.write("rest-api/added/more.py", "TEXT = 'from a new folder'\n");
    let code = "from added.more import TEXT\ndef handler(event, context):\n    return TEXT\n";
    project.write("rest-api/app.py", code);
    wait_for(&endpoint, "from a new folder");
    project.write("rest-api/added/more.py", "TEXT = 'changed in a new folder'\n");
    wait_for(&endpoint, "changed in a new folder");

    assert_eq!(dev.end(), 130);
    assert!(!host_runs(&project), "what `dev` started ends with it");
}

#[test]
fn a_container_service_is_reloaded_and_its_log_shown() {
    let project = container::project("replicas = { min = 2, max = 2 }");
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    wait_for(&endpoint, "{}");
    let line = dev.log("listening on");
    assert!(line["replica"].is_u64() && line["function_name"] == "shop-dev-web", "{line}");
    let two = container::SERVER.replace("\"one\"", "\"two\"").replace("listening on", "now listening on");
    project.write("web/server.py", &two);
    dev.log("now listening on");
    container::await_that("the new version", || container::ask(&endpoint, "/who")["version"] == "two");
    assert_eq!(dev.end(), 130);
    assert!(!host_runs(&project), "what `dev` started ends with it");
}

#[test]
fn what_cannot_be_deployed_is_told_and_what_ran_goes_on() {
    let project = Project::init("python");
    project.write("rest-api/app.py", &answering("one"));
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    let whole = std::fs::read_to_string(project.file("semantest.toml")).expect("the project file");

    project.write("semantest.toml", &format!("{whole}\n[components.rest-api.broken"));
    let error = dev.until("an error", |line| (line["kind"] == "failed").then(|| line["error"].clone()));
    assert_eq!(error["kind"], "invalid_project", "{error}");
    assert!(get(&endpoint, "/").1.contains("one"), "the old code answers");

    project.write("semantest.toml", &whole.replace("handler", "handlr"));
    let text = dev.until("an error", |line| (line["kind"] == "failed").then(|| line["error"].to_string()));
    assert!(text.contains("did you mean `handler`"), "{text}");

    project.write("semantest.toml", &whole.replace("app.handler", "nothing.handler"));
    dev.until("an error", |line| {
        (line["kind"] == "failed" || line["answer"]["status"] == "failed").then_some(())
    });
    assert!(get(&endpoint, "/").1.contains("one"), "the old code answers");

    // At once, while the failure is still being worked on.
    project.write("semantest.toml", &whole);
    project.write("rest-api/app.py", "this is no Python\n");
    dev.until("a deployment", |line| (line["kind"] == "deployed").then_some(()));
    assert_eq!(get(&endpoint, "/").0, 500);
    dev.log("SyntaxError");

    project.write("rest-api/app.py", &answering("well again"));
    wait_for(&endpoint, "well again");
    dev.end();
}

#[test]
fn no_request_fails_while_the_code_is_saved_again_and_again() {
    let project = Project::init("python");
    let code = |number: usize| {
        format!(
            "import time\ndef handler(event, context):\n    time.sleep(0.02)\n    return 'answer {number}.'\n"
        )
    };
    project.write("rest-api/app.py", &code(0));
    let deployed = project.json(&["deploy"]).ok();
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint").to_owned();
    // Its thousands of lines are read by nobody: a pipe would fill up, and hold it.
    let mut dev =
        project.command(&["dev"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (over, asked, endpoint) = (over.clone(), asked.clone(), endpoint.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let (status, body) = get(&endpoint, "/");
                    assert!(status == 200 && body.contains("answer"), "{status} {body}");
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for number in 1..=20 {
        project.write("rest-api/app.py", &code(number));
        wait_for(&endpoint, &format!("answer {number}."));
    }
    over.store(true, Ordering::SeqCst);
    clients.into_iter().for_each(|client| client.join().expect("every request was answered"));
    assert!(asked.load(Ordering::SeqCst) >= 20);
    dev.kill().expect("ended");
    dev.wait().expect("its end");
}

#[test]
fn only_what_changed_is_deployed_again_and_the_history_tells_it() {
    let project = Project::example("semantest");
    let mut dev = Dev::start(&project, &[]);
    dev.ready();
    let file = project.file("rest-api/index.js");
    let file = if file.is_file() { file } else { project.file("rest-api/index.mjs") };
    let text = std::fs::read_to_string(&file).expect("the code");
    std::fs::write(&file, format!("{text}\n// saved\n")).expect("written");
    let component = dev.until("a deployment", |line| {
        (line["kind"] == "deployed" && line["again"] == true).then(|| line["answer"]["component"].clone())
    });
    assert_eq!(component, "rest-api");
    assert_eq!(dev.end(), 130);
    let history = project.json(&["history", "--component", "rest-api"]).ok().to_string();
    assert_eq!(history.matches("com.semantest.iac.DeploymentRequested\"").count(), 2, "{history}");
}

#[test]
fn without_watching_it_deploys_once_and_shows_logs() {
    let project = Project::init("python");
    project.write("rest-api/app.py", &answering("one"));
    let mut dev = Dev::start(&project, &["--no-watch"]);
    let endpoint = dev.ready();
    assert_eq!(get(&endpoint, "/").0, 200);
    dev.log("it was one");
    project.write("rest-api/app.py", &answering("two"));
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        assert!(get(&endpoint, "/").1.contains("one"));
    }
    assert_eq!(dev.end(), 130);
}

#[test]
fn a_host_that_ran_before_stays() {
    let project = Project::init("python");
    project.json(&["deploy"]).ok();
    let mut dev = Dev::start(&project, &[]);
    dev.ready();
    dev.end();
    assert!(host_runs(&project));
}

#[test]
fn what_is_not_on_this_machine_is_refused() {
    let project = Project::init("python");
    let text = std::fs::read_to_string(project.file("semantest.toml")).expect("the project file");
    let cloud = "\n[environments.production]\nprovider = \"aws\"\nregion = \"eu-west-1\"\n";
    project.write("semantest.toml", &format!("{text}{cloud}"));
    let ran = project.json(&["dev", "--environment", "production"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("runs functions on this machine"), "{}", ran.stdout);
    let ran = project.json(&["dev", "--no-watch", "--component", "nothing"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

#[test]
fn the_projects_own_folder_may_be_the_code_and_what_is_written_on_the_way_is_no_change() {
    let project = Project::init("python");
    std::fs::remove_dir_all(project.file("rest-api")).expect("removed");
    project.replace("semantest.toml", "code = \"rest-api\"", "code = \".\"");
    project.write("app.py", &answering("one"));
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    // Each writes logs, and events where it is deployed.
    for _ in 0..20 {
        wait_for(&endpoint, "one");
    }
    project.json(&["configure", "LEVEL=debug"]).ok();
    project.json(&["outputs"]).ok();
    project.write("app.py", &answering("two"));
    wait_for(&endpoint, "two");
    dev.log("it was two");
    assert_eq!(dev.end(), 130);
    let history = project.json(&["history"]).ok().to_string();
    assert_eq!(history.matches("com.semantest.iac.DeploymentRequested\"").count(), 2, "{history}");
}

#[test]
fn throttling_of_a_project_file_holds_and_its_end_too() {
    let project = Project::init("python");
    project.write("rest-api/app.py", &answering("one"));
    // Beyond the burst nothing is admitted within any time that a test takes.
    let throttled = "handler = \"app.handler\"\nthrottling = { rate = 0.0001, burst = 2 }";
    project.replace("semantest.toml", "handler = \"app.handler\"", throttled);
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    let statuses: Vec<u16> = (0..5).map(|_| get(&endpoint, "/").0).collect();
    assert_eq!(statuses, [200, 200, 429, 429, 429]);
    project.replace("semantest.toml", throttled, "handler = \"app.handler\"");
    dev.until("it is deployed", |line| (line["kind"] == "deployed" && line["again"] == true).then_some(()));
    for _ in 0..20 {
        assert_eq!(get(&endpoint, "/").0, 200);
    }
    dev.end();
}

#[test]
fn text_tells_endpoints_reloads_and_logs() {
    let project = Project::init("python");
    project.write("rest-api/app.py", &answering("one"));
    let mut command = project.command(&["dev"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
    let mut until = |text: &str| {
        let found = lines.by_ref().find(|line| line.as_ref().is_ok_and(|line| line.contains(text)));
        found.unwrap_or_else(|| panic!("no {text}")).expect("a line")
    };
    let endpoint = until("endpoint").rsplit(' ').next().expect("an address").to_owned();
    until("ready: what is saved is deployed");
    project.write("rest-api/app.py", "def handler(event, context):\n    raise KeyError('lost')\n");
    assert!(until("rest-api: version 2 in").contains("1 updated"));
    assert_eq!(get(&endpoint, "/").0, 500);
    let line = until("app.py\", line 2");
    assert!(line.contains("shop-dev-rest-api"), "a traceback has lines of its own: {line}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    assert_eq!(child.wait().expect("its end").code(), Some(130));
}
