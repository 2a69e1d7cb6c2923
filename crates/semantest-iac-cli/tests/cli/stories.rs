//! What a user does, through the real program on the real local provider.

use crate::program::{self, Project, get};
use serde_json::{Value, json};

/// Checks an answer against the schema that is documented for its verb.
fn assert_documented(verb: &str, answer: &Value) {
    let schemas = semantest_iac_cli::schemas();
    let schema = &schemas[&format!("cli/{verb}.schema.json")];
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{verb}: {errors:?}\n{answer:#}");
}

fn names(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().expect("events");
    events.iter().filter_map(|event| event["type"].as_str()?.rsplit('.').next()).collect()
}

#[test]
fn a_rest_api_lives_from_its_first_deploy_to_its_end() {
    let project = Project::example("semantest");
    let rest = ["--component", "rest-api"];
    let with = |verb: &[&str]| project.json(&[verb, &rest].concat());

    let plan = with(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 3, "{}", plan.stderr);
    assert_documented("plan", &plan.json());
    assert_eq!(plan.json()["changes"]["created"], 2);

    let deployed = with(&["deploy", "--provider", "local"]).ok();
    assert_documented("deploy", &deployed);
    assert_eq!((&deployed["status"], &deployed["version"]), (&json!("deployed"), &json!(1)));
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(deployed["functions"][0]["function_name"], "semantest-dev-rest-api");
    assert_eq!(deployed["functions"][0]["endpoint"], endpoint.as_str());
    assert_eq!(get(&endpoint, "/health"), (200, r#"{"status":"ok","version":"v1"}"#.into()));

    let again = with(&["deploy"]).ok();
    assert_eq!(again["status"], "unchanged");
    assert_eq!(again["changes"]["unchanged"], 2);
    assert_eq!(with(&["plan", "--detailed-exitcode"]).code, 0);

    project.replace("rest-api/index.js", "status: \"ok\"", "status: \"better\"");
    let updated = with(&["deploy"]).ok();
    assert_eq!((&updated["changes"]["updated"], &updated["version"]), (&json!(1), &json!(2)));
    assert_eq!(updated["endpoint"], endpoint.as_str(), "the endpoint stays");
    assert!(get(&endpoint, "/health").1.contains("better"));

    let configured = with(&["configure", "API_VERSION=v2"]).ok();
    assert_documented("configure", &configured);
    assert!(get(&endpoint, "/health").1.contains("v2"));
    assert!(with(&["deploy"]).ok()["status"] == "unchanged", "settings stay over a deployment");

    let scaled = with(&["scale", "--reserved-concurrency", "1"]).ok();
    assert_documented("scale", &scaled);

    let back = with(&["rollback", "--to", "1"]).ok();
    assert_documented("rollback", &back);
    assert_eq!(get(&endpoint, "/health").1, r#"{"status":"ok","version":"v1"}"#, "code and settings");

    let invoked =
        with(&["invoke", "--data", r#"{"requestContext":{"http":{"method":"GET","path":"/health"}}}"#]);
    assert_documented("invoke", &invoked.ok());
    assert_eq!(invoked.json()["payload"]["statusCode"], 200);
    let logs = with(&["logs"]).ok();
    assert_documented("logs", &logs);
    let lines = logs["lines"].as_array().expect("lines");
    assert!(lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.starts_with("START"))));

    let status = with(&["status"]).ok();
    assert_documented("status", &status);
    assert_eq!(status["deployments"][0]["resources"].as_array().map(Vec::len), Some(2));
    assert_documented("outputs", &with(&["outputs"]).ok());
    let refreshed = with(&["refresh"]).ok();
    assert_documented("refresh", &refreshed);
    assert_eq!(refreshed["drift"], json!([]));

    let history = with(&["history"]).ok();
    assert_documented("history", &history);
    let first_run = [
        "DeploymentRequested",
        "DeploymentPlanned",
        "DeploymentStarted",
        "ResourceChangeStarted",
        "ResourceCreated",
        "ResourceChangeStarted",
        "ResourceCreated",
    ];
    assert_eq!(names(&history)[..7], first_run);
    let then = with(&["history", "--at", "2"]).ok();
    assert_eq!(then["state"]["version"], 2);
    let time = history["events"][0]["time"].as_str().expect("a time");
    assert_eq!(with(&["history", "--at", time]).ok()["state"]["status"], "requested");

    let refused = with(&["destroy"]);
    assert_eq!(refused.code, 2, "without a terminal and without --yes");
    let gone = with(&["destroy", "--yes"]).ok();
    assert_documented("destroy", &gone);
    assert_eq!((&gone["status"], &gone["changes"]["deleted"]), (&json!("removed"), &json!(2)));
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], false, "the host has ended by itself");
    assert_eq!(with(&["destroy", "--yes"]).ok()["status"], "unchanged");
    assert_eq!(with(&["deploy"]).ok()["status"], "deployed", "and back again");
}

#[test]
fn several_python_functions_share_an_api() {
    let project = Project::example("hello-python");
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    assert_eq!(get(endpoint, "/hello/Ada%20L"), (200, r#"{"message": "hello, Ada L"}"#.into()));
    assert_eq!(get(endpoint, "/health").0, 200);
    assert_eq!(get(endpoint, "/nothing"), (404, r#"{"message":"Not Found"}"#.into()));
    let invoked = project.json(&["invoke"]);
    assert_eq!(invoked.code, 2, "which of the two?");
    assert!(invoked.json()["error"]["message"].as_str().expect("words").contains("greet, health"));
    let failed = project.json(&["invoke", "--function", "greet"]);
    assert_eq!(failed.code, 1, "a function that fails is a failure");
    assert_eq!(failed.json()["error_type"], "KeyError");
}

#[test]
fn init_makes_projects_that_deploy_at_once() {
    for language in ["node", "python"] {
        let project = Project::init(language);
        let answer = project.json(&["deploy"]).ok();
        let endpoint = answer["endpoint"].as_str().expect("an endpoint");
        assert_eq!(get(endpoint, "/health").0, 200);
        let (_, greeting) = get(endpoint, "/world");
        assert!(greeting.contains("hello from /world"), "{language}: {greeting}");
        let again = project.json(&["init", "."]);
        assert_eq!(again.code, 2, "nothing is overwritten");
    }
}

#[test]
fn a_stopped_or_killed_host_comes_back_with_everything_it_ran() {
    let project = Project::init("node");
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], true);
    assert!(std::net::TcpStream::connect(endpoint.trim_start_matches("http://")).is_err(), "it is gone");
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    assert_eq!(get(&endpoint, "/health").0, 200, "at the same endpoint");

    let about = std::fs::read_to_string(project.file(".semantest/local/host.json")).expect("host.json");
    let about: Value = serde_json::from_str(&about).expect("JSON");
    let killed = std::process::Command::new("kill").args(["-9", &about["pid"].to_string()]).status();
    assert!(killed.expect("kill").success());
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    assert_eq!(get(&endpoint, "/health").0, 200, "also after kill -9");
}

#[test]
fn drift_is_found_and_brought_back() {
    let project = Project::init("node");
    project.json(&["deploy"]).ok();
    project.json(&["local", "stop"]).ok();
    let function = project.file(".semantest/local/functions/shop-dev-rest-api.json");
    let text = std::fs::read_to_string(&function).expect("a definition");
    std::fs::write(&function, text.replace("\"memory_mb\": 256", "\"memory_mb\": 512")).expect("by hand");
    let refreshed = project.json(&["refresh"]).ok();
    assert_eq!(refreshed["drift"][0]["address"], "function.rest-api");
    assert_eq!(refreshed["drift"][0]["diff"][0]["property"], "memory_mb");
    assert_eq!(project.json(&["refresh", "--detailed-exitcode"]).code, 3);
    let plan = project.json(&["plan"]).ok();
    assert_eq!(plan["changes"]["updated"], 1, "{plan:#}");
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
    assert_eq!(project.json(&["refresh", "--detailed-exitcode"]).ok()["drift"], json!([]));
}

#[test]
fn status_says_whether_the_local_host_runs_and_starts_nothing() {
    let project = Project::init("node");
    assert_eq!(project.json(&["status"]).ok()["local_host"], Value::Null, "nothing is deployed here");
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["status"]).ok()["local_host"], "running");
    project.json(&["local", "stop"]).ok();
    for _ in 0..2 {
        assert!(project.run(&["status"]).stdout.contains("host: stopped; deploy starts it"));
        assert!(project.run(&["doctor"]).stdout.contains("stopped; deploy starts it"));
    }
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], false);
}

#[test]
fn destroy_with_nothing_deployed_asks_nobody() {
    let project = Project::init("node");
    let ran = project.run(&["destroy"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "nothing is deployed in dev\n"));
    let ran = project.run(&["destroy", "--component", "rest-api"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("nothing is deployed"), "{}", ran.stderr);
    assert!(
        !project.json(&["events"]).ok()["events"].as_array().expect("events").iter().any(|event| {
            event["type"].as_str().is_some_and(|name| name.ends_with("InfrastructureRemoved"))
        })
    );
}

#[test]
fn events_come_in_and_go_out() {
    let project = Project::init("node");
    let short = r#"{"type": "DeploymentRequested", "data": {"component": "rest-api", "provider": "local"}}"#;
    let published = project.run_with_input(&["events", "publish", "-", "--output", "json"], short).ok();
    assert_documented("publish", &published);
    assert_eq!(published["result"]["status"], "deployed");

    let foreign = json!({
        "specversion": "1.0", "id": "needed-1", "source": "/shop", "type": "org.shop.ServiceDeploymentNeeded",
        "time": "2026-11-24T09:00:00Z",
        "data": { "service_type": "rest-api", "environment": "dev", "service_config": { "memory_mb": 512 } }
    });
    project.write("needed.json", &foreign.to_string());
    let published = project.json(&["events", "publish", "needed.json"]).ok();
    assert_eq!(published["result"]["changes"]["updated"], 1);
    let again = project.json(&["events", "publish", "needed.json"]).ok();
    assert_eq!(again["result"]["status"], "unchanged", "an event that is delivered twice is one request");

    let events = project.json(&["events", "--from", "0"]).ok();
    assert_documented("events", &events);
    assert!(names(&events).contains(&"ServiceDeploymentNeeded"));
    let caused = events["events"].as_array().expect("events").iter().find(|e| e["causationid"] == "needed-1");
    assert_eq!(caused.expect("a request")["correlationid"], "needed-1");
    let lines = project.run(&["events", "--from", "0", "--jsonl"]);
    assert!(lines.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));

    let fact = json!({
        "specversion": "1.0", "id": "x", "source": "/x", "type": "com.semantest.iac.InfrastructureRemoved",
        "time": "2026-11-24T09:00:00Z",
        "data": { "component": "a", "environment": "dev", "provider": "local",
                  "changes": { "created": 0, "updated": 0, "replaced": 0, "deleted": 0, "unchanged": 0 } }
    });
    project.write("fact.json", &fact.to_string());
    assert_eq!(project.json(&["events", "publish", "fact.json"]).code, 2, "facts are ours to publish");
}

#[test]
fn a_secret_is_in_the_function_and_nowhere_else() {
    const CANARY: &str = "canary-7f3a9b51c2";
    let project = Project::init("node");
    project.replace(
        "semantest.toml",
        "GREETING = \"hello\"",
        "GREETING = { secret = \"env:GREETING_SECRET\" }",
    );
    let missing = project.json(&["deploy"]);
    assert_eq!(missing.json()["error"]["kind"], "secret_unresolved");
    assert!(missing.json()["error"]["message"].as_str().expect("words").contains("GREETING_SECRET"));
    assert_eq!(project.json(&["plan"]).code, 0, "a plan needs no secrets");

    let mut said = String::new();
    let mut run = |arguments: &[&str], value: &str| {
        let mut command = project.command(arguments);
        let output = command.env("GREETING_SECRET", value).output().expect("the program runs");
        let text = String::from_utf8_lossy(&[output.stdout.clone(), output.stderr].concat()).into_owned();
        said.push_str(&text);
        assert!(output.status.success(), "{text}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    let deployed = run(&["deploy", "--output", "json", "--verbose"], CANARY);
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint").to_owned();
    assert!(get(&endpoint, "/x").1.contains(CANARY), "the function has it");
    assert_eq!(run(&["deploy", "--output", "json"], CANARY)["status"], "unchanged");
    let changed = run(&["deploy", "--output", "json"], &format!("{CANARY}-2"));
    assert_eq!(changed["changes"]["updated"], 1, "another value is a change");
    for verb in [&["history"][..], &["events"], &["status"], &["plan"], &["outputs"]] {
        run(&[verb, &["--output", "json"]].concat(), CANARY);
    }
    assert!(!said.contains(CANARY), "nothing that was printed holds it");
    for file in program::files(project.path()) {
        let bytes = std::fs::read(&file).expect("a file");
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds it", file.display());
    }
}
