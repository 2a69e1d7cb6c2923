//! What verbs print as JSON is what the shipped schemas say, for one component and for several, done or failed.

use crate::program::{Project, Ran, programs};
use serde_json::{Value, json};

const SECOND: &str = "\n[components.second]\nkind = \"rest-api\"\ncode = \"rest-api\"\nruntime = \"nodejs20.x\"\n\
                      handler = \"index.handler\"\n";
const WORKER: &str =
    "\n[components.worker]\nkind = \"container-service\"\nimage = \"registry.example/worker:1\"\n";

/// The answer, after checking it against the schema that is shipped for its verb.
fn documented(verb: &str, ran: &Ran) -> Value {
    let schemas = semantest_iac_cli::schemas();
    let schema = &schemas[&format!("cli/{verb}.schema.json")];
    let answer = ran.json();
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{verb}: {errors:?}\n{answer:#}");
    answer
}

fn project(more: &[&str]) -> (Project, tempfile::TempDir) {
    let mut project = Project::init("node");
    // Without a container engine an image cannot be run.
    let path = programs(&["node", "sh", "grep"]);
    project.environment.push(("PATH", path.path().display().to_string()));
    let file = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    project.write("semantest.toml", &format!("{file}{}", more.concat()));
    (project, path)
}

fn components(answer: &Value, list: &str) -> Vec<String> {
    let stream = |one: &Value| {
        one["deployment"].as_str().and_then(|stream| stream.rsplit('/').next()).map(str::to_owned)
    };
    let name = |one: &Value| one["component"].as_str().map(str::to_owned).or_else(|| stream(one));
    answer[list].as_array().expect(list).iter().filter_map(name).collect()
}

#[test]
fn several_components_are_summed_up_and_told_one_by_one() {
    let (project, _path) = project(&[SECOND]);
    let plan = project.json(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 3);
    let plan = documented("plan", &plan);
    assert_eq!((&plan["changes"]["created"], components(&plan, "plans").len()), (&json!(4), 2));
    assert_eq!(components(&plan, "steps"), ["rest-api", "rest-api", "second", "second"]);

    let deployed = documented("deploy", &project.json(&["deploy"]));
    assert_eq!((&deployed["status"], &deployed["environment"]), (&json!("deployed"), &json!("dev")));
    assert_eq!(deployed["changes"]["created"], 4);
    assert_eq!(components(&deployed, "deployments"), ["rest-api", "second"]);
    let both = ["deploy", "--component", "second,rest-api"];
    let again = documented("deploy", &project.json(&both));
    assert_eq!(again["status"], "unchanged");
    assert_eq!(components(&again, "deployments"), ["second", "rest-api"], "in the order they were named");
    let one = documented("deploy", &project.json(&["deploy", "--component", "second"]));
    assert_eq!((&one["component"], &one["deployments"]), (&json!("second"), &Value::Null));

    let refreshed = documented("refresh", &project.json(&["refresh"]));
    assert_eq!((&refreshed["checked"], &refreshed["drift"]), (&json!(4), &json!([])));
    documented("status", &project.json(&["status", "--component", "second", "--component", "rest-api"]));
    let removal = documented("plan", &project.json(&["plan", "--destroy"]));
    assert_eq!(removal["changes"]["deleted"], 4);
    let gone = documented("destroy", &project.json(&["destroy", "--yes"]));
    assert_eq!((&gone["status"], &gone["changes"]["deleted"]), (&json!("removed"), &json!(4)));
}

#[test]
fn no_component_at_all_is_an_answer_as_well() {
    let project = Project::init("node");
    let nothing = documented("destroy", &project.json(&["destroy"]));
    assert_eq!((&nothing["status"], &nothing["deployments"]), (&json!("unchanged"), &json!([])));
    assert_eq!(documented("refresh", &project.json(&["refresh"]))["refreshes"], json!([]));
    assert_eq!(documented("plan", &project.json(&["plan", "--destroy"]))["plans"], json!([]));
    assert_eq!(
        documented("destroy", &project.json(&["destroy", "--component", "rest-api"]))["status"],
        "unchanged"
    );
}

#[test]
fn a_component_that_cannot_be_done_is_told_beside_the_others() {
    let (project, _path) = project(&[SECOND, WORKER]);
    let ran = project.json(&["plan"]);
    assert_eq!(ran.code, 1);
    let plan = documented("plan", &ran);
    assert_eq!(components(&plan, "plans"), ["rest-api", "second"], "the others are planned");
    assert_eq!(components(&plan, "failures"), ["worker"]);
    assert_eq!(plan["error"]["kind"], "unsupported");

    let ran = project.json(&["deploy"]);
    assert_eq!(ran.code, 1);
    let deployed = documented("deploy", &ran);
    assert_eq!((&deployed["status"], &deployed["error"]["kind"]), (&json!("failed"), &json!("unsupported")));
    let statuses: Vec<_> =
        deployed["deployments"].as_array().expect("deployments").iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["deployed", "deployed", "failed"]);
    assert_eq!(deployed["deployments"][2]["error"]["kind"], "unsupported");
    let ran = project.json(&["refresh", "--component", "rest-api,worker"]);
    assert_eq!(
        (ran.code, components(&documented("refresh", &ran), "failures")),
        (1, vec!["worker".to_owned()])
    );
}

#[test]
fn an_error_about_one_component_is_an_error() {
    let (project, _path) = project(&[WORKER]);
    for verb in ["plan", "deploy", "refresh", "history", "rollback", "scale", "logs", "invoke"] {
        let ran = project.json(&[verb, "--component", "worker"]);
        let answer = documented("error", &ran);
        assert_eq!(ran.code, 1, "{verb}: {answer:#}");
    }
}

#[test]
fn every_verb_answers_with_one_object() {
    let project = Project::init("node");
    documented("completions", &project.json(&["completions", "bash"]));
    documented("schema", &project.json(&["schema"]));
    documented("schema", &project.json(&["schema", "FunctionDeployed"]));
    let written = documented("schema", &project.json(&["schema", "--out", "all"]));
    assert!(written["files"].as_array().is_some_and(|files| files.len() > 20));
    documented("discover", &project.json(&["discover"]));
    documented("doctor", &project.json(&["doctor"]));
    documented("local-stop", &project.json(&["local", "stop"]));
    documented("outputs", &project.json(&["outputs"]));
    documented("init", &Project::empty().json(&["init", "--name", "other"]));
    documented("events", &project.json(&["events"]));
}
