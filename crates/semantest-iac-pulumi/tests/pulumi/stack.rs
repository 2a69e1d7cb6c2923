//! The other direction: a component of kind `pulumi-stack`, driven by the real `pulumi`. The program in the stack deploys with our
//! own plugin, in a project of its own.

use crate::real::{self, get};
use crate::stacked::{CANARY, Stacked, removal, request};
use semantest_iac::answer::RunStatus;
use semantest_iac::domain::deployment::plan::StepAction;
use semantest_iac::events::Event;
use semantest_iac::events::resource_change::ChangeStage;
use semantest_iac::{CancellationToken, ErrorKind};

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_stack_is_deployed_and_its_engines_events_and_outputs_become_ours() {
    let stacked = Stacked::new();
    let answer = stacked.deployed().await;
    assert_eq!((answer.status, answer.changes.created), (RunStatus::Deployed, 1), "{answer:?}");
    assert_eq!(get(&answer.endpoint.expect("the stack's output `endpoint`")), "hello");
    let events = stacked.history().await;
    let stages: Vec<ChangeStage> = events
        .iter()
        .filter_map(|event| match &event.data {
            Event::NestedResourceChanged(nested) => {
                assert_eq!(nested.change.nested_kind, "semantest:index:Deployment");
                assert_eq!(
                    (nested.change.nested_name.as_str(), nested.change.action),
                    ("api", StepAction::Create)
                );
                Some(nested.change.stage)
            }
            _ => None,
        })
        .collect();
    assert_eq!(stages, [ChangeStage::Started, ChangeStage::Done]);
    let names: Vec<&str> = events.iter().map(|event| event.name()).collect();
    let at = |name: &str| {
        names.iter().position(|one| *one == name).unwrap_or_else(|| panic!("{name} in {names:?}"))
    };
    assert!(at("ResourceChangeStarted") < at("NestedResourceChanged"), "{names:?}");
    assert!(at("NestedResourceChanged") < at("ResourceCreated"), "{names:?}");
    let deployed = events.iter().find_map(|event| match &event.data {
        Event::StackDeployed(deployed) => Some(deployed.clone()),
        _ => None,
    });
    let deployed = deployed.expect("what applications listen for");
    assert_eq!(deployed.stack_name, "production");
    assert_eq!(deployed.outputs["greeting"], "hello");
    assert_eq!(deployed.outputs["token"], "[secret]");
    assert!(!stacked.file("infra/Pulumi.production.yaml").exists(), "the program's folder stays as it is");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_stack_that_is_as_it_should_be_is_unchanged_and_a_changed_one_is_updated() {
    let stacked = Stacked::new();
    let endpoint = stacked.deployed().await.endpoint.expect("an endpoint");
    let again = stacked.deployed().await;
    assert_eq!(again.status, RunStatus::Unchanged, "{again:?}");
    stacked.replace("semantest.toml", r#""greeting" = "hello""#, r#""greeting" = "hi""#);
    let plan = stacked.iac().await.plan(request()).await.expect("a plan");
    let shown: Vec<String> = plan.steps[0].diff.iter().map(|change| change.property.clone()).collect();
    assert!(shown.contains(&"config.greeting".to_owned()), "{shown:?}");
    let inside = |property: &String| property.starts_with("resources.semantest:index:Deployment::api");
    assert!(shown.iter().any(inside), "what `pulumi preview` tells is in the plan: {shown:?}");
    assert_eq!(get(&endpoint), "hello", "a plan changes nothing");
    let changed = stacked.deployed().await;
    assert_eq!((changed.status, changed.changes.updated), (RunStatus::Deployed, 1), "{changed:?}");
    assert_eq!(get(&endpoint), "hi");
    stacked.replace("infra/Pulumi.yaml", "greeting: ${greeting}", "greeting: ${greeting}\n  more: added");
    assert_eq!(stacked.deployed().await.status, RunStatus::Deployed);
    assert_eq!(stacked.outputs().await["more"], "added");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_program_that_fails_fails_the_run_with_pulumis_own_words_and_the_next_run_goes_on() {
    let stacked = Stacked::new();
    stacked.replace("infra/Pulumi.yaml", "component: rest-api", "component: rest-apj");
    let failed = stacked.deploy().await;
    assert_eq!(failed.status, RunStatus::Failed, "{failed:?}");
    let events = stacked.history().await;
    let why = events.iter().find_map(|event| match &event.data {
        Event::InfrastructureUpdateFailed(failed) => Some(failed.error.message.clone()),
        _ => None,
    });
    let why = why.expect("a failure");
    assert!(why.contains("pulumi up") && why.contains("rest-apj"), "{why}");
    stacked.replace("infra/Pulumi.yaml", "component: rest-apj", "component: rest-api");
    assert_eq!(get(&stacked.deployed().await.endpoint.expect("an endpoint")), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_secret_reaches_the_program_and_stands_in_no_file_of_ours_nor_in_pulumis_state() {
    let stacked = Stacked::new();
    stacked.deployed().await;
    assert_eq!(stacked.program_says("token"), CANARY, "the program has it");
    stacked.iac().await.refresh("production", "network").await.expect("refreshed");
    for folder in [".semantest", "backend", "infra/.semantest"] {
        for file in real::files(&stacked.file(folder)) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
            assert!(!text.contains(CANARY), "{} holds it", file.display());
        }
    }
    stacked.write("canary.txt", "another-1f8c");
    let changed = stacked.deployed().await;
    assert_eq!(changed.changes.updated, 1, "another value is a change: {changed:?}");
    assert_eq!(stacked.program_says("token"), "another-1f8c");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn destroy_takes_what_is_in_the_stack_away_and_may_be_asked_again() {
    let stacked = Stacked::new();
    let endpoint = stacked.deployed().await.endpoint.expect("an endpoint");
    let iac = stacked.iac().await;
    let gone = iac.destroy(removal(), &CancellationToken::new()).await.expect("a run");
    assert_eq!(gone.status, RunStatus::Removed, "{gone:?}");
    assert!(std::net::TcpStream::connect(endpoint.trim_start_matches("http://")).is_err(), "nobody answers");
    assert!(stacked.resources().is_empty(), "the stack is empty");
    iac.destroy(removal(), &CancellationToken::new()).await.expect("a run");
    assert_eq!(get(&stacked.deployed().await.endpoint.expect("an endpoint")), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_was_changed_behind_pulumis_back_is_drift_that_the_next_deploy_mends() {
    let stacked = Stacked::new();
    stacked.deployed().await;
    let iac = stacked.iac().await;
    let seen = iac.refresh("production", "network").await.expect("refreshed");
    assert!(seen.drift.is_empty(), "{seen:?}");
    stacked.lose_the_function();
    let seen = iac.refresh("production", "network").await.expect("refreshed");
    let told = seen.drift[0].diff.iter().any(|change| {
        change.property == "outputs.drifted"
            && change.after.as_ref().is_some_and(|after| after.to_string().contains("Deployment::api"))
    });
    assert!(told, "{seen:?}");
    let mended = stacked.deployed().await;
    assert_eq!(get(&mended.endpoint.expect("an endpoint")), "hello");
    assert!(iac.refresh("production", "network").await.expect("refreshed").drift.is_empty());
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_stack_of_another_deployment_is_refused_and_left_as_it_is() {
    let stacked = Stacked::new();
    let endpoint = stacked.deployed().await.endpoint.expect("an endpoint");
    let twin = stacked.text("semantest.toml").replace("[components.network", "[components.twin");
    let components = twin.find("[components.twin").map(|at| twin[at..].to_owned()).expect("a component");
    stacked.write("semantest.toml", &format!("{}\n{components}", stacked.text("semantest.toml")));
    let asked = semantest_iac::events::request::DeploymentRequested { component: "twin".into(), ..request() };
    let refused = stacked.iac().await.deploy(asked, &CancellationToken::new()).await.expect("a run");
    let error = refused.error.expect("refused");
    assert!(error.message.contains("shop/production/network"), "{error:?}");
    assert_eq!(get(&endpoint), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_version_of_another_program_is_not_gone_back_to() {
    let stacked = Stacked::new();
    stacked.deployed().await;
    let before = stacked.text("infra/Pulumi.yaml");
    stacked.replace("infra/Pulumi.yaml", "greeting: ${greeting}", "greeting: ${greeting}\n  more: added");
    stacked.deployed().await;
    let rollback = semantest_iac::events::request::RollbackRequested {
        component: "network".into(),
        environment: "production".into(),
        version: Some(1),
    };
    let iac = stacked.iac().await;
    let refused =
        iac.rollback(rollback.clone(), &CancellationToken::new()).await.expect_err("another program");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused:?}");
    assert!(refused.message().contains("`infra`"), "{refused}");
    stacked.write("infra/Pulumi.yaml", &before);
    iac.rollback(rollback, &CancellationToken::new()).await.expect("the program of then");
    assert!(stacked.outputs().await.get("more").is_none());
}
