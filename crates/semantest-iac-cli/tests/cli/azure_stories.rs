//! Components on Azure, from their first deploy to their end: through the real program, against a simulated Azure.

use crate::azure::{AzureProject, SECRET, changes, hello, semantest, worker};
use semantest_iac_testkit::arm_simulator::{Delay, SUBSCRIPTION};
use serde_json::{Value, json};

/// From the first deploy to the end and back again.
fn lives(azure: &AzureProject, name: &str) -> Value {
    let answer = azure.ok(&["deploy"]);
    assert_eq!((&answer["status"], &answer["provider"]), (&json!("deployed"), &json!("azure")));
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    assert!(endpoint.contains("://"), "{endpoint}");
    let held = azure.inventory();

    azure.azure.take_calls();
    assert_eq!(azure.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(azure.azure.calls(), [], "nothing changed, nothing asked");
    assert_eq!(azure.json(&["plan", "--detailed-exitcode"]).code, 0);
    let drift = azure.ok(&["refresh"]);
    assert_eq!(drift["drift"], json!([]), "what was put is what is found: {drift:#}");

    assert_eq!(azure.ok(&["destroy", "--yes"])["status"], "removed");
    assert_eq!(azure.inventory(), json!({}), "nothing is left");
    assert_eq!(azure.ok(&["destroy", "--yes"])["status"], "unchanged");
    assert_eq!(azure.ok(&["deploy"])["status"], "deployed", "and back again");
    assert_eq!(azure.inventory(), held, "as it was");
    azure.ok(&["destroy", "--yes"]);
    azure.keep_calls(name);
    answer
}

#[test]
fn a_rest_api_lives_on_azure_from_its_first_deploy_to_its_end() {
    let azure = semantest("rest-api");
    let answer = lives(&azure, "rest-api");
    let function = &answer["functions"][0];
    let id = function["arn"].as_str().expect("an id");
    assert!(id.starts_with(&format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/")), "{id}");
    assert!(id.contains("/providers/Microsoft.Web/sites/"), "{id}");
    assert!(function["endpoint"].as_str().expect("an endpoint").starts_with("https://"));
}

#[test]
fn a_websocket_api_lives_on_azure_from_its_first_deploy_to_its_end() {
    let azure = semantest("websocket");
    let answer = lives(&azure, "websocket");
    assert_eq!(answer["functions"].as_array().map(Vec::len), Some(3), "{answer:#}");
    assert!(answer["endpoint"].as_str().expect("an endpoint").starts_with("wss://"), "{answer:#}");
}

#[test]
fn a_container_service_lives_on_azure_from_its_first_deploy_to_its_end() {
    lives(&worker("worker-story"), "container-service");
}

/// The package that the app runs, without its signature.
fn package(azure: &AzureProject) -> String {
    let site = azure.azure.ids().into_iter().find(|id| id.contains("/sites/")).expect("an app");
    let settings = azure.azure.document(&format!("{site}/config/appsettings")).expect("settings");
    let address = settings["properties"]["WEBSITE_RUN_FROM_PACKAGE"].as_str().expect("an address");
    address.split('?').next().unwrap_or_default().to_owned()
}

#[test]
fn a_change_touches_only_what_it_is_about_and_a_rollback_brings_it_back() {
    let azure = hello("changes");
    azure.ok(&["deploy"]);
    let (first, code) = (azure.inventory(), package(&azure));
    azure.project.replace("hello/app.py", "one", "two");
    let answer = azure.ok(&["deploy"]);
    assert_eq!(answer["status"], "deployed", "{answer:#}");
    assert_eq!(changes(&answer)[0], 0, "nothing is made anew but the package: {answer:#}");
    assert_ne!(package(&azure), code, "the app runs the new code");
    azure.ok(&["rollback"]);
    assert_eq!(azure.inventory(), first);
    assert_eq!(package(&azure), code, "the code came back, too");
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
    azure.keep_calls("changes");
}

#[test]
fn secrets_reach_the_app_and_nobody_else() {
    let azure = hello("secrets");
    let ran = azure.json(&["deploy", "--verbose"]);
    ran.ok();
    let site = azure.azure.ids().into_iter().find(|id| id.contains("/sites/")).expect("an app");
    let settings = azure.azure.document(&format!("{site}/config/appsettings")).expect("settings");
    assert_eq!(settings["properties"]["DB_PASSWORD"], SECRET, "{settings:#}");
    let key = semantest_iac_testkit::arm_simulator::STORAGE_KEY;
    let told = [
        ran.stdout,
        ran.stderr,
        azure.json(&["history"]).stdout,
        azure.json(&["outputs"]).stdout,
        azure.json(&["plan"]).stdout,
        azure.json(&["events"]).stdout,
    ];
    for text in &told {
        for secret in [SECRET, key, semantest_iac_testkit::arm_simulator::TOKEN, "sig="] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    for entry in std::fs::read_dir(azure.project.file(".semantest")).expect("the log") {
        let file = entry.expect("an entry").path();
        let bytes = if file.is_file() { std::fs::read(&file).expect("it is read") } else { Vec::new() };
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SECRET) && !text.contains(key), "{}", file.display());
    }
}

#[test]
fn what_was_changed_by_others_is_found_and_put_right() {
    let azure = hello("drift");
    azure.ok(&["deploy"]);
    let held = azure.inventory();
    let ids = azure.azure.ids();
    let account = ids.iter().find(|id| id.contains("/storageaccounts/")).expect("an account").clone();
    azure.azure.tamper(&account, |found| found["properties"]["minimumTlsVersion"] = "TLS1_0".into());
    let drift = azure.ok(&["refresh"]);
    assert_eq!(drift["drift"].as_array().map(Vec::len), Some(1), "{drift:#}");
    azure.ok(&["deploy"]);
    assert_eq!(azure.inventory(), held);
    azure.azure.remove(&account);
    azure.ok(&["refresh"]);
    azure.ok(&["deploy"]);
    assert_eq!(azure.inventory(), held, "made again");
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn a_machine_that_has_lost_its_log_takes_its_deployment_over_again() {
    let azure = hello("lost-log");
    azure.ok(&["deploy"]);
    let held = azure.inventory();
    std::fs::remove_dir_all(azure.project.file(".semantest")).expect("what this machine remembers");
    let orphans = azure.ok(&["discover", "--provider", "azure"]);
    assert!(!orphans["orphans"].as_array().expect("orphans").is_empty(), "{orphans:#}");
    assert_eq!(azure.ok(&["deploy"])["status"], "deployed");
    assert_eq!(azure.inventory(), held, "one of each");
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn orphans_are_taken_away_when_asked() {
    let azure = hello("orphans");
    azure.ok(&["deploy"]);
    std::fs::remove_dir_all(azure.project.file(".semantest")).expect("what this machine remembers");
    azure.ok(&["destroy", "--orphans", "--yes", "--provider", "azure"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn independent_operations_run_at_once() {
    let azure = hello("at-once");
    azure.azure.operations_take(Delay::Polls(3));
    azure.ok(&["deploy"]);
    let calls = azure.azure.calls();
    let at = |part: &str, method: &str| {
        let found = calls.iter().position(|call| call.method == method && call.path.contains(part));
        found.unwrap_or_else(|| panic!("no {method} of {part}"))
    };
    // The plan and the storage account need nothing of each other: both are begun before either is done.
    let (plan, storage) = (at("/serverfarms/", "PUT"), at("/storageAccounts/", "PUT"));
    let polls: Vec<usize> =
        calls.iter().enumerate().filter(|(_, call)| call.is_poll()).map(|(at, _)| at).collect();
    let between = polls.iter().filter(|at| (plan.min(storage)..plan.max(storage)).contains(at)).count();
    assert!(between < 3, "one was done before the other was begun: {plan} {storage} {polls:?}");
    assert!(polls.iter().filter(|at| **at > plan.max(storage)).count() >= 2, "{polls:?}");
    azure.ok(&["destroy", "--yes"]);
}

#[test]
fn doctor_tells_cloud_identity_subscription_and_what_is_missing() {
    let azure = hello("doctor");
    azure.azure.unregister("Microsoft.App");
    let answer = azure.ok(&["doctor", "--provider", "azure"]);
    let text = answer.to_string();
    for word in
        ["azure cloud", "azure endpoint", "azure identity", SUBSCRIPTION, "Microsoft.App", "may do what"]
    {
        assert!(text.contains(word), "{word}: {answer:#}");
    }
}
