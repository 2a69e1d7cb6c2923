//! Options, names and settings are taken at their word or refused; nothing is passed over.

use crate::program::Project;
use serde_json::json;

/// Exit code and message of an error.
fn refused(project: &Project, arguments: &[&str]) -> (i32, String) {
    let ran = project.json(arguments);
    let message = ran.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    (ran.code, message)
}

fn assert_refused(project: &Project, arguments: &[&str], said: &str) {
    let (code, message) = refused(project, arguments);
    assert_eq!(code, 2, "{arguments:?}: {message}");
    assert!(message.contains(said), "{arguments:?}: {message}");
}

#[test]
fn an_option_that_a_verb_has_no_use_for_is_refused() {
    let project = Project::init("node");
    let cases: [(&[&str], &str); 7] = [
        (&["status", "--set", "memory_mb=512"], "`status` has no use for --set"),
        (&["rollback", "--set", "memory_mb=512"], "`rollback` has no use for --set"),
        (&["configure", "--set", "memory_mb=512"], "`configure` has no use for --set"),
        (
            &["events", "publish", "x", "--component", "rest-api"],
            "`events publish` has no use for --component",
        ),
        (&["doctor", "--wait", "1"], "`doctor` has no use for --wait"),
        (&["plan", "--destroy", "--set", "memory_mb=512"], "no use for --set"),
        (&["init", "here", "--project", "there"], "twice"),
    ];
    for (arguments, said) in cases {
        assert_refused(&project, arguments, said);
    }
    assert_refused(&project, &["--set", "a=b", "history"], "`history` has no use for --set");
}

#[test]
fn the_help_of_a_verb_shows_what_it_uses_its_own_options_first() {
    let project = Project::empty();
    let help = project.run(&["scale", "--help"]).stdout;
    let at = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text} in:\n{help}"));
    assert!(at("--reserved-concurrency") < at("Global options"));
    assert!(at("Global options") < at("--component"));
    assert!(!help.contains("--set"), "{help}");
    assert!(project.run(&["deploy", "--help"]).stdout.contains("--set"));
    assert!(!project.run(&["local"]).stderr.contains("  host"), "the host itself is not for people");
    assert!(project.run(&["help", "deploi"]).stderr.contains("'deploy'"));
}

#[test]
fn another_provider_than_the_deployments_changes_nothing() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    let verbs: [&[&str]; 7] = [
        &["destroy", "--yes"],
        &["rollback"],
        &["scale", "--reserved-concurrency", "1"],
        &["history"],
        &["logs"],
        &["invoke"],
        &["refresh"],
    ];
    for verb in verbs {
        assert_refused(
            &project,
            &[verb, &["--provider", "aws"]].concat(),
            "is on provider `local`, not `aws`",
        );
    }
    assert_eq!(project.json(&["status", "--provider", "local"]).ok()["deployments"][0]["version"], 1);
    let elsewhere = project.json(&["status", "--provider", "azure"]).ok();
    assert_eq!(elsewhere["deployments"].as_array().map(Vec::len), Some(0), "{elsewhere}");
    assert_refused(&project, &["deploy", "--provider", "azur"], "did you mean `azure`");
    assert_refused(&project, &["deploy", "--provider", "locl"], "did you mean `local`");
    assert_eq!(project.json(&["destroy", "--yes", "--provider", "local"]).ok()["status"], "removed");
}

#[test]
fn a_name_that_is_not_known_is_refused_with_the_nearest_one() {
    let project = Project::init("node");
    for verb in ["status", "outputs", "history", "logs", "invoke", "events", "refresh", "plan", "destroy"] {
        assert_refused(&project, &[verb, "--component", "rest-apy"], "did you mean `rest-api`");
        assert_refused(&project, &[verb, "--environment", "dew"], "did you mean `dev`");
    }
    assert_refused(&project, &["history", "--component", "a,b"], "there is no component `a`");
    let unset =
        project.command(&["status"]).env("SEMANTEST_ENVIRONMENT", "").output().expect("the program runs");
    assert!(unset.status.success());
    let warned = project.command(&["status"]).env("SEMANTEST_LOG", "=;").output().expect("the program runs");
    assert!(String::from_utf8_lossy(&warned.stderr).contains("warning: SEMANTEST_LOG"));
}

#[test]
fn a_version_that_was_never_reached_is_wrong_usage_wherever_it_is_asked_for() {
    let project = Project::init("node");
    let (code, message) = refused(&project, &["rollback"]);
    assert_eq!((code, message.contains("is not deployed")), (1, true), "{message}");
    project.json(&["deploy"]).ok();
    assert_refused(&project, &["history", "--at", "99"], "no version 99");
    assert_refused(&project, &["history", "--at", "-1"], "versions count from 1");
    assert_refused(&project, &["rollback", "--to", "99"], "no version 99");
    assert_refused(&project, &["rollback", "--to", "abc"], "a version is a number");
    assert_refused(&project, &["rollback"], "no version before 1");
}

#[test]
fn a_wrong_setting_is_named_as_it_was_written() {
    let project = Project::example("semantest");
    let set = |component: &str, setting: &str, said: &str| {
        let ran = project.json(&["plan", "--component", component, "--set", setting]);
        let error = &ran.json()["error"];
        let message = error["message"].as_str().expect("words");
        assert_eq!(ran.code, 2, "{message}");
        assert!(message.starts_with(&format!("`--set {setting}`: ")), "{message}");
        assert!(message.contains(said), "{message}");
        assert_eq!(error["context"].get("file"), None, "the project file is not to blame: {error:#}");
    };
    set("rest-api", "memory_mb=abc", "memory_mb must be a whole number from 128 to 10240");
    set("rest-api", "memory_mb=20000", "from 128 to 10240");
    set("rest-api", "memry_mb=1", "did you mean `memory_mb`");
    set("rest-api", "routes=[\"FETCH /\"]", "the method is unknown");
    set("websocket", "functions.conect.memory_mb=1", "did you mean `connect`");
    set("websocket", "functions.connect.memory_mb=1", "from 128 to 10240");
    assert_refused(
        &project,
        &["plan", "--set", &format!("{}=1", ["a"; 30_000].join("."))],
        "at most 8 parts",
    );
}

#[test]
fn a_variable_is_given_one_value() {
    let project = Project::init("node");
    assert_refused(&project, &["configure", "A=1", "A=2"], "`A` is given twice");
    assert_refused(&project, &["configure", "A=1", "--secret", "A=env:A"], "`A` is given twice");
    assert_refused(&project, &["configure", "A=1", "--unset", "A"], "both given a value and unset");
}

#[test]
fn a_schema_that_is_not_there_lists_those_that_are() {
    let project = Project::empty();
    assert_refused(&project, &["schema", "FunctionDeployd"], "did you mean `FunctionDeployed`");
    assert_refused(&project, &["schema", "--verb", "deploi"], "configure, deploy, destroy");
}

#[test]
fn events_are_those_of_the_named_streams_and_as_many_as_were_asked_for() {
    let project = Project::example("semantest");
    project.json(&["deploy", "--component", "rest-api"]).ok();
    project.json(&["deploy", "--component", "websocket"]).ok();
    let subjects = |arguments: &[&str]| {
        let events = project.json(&[&["events"], arguments].concat()).ok()["events"].clone();
        let events = events.as_array().expect("events").clone();
        events
            .into_iter()
            .map(|event| event["subject"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let rest = subjects(&["--component", "rest-api", "--limit", "3"]);
    assert_eq!(rest, ["semantest/dev/rest-api"; 3]);
    assert!(subjects(&["--component", "rest-api", "--from", "0"]).len() > 3);
    assert!(subjects(&["--environment", "staging"]).is_empty());
    let followed = project.run(&["events", "--follow", "--from", "0", "--limit", "2", "--output", "json"]);
    assert_eq!((followed.code, followed.stdout.lines().count()), (0, 2), "it ends after them");
    assert!(followed.stdout.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn what_looks_and_takes_away_works_while_the_project_file_has_an_error() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    let good = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    for wrong in ["handlr = \"x\"", "memory_mb = -5", "kind = [", "[environments.prod]"] {
        project.write("semantest.toml", &format!("{good}{wrong}\n"));
        assert_eq!(project.json(&["deploy"]).code, 2, "{wrong}");
        for verb in [&["status"][..], &["outputs"], &["history"], &["events"], &["logs"]] {
            let ran = project.json(verb);
            ran.ok();
            assert!(
                ran.stderr.contains("warning: the project file has an error"),
                "{verb:?}: {}",
                ran.stderr
            );
        }
        project.json(&["local", "stop"]).ok();
    }
    assert_eq!(project.json(&["destroy", "--yes"]).ok()["status"], "removed");
    project.write("semantest.toml", "project = 1\n");
    assert_eq!(project.json(&["status"]).code, 2, "without its name there is no project");
    project.write("semantest.toml", &good);
}

#[test]
fn what_was_is_shown_with_what_it_was_made_of() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    project.json(&["configure", "LEVEL=high"]).ok();
    project.json(&["scale", "--reserved-concurrency", "2"]).ok();
    project.json(&["deploy", "--set", "memory_mb=512"]).ok();
    let state = |at: &str| project.json(&["history", "--at", at]).ok()["state"].clone();
    let inputs = |state: &serde_json::Value, name: &str| {
        let resources = state["resources"].as_array().expect("resources").clone();
        let function = resources.into_iter().find(|one| one["address"] == "function.rest-api");
        function.expect("a function")["inputs"][name].clone()
    };
    assert_eq!(inputs(&state("1"), "memory_mb"), json!(256));
    assert_eq!(inputs(&state("4"), "memory_mb"), json!(512));
    assert_eq!(inputs(&state("1"), "environment_variables"), json!({ "GREETING": "hello" }));
    assert_eq!(state("2")["configuration"]["variables"], json!({ "LEVEL": "high" }));
    assert_eq!(state("2")["scaling"], json!({}));
    assert_eq!(state("3")["scaling"][""]["reserved_concurrency"], 2);
    let text = project.run(&["history", "--at", "3"]).stdout;
    for said in ["setting   LEVEL=high", "scaling   reserved_concurrency=2", "memory_mb: 256", "package: "] {
        assert!(text.contains(said), "{said} in:\n{text}");
    }
    assert_eq!(project.json(&["history", "--at", "2000-01-01"]).code, 1, "a day is a time");
    project.json(&["configure", "--secret", "LEVEL=env:PATH"]).ok();
    let secret = state("5");
    assert_eq!(secret["configuration"]["variables"]["LEVEL"], json!({ "secret": "env:PATH" }));
    assert_eq!(inputs(&secret, "environment_variables")["LEVEL"], json!({ "secret": "env:PATH" }));
    let plan = project.command(&["plan"]).env("PATH", "/other").output().expect("the program runs");
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.contains("~ environment_variables.LEVEL: secret(env:PATH) (value changed)"), "{plan}");
    let history = project.run(&["history"]).stdout;
    for said in ["EnvironmentConfigured      LEVEL=high", "ScalingTriggered           reserved_concurrency=2"]
    {
        assert!(history.contains(said), "{said} in:\n{history}");
    }
}

#[test]
fn a_hostile_component_name_in_an_event_is_refused_and_opens_nothing() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    // The second one notes that the host was seen to serve this: the folder of such notes is there from then on.
    project.json(&["deploy"]).ok();
    assert!(project.file(".semantest/local/confirmed/dev/rest-api").exists());
    // Opened for reading a FIFO would never return.
    let fifo = project.file("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let name = "../../../../fifo";
    let event = json!({ "type": "DeploymentRequested", "data": { "component": name } }).to_string();
    let ran = project.run_with_input(&["events", "publish", "-", "--output", "json"], &event);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.json()["error"]["message"].as_str().expect("words").contains("component"), "{}", ran.stdout);
}

#[test]
fn the_trace_context_of_the_caller_is_carried_to_every_event() {
    let project = Project::init("node");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = |value: &str, verb: &[&str]| {
        let done = project.command(verb).env("TRACEPARENT", value).output().expect("it runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    traced(trace, &["deploy"]);
    let history = project.json(&["history"]).ok();
    let events = history["events"].as_array().expect("events").clone();
    assert!(events.iter().all(|event| event["traceparent"] == trace), "{events:?}");
    traced("nonsense", &["configure", "A=1"]);
    let history = project.json(&["history"]).ok();
    let later = &history["events"].as_array().expect("events")[events.len()..];
    assert!(later.iter().all(|event| event.get("traceparent").is_none()), "{later:?}");
}

#[test]
fn what_is_deployed_and_no_longer_defined_is_told() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    project.replace("semantest.toml", "[components.rest-api]", "[components.other]\nkind = \"rest-api\"");
    for verb in ["plan", "deploy"] {
        let said = project.run(&[verb]).stderr;
        assert!(said.contains("`rest-api` is deployed and no longer defined"), "{verb}: {said}");
    }
    project.json(&["destroy", "--component", "rest-api", "--yes"]).ok();
    assert!(!project.run(&["plan"]).stderr.contains("no longer defined"));
}
