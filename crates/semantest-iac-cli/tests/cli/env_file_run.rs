//! Environment files: their variables reach the functions, and nothing that is kept or said.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Project, Ran, files, get};
use serde_json::{Value, json};

const CANARY: &str = "canary-71c0ffee55";

const PYTHON: &str = r#"
import os

def handler(event, context):
    if event.get("list"):
        return sorted(os.listdir(os.path.dirname(__file__)))
    return {name: os.environ.get(name) for name in ("TOKEN", "GREETING", "OWN", "KEY")}
"#;

/// A project whose component has the given keys.
fn project(keys: &str) -> Project {
    let project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    let old = "runtime = \"python3.12\"";
    project.replace("semantest.toml", old, &format!("{old}\n{keys}"));
    project
}

fn variables(project: &Project) -> Value {
    project.json(&["invoke"]).ok()["payload"].clone()
}

/// The error of a `plan` and a `deploy` that are refused alike.
fn refusal(project: &Project) -> String {
    let message = |ran: Ran| {
        assert_ne!(ran.code, 0, "{}", ran.stdout);
        ran.json()["error"]["message"].as_str().expect("words").to_owned()
    };
    let (planned, deployed) = (message(project.json(&["plan"])), message(project.json(&["deploy"])));
    assert_eq!(planned, deployed);
    deployed
}

#[test]
fn the_variables_of_a_file_reach_the_function_and_what_is_written_in_the_project_file_wins() {
    let project = project("env_file = \"dev.env\"");
    let file = format!("# ours\nexport TOKEN={CANARY}\nGREETING=from the file\nKEY=\"one\\ntwo\"\n");
    project.write("dev.env", &file);
    project.json(&["deploy"]).ok();
    let wanted = json!({ "TOKEN": CANARY, "GREETING": "hello", "OWN": null, "KEY": "one\ntwo" });
    assert_eq!(variables(&project), wanted, "GREETING stands in the project file too");
}

#[test]
fn a_functions_own_file_is_laid_over_the_components() {
    let project = Project::empty();
    project.write(
        "semantest.toml",
        r#"project = "shop"
[environments.dev]
provider = "local"
[components.rest-api]
code = "code"
runtime = "python3.12"
env_file = "all.env"
environment_variables = { OWN = "of the component" }
[components.rest-api.functions.one]
handler = "app.handler"
routes = ["GET /one"]
env_file = "./one.env"
[components.rest-api.functions.other]
handler = "app.handler"
routes = ["GET /other"]
"#,
    );
    std::fs::create_dir(project.file("code")).expect("a folder");
    project.write("code/app.py", PYTHON);
    project.write("all.env", "TOKEN=all\nGREETING=all\nOWN=all\n");
    project.write("one.env", "TOKEN=one\nOWN=one\n");
    project.json(&["deploy"]).ok();
    let of = |function: &str| project.json(&["invoke", "--function", function]).ok()["payload"].clone();
    let (own, none) = ("of the component", Value::Null);
    assert_eq!(of("one"), json!({ "TOKEN": "one", "GREETING": "all", "OWN": own, "KEY": none }));
    assert_eq!(of("other"), json!({ "TOKEN": "all", "GREETING": "all", "OWN": own, "KEY": none }));
}

#[test]
fn a_value_is_in_nothing_that_is_kept_or_said_and_another_one_is_a_change() {
    let mut project = project("env_file = \"rest-api/.env\"");
    project.environment.push(("SEMANTEST_LOG", "trace".into()));
    project.write("rest-api/.env", &format!("TOKEN={CANARY}\n"));
    let mut said = String::new();
    let mut run = |verb: &[&str]| -> Value {
        let ran = project.json(verb);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        ran.ok()
    };
    run(&["plan"]);
    run(&["deploy"]);
    assert_eq!(run(&["deploy"])["status"], "unchanged");
    project.write("rest-api/.env", &format!("TOKEN={CANARY}-2\n"));
    assert_eq!(run(&["plan"])["changes"]["updated"], 1);
    assert_eq!(run(&["deploy"])["status"], "deployed");
    // A host that was stopped has no values: the next deploy hands them over.
    run(&["local", "stop"]);
    run(&["deploy"]);
    for verb in [&["history"][..], &["events"], &["status"], &["outputs"], &["refresh"], &["logs"]] {
        run(verb);
    }
    assert!(!said.contains(CANARY), "nothing that was printed holds it: {said}");
    assert_eq!(variables(&project)["TOKEN"], format!("{CANARY}-2"));
    let listed = project.json(&["invoke", "--data", "{\"list\":true}"]).ok()["payload"].clone();
    assert_eq!(listed, json!(["app.py"]), "the file is no part of the package");
    for file in files(&project.file(".semantest")) {
        let bytes = std::fs::read(&file).expect("a file");
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds it", file.display());
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_what_to_do_and_nothing_of_what_it_holds() {
    let cases = [
        (None, ".env", "create it, or correct its path"),
        (Some(format!("A=1\n{CANARY}\n")), ".env", "`.env`, line 2: it is no NAME=value"),
        (Some(format!("A=\"{CANARY}\n")), ".env", "line 1: a quote is opened and not closed"),
        (Some(format!("AWS_REGION={CANARY}\n")), ".env", "sets `AWS_REGION`, which the runtime itself sets"),
        (Some(format!("A={CANARY}\n")), "../.env", "without `..`"),
        (Some(format!("A={CANARY}\n")), "/etc/hostname", "inside the project folder"),
    ];
    for (text, path, said) in cases {
        let project = project(&format!("env_file = \"{path}\""));
        if let Some(text) = text {
            project.write(".env", &text);
        }
        let error = refusal(&project);
        assert!(error.contains(said) && error.contains("semantest.toml, line"), "{path}: {error}");
        assert!(!error.contains(CANARY), "{error}");
        assert_eq!(project.json(&["status"]).ok()["deployments"], json!([]));
    }
    let wrong = project("env_file = 5");
    assert!(refusal(&wrong).contains("env_file"));
    let near = project("env_fil = \".env\"");
    assert!(refusal(&near).contains("`env_file`"), "a near key is suggested");
}

#[test]
fn a_variable_that_is_gone_from_the_file_is_named_where_an_earlier_version_needs_it() {
    let project = project("env_file = \".env\"");
    project.write(".env", "TOKEN=1\n");
    project.json(&["deploy"]).ok();
    project.write(".env", "KEY=2\n");
    project.json(&["deploy"]).ok();
    assert_eq!(variables(&project)["TOKEN"], Value::Null);
    let back = project.json(&["rollback", "--to", "1"]);
    assert_ne!(back.code, 0, "{}", back.stdout);
    let error = back.json()["error"].clone();
    assert_eq!(error["kind"], "secret_unresolved", "{error}");
    assert!(error["message"].as_str().expect("words").contains("add TOKEN to that file"), "{error}");
}

#[test]
fn clouds_are_given_references_for_functions_and_containers_alike() {
    let project = Project::empty();
    let clouds = "[environments.a]\nprovider = \"aws\"\nregion = \"eu-west-1\"\n\
                  [environments.b]\nprovider = \"azure\"\nregion = \"westeurope\"\n";
    let service = "[components.service]\nkind = \"container-service\"\nimage = \"registry.example/a:1\"\nenv_file = \".env\"\n";
    let api = "[components.rest-api]\ncode = \"code\"\nruntime = \"python3.12\"\nhandler = \"app.handler\"\n\
               env_file = \".env\"\n";
    project.write("semantest.toml", &format!("project = \"shop\"\n{clouds}{service}{api}"));
    std::fs::create_dir(project.file("code")).expect("a folder");
    project.write("code/app.py", PYTHON);
    project.write(".env", &format!("TOKEN={CANARY}\n"));
    for environment in ["a", "b"] {
        for component in ["service", "rest-api"] {
            let plan = project.json(&["plan", "--environment", environment, "--component", component]).ok();
            let text = plan.to_string();
            assert!(text.contains("env-file:.env#TOKEN") && !text.contains(CANARY), "{text}");
        }
    }
}

#[test]
fn values_are_read_as_nodes_own_reader_does() {
    let text = "A=b\nB = c d \nC='e # f'\nD=\"g\\nh\"\nE=`i \"j\"`\nexport F=k=l\n# G=m\n\nH=n # o\nI=\nJ=\"p\nq\"\n";
    let script =
        "console.log(JSON.stringify(require('util').parseEnv(require('fs').readFileSync(0, 'utf8'))))";
    let mut node = Command::new("node");
    let mut node =
        node.args(["-e", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node");
    std::io::Write::write_all(&mut node.stdin.take().expect("input"), text.as_bytes()).expect("written");
    let read = node.wait_with_output().expect("its end").stdout;
    let read: Value = serde_json::from_slice(&read).expect("JSON");

    let project = project("env_file = \".env\"");
    project
        .write("rest-api/app.py", "import os\ndef handler(event, context):\n    return dict(os.environ)\n");
    project.write(".env", text);
    project.json(&["deploy"]).ok();
    let ours = variables(&project);
    let read = read.as_object().expect("an object");
    assert_eq!(read.len(), 9, "{read:?}");
    for (name, value) in read {
        assert_eq!(&ours[name], value, "{name}");
    }
}

#[test]
fn a_saved_file_is_served_by_dev() {
    let project = project("env_file = \"dev.env\"");
    project.write("dev.env", "TOKEN=one\n");
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    let mut dev = project.command(&["dev", "--output", "json"]).stdout(Stdio::piped()).spawn().expect("dev");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(dev.stdout.take().expect("output")));
    let ready = lines.any(|line| line.expect("a line").contains("\"ready\""));
    assert!(ready, "it ended before it was ready");
    project.write("dev.env", "TOKEN=two\n");
    let begun = Instant::now();
    while !get(&endpoint, "/").1.contains("two") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", get(&endpoint, "/"));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-TERM", &dev.id().to_string()]).status().expect("kill").success());
    dev.wait().expect("its end");
}
