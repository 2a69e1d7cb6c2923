//! What others did, by hand or by the command line: refresh and import, with the real `pulumi`.

use std::process::Command;

use crate::real::{self, Stack, get};
use semantest_iac::CancellationToken;
use semantest_iac::domain::environment::SettingValue;
use semantest_iac::events::request::{
    DeploymentRequested, EnvironmentConfigurationRequested, RemovalRequested,
};

/// Takes the function away behind everybody's back.
fn lose_the_function(stack: &Stack) {
    let host = stack.host().expect("a host");
    assert!(Command::new("kill").arg(host).status().expect("kill").success());
    let functions = real::files(&stack.file(".semantest/local/functions"));
    assert!(!functions.is_empty());
    functions.into_iter().for_each(|file| std::fs::remove_file(file).expect("a definition"));
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn drift_made_by_hand_is_seen_by_refresh_and_mended_by_up() {
    let stack = Stack::new();
    stack.up().ok();
    stack.run("refresh").ok().saying("2 unchanged");
    lose_the_function(&stack);
    stack.run("refresh").ok().saying("1 updated");
    assert!(stack.history("rest-api").await.contains(&"DriftDetected".to_owned()));
    stack.up().ok().saying("1 updated");
    assert_eq!(get(&stack.output("endpoint")), "hello");
    stack.up().ok().saying("2 unchanged");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn drift_is_mended_by_up_alone() {
    let stack = Stack::new();
    stack.up().ok();
    lose_the_function(&stack);
    stack.up().ok();
    assert_eq!(get(&stack.output("endpoint")), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_the_command_line_did_is_seen_by_refresh() {
    let stack = Stack::new();
    stack.up().ok();
    let version = stack.deployments()[0]["outputs"]["version"].clone();
    let request = EnvironmentConfigurationRequested {
        component: "rest-api".into(),
        environment: "production".into(),
        variables: [("GREETING".to_owned(), SettingValue::Plain("by hand".into()))].into(),
        unset: Vec::new(),
        tags: [].into(),
    };
    stack.iac().await.configure(request, &CancellationToken::new()).await.expect("configured");
    assert_eq!(get(&stack.output("endpoint")), "by hand");
    stack.run("refresh").ok();
    assert_ne!(stack.deployments()[0]["outputs"]["version"], version);
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_the_command_line_removed_is_gone_after_refresh_and_made_again_by_up() {
    let stack = Stack::new();
    stack.up().ok();
    let request = RemovalRequested { component: "rest-api".into(), environment: "production".into() };
    stack.iac().await.destroy(request, &CancellationToken::new()).await.expect("removed");
    stack.run("refresh").ok().saying("1 deleted");
    assert!(stack.deployments().is_empty());
    stack.up().ok().saying("1 created");
    assert_eq!(get(&stack.output("endpoint")), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_the_command_line_deployed_is_imported_and_then_unchanged() {
    let stack = Stack::new();
    let request = DeploymentRequested {
        component: "rest-api".into(),
        environment: "production".into(),
        ..DeploymentRequested::default()
    };
    stack.iac().await.deploy(request, &CancellationToken::new()).await.expect("deployed");
    stack.pulumi(&["config", "set", "semantest:component", "rest-api", "-s", "production"]).ok();
    let import =
        ["import", "semantest:index:Deployment", "component", "shop/production/rest-api", "-s", "production"];
    let unasked =
        ["--yes", "--non-interactive", "--skip-preview", "--generate-code=false", "--protect=false"];
    stack.pulumi(&[&import[..], &unasked].concat()).ok();
    let before = stack.history("rest-api").await;
    stack.up().ok();
    assert_eq!(stack.history("rest-api").await, before, "what is there is taken over as it is");
    assert_eq!(get(&stack.output("endpoint")), "hello");
    assert_eq!(stack.deployments().len(), 1);
}
