//! What clouds do wrong, and what the program makes of it: through the real program, against a simulated Azure.

use crate::azure::{self, AzureProject, hello, worker};
use semantest_iac_testkit::arm_simulator::{Delay, Fault, Rule};
use serde_json::json;

/// The resources of a rest-api that Azure makes.
const PARTS: [&str; 7] = [
    "resourceGroups/",
    "/storageAccounts/",
    "/containers/",
    "/workspaces/",
    "/serverfarms/",
    "/sites/",
    "/config/appsettings",
];

fn inject_everywhere(azure: &AzureProject, fault: &Fault) {
    for part in PARTS {
        azure.azure.inject(Rule::new("PUT", part, fault.clone()));
    }
}

#[test]
fn a_deployment_gets_through_throttling_conflicts_and_lost_answers_of_every_service() {
    let quiet = hello("disturbed");
    quiet.ok(&["deploy"]);
    for fault in [Fault::throttled(1), Fault::busy(), Fault::AnswerLost, Fault::unavailable()] {
        let azure = hello("disturbed");
        azure.azure.operations_take(Delay::Polls(2));
        inject_everywhere(&azure, &fault);
        let answer = azure.ok(&["deploy"]);
        assert_eq!(answer["status"], "deployed", "{fault:?}: {answer:#}");
        assert_eq!(azure::differences(&azure.inventory(), &quiet.inventory()), [""; 0], "{fault:?}");
        azure.ok(&["destroy", "--yes"]);
        assert_eq!(azure.inventory(), json!({}), "{fault:?}");
    }
}

#[test]
fn what_azure_fails_to_make_fails_its_step_and_the_next_run_goes_on_from_there() {
    let azure = worker("fails");
    let why = Fault::fails("ManagedEnvironmentCapacityHeavyUsageError", "westeurope is full");
    azure.azure.inject(Rule::new("PUT", "/managedEnvironments/", why));
    let failed = azure.json(&["deploy"]);
    assert_eq!(failed.code, 1, "{}", failed.stdout);
    assert!(failed.stdout.contains("westeurope is full"), "{}", failed.stdout);
    azure.azure.take_calls();
    assert_eq!(azure.ok(&["deploy"])["status"], "deployed");
    let made = azure.changing_calls();
    assert!(!made.iter().any(|call| call.contains("workspaces")), "what was done stays done: {made:?}");
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn what_somebody_cancels_is_begun_again() {
    let azure = worker("canceled");
    azure.azure.inject(Rule::new("PUT", "/containerApps/", Fault::canceled()));
    let first = azure.json(&["deploy"]);
    if first.code != 0 {
        assert!(first.stdout.contains("canceled"), "{}", first.stdout);
        azure.ok(&["deploy"]);
    }
    assert_eq!(azure.ok(&["deploy"])["status"], "unchanged");
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn a_name_that_somebody_else_has_is_an_error_that_says_what_to_do() {
    let azure = hello("taken");
    azure.ok(&["deploy"]);
    let account =
        azure.azure.ids().into_iter().find(|id| id.contains("/storageaccounts/")).expect("an account");
    let name =
        account.split("/storageaccounts/").nth(1).and_then(|rest| rest.split('/').next()).expect("a name");
    azure.ok(&["destroy", "--yes"]);
    azure.azure.take_name(name);
    let refused = azure.json(&["deploy"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(refused.stdout.contains("already taken"), "{}", refused.stdout);
    azure.ok(&["destroy", "--yes"]);
    assert_eq!(azure.inventory(), json!({}));
}

#[test]
fn a_provider_that_is_not_registered_is_so_by_the_first_deployment() {
    let azure = worker("registers");
    for namespace in ["Microsoft.App", "Microsoft.OperationalInsights"] {
        azure.azure.unregister(namespace);
    }
    assert_eq!(azure.ok(&["deploy"])["status"], "deployed");
    let asked = azure.azure.calls().iter().filter(|call| call.path.ends_with("/register")).count();
    assert_eq!(asked, 2, "once each");
    azure.ok(&["destroy", "--yes"]);
}
