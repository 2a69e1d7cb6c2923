//! What goes wrong is said, with the right exit code, and changes nothing.

use crate::program::{self, Project};
use serde_json::Value;

fn error(answer: &Value) -> (&str, &str) {
    let error = &answer["error"];
    for key in ["kind", "message", "operation", "context", "retry"] {
        assert!(!error[key].is_null(), "an error has `{key}`: {answer}");
    }
    (error["kind"].as_str().expect("a kind"), error["message"].as_str().expect("words"))
}

#[test]
fn wrong_usage_is_exit_code_2_with_one_json_object_where_asked() {
    let project = Project::init("node");
    for arguments in [
        &["deploi"][..],
        &["deploy", "--componnt", "x"],
        &["deploy", "--set", "novalue"],
        &["history", "--at", "yesterday"],
        &["events", "--from", "tomorrow"],
        &["invoke", "--data", "{"],
        &["scale"],
        &["configure"],
        &["configure", "A-B=1"],
        &["configure", "NOVALUE"],
        &["rollback", "--to", "99"],
        &["deploy", "--provider", "gcp"],
        &["deploy", "--environment", "../x"],
        &["schema", "Nothing"],
    ] {
        let ran = project.json(arguments);
        let deployed_first = ["scale", "configure", "rollback"].contains(&arguments[0]);
        assert!(ran.code == 2 || (deployed_first && ran.code == 1), "{arguments:?}: {}", ran.code);
        let (_, message) = (error(&ran.json()).0, error(&ran.json()).1.to_owned());
        assert!(message.len() > 10, "{arguments:?}: {message}");
    }
    assert_eq!(project.json(&["events"]).ok()["events"], serde_json::json!([]), "nothing was recorded");
}

#[test]
fn help_and_version_are_for_standard_output() {
    let project = Project::empty();
    for arguments in [&["--help"][..], &["--version"], &["deploy", "--help"], &["help", "history"]] {
        let ran = project.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.stdout.contains("semantest-iac") || ran.stdout.contains("Usage"), "{}", ran.stdout);
    }
    assert_eq!(project.run(&[]).code, 2);
}

#[test]
fn a_folder_without_a_project_says_what_to_do() {
    let project = Project::empty();
    let ran = project.json(&["deploy"]);
    assert_eq!(ran.code, 2);
    let answer = ran.json();
    let (kind, message) = error(&answer);
    assert_eq!(kind, "invalid_project");
    assert!(message.contains("semantest-iac init"), "{message}");
}

#[test]
fn a_wrong_project_file_is_refused_with_file_line_and_field() {
    let project = Project::init("node");
    let cases = [
        ("handler = \"index.handler\"", "handlr = \"index.handler\"", "did you mean `handler`"),
        ("runtime = \"nodejs20.x\"", "runtime = 20", "invalid type"),
        ("code = \"rest-api\"", "code = \"nowhere\"", "does not exist"),
        ("code = \"rest-api\"", "code = \"../../etc\"", "without `..`"),
        ("GET /health", "GET health", "is not a route"),
        ("GET /health", "FETCH /health", "the method is unknown"),
        ("runtime = \"nodejs20.x\"", "runtime = \"cobol\"", "cobol"),
        ("runtime = \"nodejs20.x\"", "runtime = \"nodejs20.x\"\nmemory_mb = 1", "from 128 to 10240"),
        (
            "runtime = \"nodejs20.x\"",
            "runtime = \"nodejs20.x\"\nimage = \"x\"",
            "means nothing for a rest-api",
        ),
    ];
    let good = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    for (from, to, said) in cases {
        project.write("semantest.toml", &good.replace(from, to));
        let ran = project.json(&["deploy"]);
        assert_eq!(ran.code, 2, "{to}: {}", ran.stdout);
        let answer = ran.json();
        let (_, message) = error(&answer);
        assert!(message.contains(said), "{to}: {message}");
    }
    project.write("semantest.toml", &good.replace("handler", "handlr"));
    let context = &project.json(&["plan"]).json()["error"]["context"];
    assert!(context["file"].as_str().is_some_and(|file| file.ends_with("semantest.toml")), "{context}");
    assert_eq!(context["line"], "9", "{context}");
    project.write("semantest.toml", &good);
    assert_eq!(project.json(&["events"]).ok()["events"], serde_json::json!([]), "nothing was recorded");
}

#[test]
fn every_error_of_the_project_file_has_a_place() {
    let project = Project::init("node");
    let good = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    let components = good.find("[components").expect("a component");
    let cases = [
        (good.replace("nodejs20.x", "java21"), "components.rest-api.runtime", "8"),
        (good.replace("\"local\"", "\"locl\""), "environments.dev.provider", "4"),
        (good.replace("\"local\"", "\"azure\""), "environments.dev.region", "3"),
        (good.replace("\"local\"", "\"aws\""), "environments.dev.region", "3"),
        (good.replace("code = \"rest-api\"", "code = \"nowhere\""), "components.rest-api.code", "7"),
        (good.replace("[environments.dev]\nprovider = \"local\"\n", ""), "environments", ""),
        (good[..components].to_owned(), "components", ""),
        (good.replace("GET /health", "FETCH /health"), "components.rest-api.routes", "10"),
        (good.replace("rest-api]", "orders]"), "components.orders.kind", "6"),
    ];
    for (text, field, line) in cases {
        project.write("semantest.toml", &text);
        let ran = project.json(&["plan"]);
        let answer = ran.json();
        let context = &answer["error"]["context"];
        assert_eq!(ran.code, 2, "{answer:#}");
        assert!(context["file"].as_str().is_some_and(|file| file.ends_with("semantest.toml")), "{answer:#}");
        assert_eq!(context["field"], field, "{answer:#}");
        assert_eq!(context["line"].as_str().unwrap_or_default(), line, "{answer:#}");
        let message = error(&answer).1;
        assert!(message.contains("semantest.toml"), "{message}");
    }
}

#[test]
fn what_is_no_event_is_refused_with_its_file() {
    let project = Project::init("node");
    for text in ["", "{", "[]", "{}", r#"{"type":"DeploymentRequested","data":{"component":7}}"#] {
        project.write("event.json", text);
        let ran = project.json(&["events", "publish", "event.json"]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.stdout);
        let answer = ran.json();
        assert!(error(&answer).1.contains("event.json"), "{answer}");
    }
    assert_eq!(project.json(&["events", "publish", "missing.json"]).code, 2);
}

#[test]
fn what_is_not_deployed_is_not_found() {
    let project = Project::init("node");
    for verb in ["history", "refresh", "logs", "invoke"] {
        let ran = project.json(&[verb, "--component", "rest-api"]);
        assert_eq!(ran.code, 1, "{verb}: {}", ran.stdout);
        assert_eq!(error(&ran.json()).0, "not_found", "{verb}");
    }
    assert_eq!(project.json(&["status"]).ok()["deployments"], serde_json::json!([]));
    assert!(!project.file(".semantest/events.db").exists(), "looking changes nothing");
}

#[test]
fn settings_of_the_command_line_are_laid_over_everything() {
    let project = Project::init("node");
    let plan = project.json(&["plan", "--set", "memory_mb=512", "--set", "environment_variables.X=y"]).ok();
    let diff = plan["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .flat_map(|step| step["diff"].as_array().cloned().unwrap_or_default());
    let value = |name: &str| {
        diff.clone().find(|change| change["property"] == name).map(|change| change["after"].clone())
    };
    assert_eq!(value("memory_mb"), Some(512.into()));
    assert_eq!(value("environment_variables").expect("variables")["X"], "y");
    let refused = project.json(&["plan", "--set", "memry_mb=512"]);
    assert!(error(&refused.json()).1.contains("did you mean `memory_mb`"));
}

#[test]
fn doctor_schema_and_completions_need_no_deployment() {
    let project = Project::init("python");
    let doctor = project.json(&["doctor"]).ok();
    assert_eq!(doctor["ok"], true, "{doctor:#}");
    let schema: Value =
        serde_json::from_str(&project.run(&["schema", "FunctionDeployed"]).stdout).expect("JSON");
    assert_eq!(schema["title"], "FunctionDeployed");
    let asyncapi: Value = serde_json::from_str(&project.run(&["schema", "asyncapi"]).stdout).expect("JSON");
    assert_eq!(asyncapi["asyncapi"], "3.0.0");
    assert_eq!(project.run(&["schema", "--out", "all"]).code, 0);
    assert!(project.file("all/cli/deploy.schema.json").exists());
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(project.run(&["completions", shell]).stdout.contains("semantest-iac"), "{shell}");
    }
}

#[test]
fn of_several_components_what_was_done_is_told_beside_what_could_not_be() {
    let mut project = Project::init("node");
    // Without a container engine an image cannot be run.
    let path = program::programs(&["node", "sh", "grep"]);
    project.environment.push(("PATH", path.path().display().to_string()));
    let more = "\n[components.worker]\nkind = \"container-service\"\nimage = \"registry.example/worker:1\"\n";
    let file = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    project.write("semantest.toml", &format!("{file}{more}"));
    let ran = project.json(&["deploy"]);
    let answer = ran.json();
    assert_eq!((ran.code, &answer["error"]["kind"]), (1, &"unsupported".into()), "{answer:#}");
    assert_eq!(answer["deployments"][0]["status"], "deployed");
    let gone = project.json(&["destroy", "--yes"]).ok();
    assert_eq!(gone["status"], "removed", "one component was there: {gone:#}");
}

#[test]
fn doctor_asks_only_a_provider_that_this_build_has() {
    for project in [Project::init("python"), Project::empty()] {
        let answer = project.json(&["doctor", "--provider", "azur"]).json();
        let (_, refused) = error(&answer);
        assert!(refused.contains("did you mean `azure`"), "{refused}");
        assert_eq!(project.run(&["doctor", "--provider", "loca"]).code, 2);
        assert!(!project.file(".semantest").exists() || project.file("semantest.toml").exists());
    }
    let local = Project::init("python").json(&["doctor", "--provider", "local"]).ok();
    assert!(local["checks"].as_array().expect("checks").iter().any(|check| check["name"] == "local host"));
}
