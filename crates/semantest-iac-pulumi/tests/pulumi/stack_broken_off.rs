//! A stack whose run is broken off: Ctrl-C, a `pulumi` that is killed, and a process of ours that is; with the real `pulumi`.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::real::{self, get};
use crate::stacked::{Stacked, request};
use semantest_iac::answer::RunStatus;
use semantest_iac::events::Event;
use semantest_iac::{CancellationToken, ErrorKind, Iac};

/// How long anything that is waited for may take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the process that is to be killed.
const FOLDER: &str = "SEMANTEST_TEST_FOLDER";

/// As many deployments as it takes to be in the middle of them for a while.
fn in_a_row(stacked: &Stacked) {
    let mut resources = String::new();
    let mut inner = stacked.text("infra/semantest.toml");
    for number in 1..=4 {
        inner.push_str(&format!(
            "\n[components.api-{number}]\nkind = \"rest-api\"\ncode = \"code\"\nruntime = \"python3.12\"\nhandler = \
             \"hello.handler\"\n"
        ));
        let before = if number == 1 { "api".to_owned() } else { format!("api-{}", number - 1) };
        resources.push_str(&format!(
            "  api-{number}: {{ type: semantest:Deployment, properties: {{ component: api-{number} }}, options: {{ \
             dependsOn: [ \"${{{before}}}\" ] }} }}\n"
        ));
    }
    stacked.write("infra/semantest.toml", &inner);
    stacked.replace("infra/Pulumi.yaml", "outputs:\n", &format!("{resources}outputs:\n"));
}

/// Waits until something in the stack is being changed.
async fn in_the_middle(stacked: &Stacked) {
    let iac = stacked.iac().await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let events = iac.history("production", "network").await.unwrap_or_default();
        if events.iter().any(|event| matches!(event.data, Event::NestedResourceChanged(_))) {
            return;
        }
        assert!(Instant::now() < deadline, "it never began");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The `pulumi` that is at work on the stack.
fn at_work(stacked: &Stacked) -> Option<String> {
    let noted = std::fs::read_to_string(stacked.file(".semantest/pulumi/production/network/at-work")).ok()?;
    Some(noted.trim().to_owned()).filter(|process| !process.is_empty())
}

fn kill(name: &str, target: &str) {
    let _ = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status();
}

/// Starts a process that runs the deployment: this program once more, with the test `name`, which then does only that.
fn start(stacked: &Stacked, name: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", name, "--ignored"]).env(FOLDER, stacked.path());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process")
}

/// What the other process does until it is killed.
async fn run_to_be_killed(folder: &OsStr) {
    let iac = Iac::builder(folder).open().await.expect("the project");
    drop(iac.deploy(request(), &CancellationToken::new()).await);
}

/// All five functions are there, once each, and Pulumi's state is at peace.
async fn is_whole(stacked: &Stacked) {
    let answer = stacked.deployed().await;
    assert_eq!(get(&answer.endpoint.expect("an endpoint")), "hello");
    let deployments: Vec<_> =
        stacked.resources().into_iter().filter(|one| one["type"] == "semantest:index:Deployment").collect();
    assert_eq!(deployments.len(), 5, "{deployments:#?}");
    assert_eq!(stacked.deployed().await.status, RunStatus::Unchanged);
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn an_interrupted_stack_ends_in_order_and_the_next_run_goes_on() {
    let stacked = Stacked::new();
    in_a_row(&stacked);
    let (iac, cancel) = (stacked.iac().await, CancellationToken::new());
    let told = cancel.clone();
    let run = tokio::spawn(async move { iac.deploy(request(), &told).await });
    in_the_middle(&stacked).await;
    cancel.cancel();
    let answer = run.await.expect("no panic").expect("a run");
    if let Some(error) = answer.error {
        let kinds = [ErrorKind::Cancelled, ErrorKind::DeploymentFailed];
        assert!(kinds.contains(&error.kind), "{error:?}");
        assert!(error.message.contains("interrupted") || error.message.contains("cancel"), "{error:?}");
    }
    assert!(at_work(&stacked).is_none(), "nothing is under way");
    let state = stacked.pulumi(&["stack", "export", "--stack", "production"]);
    let state: serde_json::Value = serde_json::from_slice(&state.stdout).expect("a state");
    assert!(state["deployment"]["pending_operations"].as_array().is_none_or(Vec::is_empty), "{state:#}");
    is_whole(&stacked).await;
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn the_lock_of_a_pulumi_that_was_killed_is_taken_away_and_the_next_run_goes_on() {
    let stacked = Stacked::new();
    in_a_row(&stacked);
    let iac = stacked.iac().await;
    let run = tokio::spawn(async move { iac.deploy(request(), &CancellationToken::new()).await });
    in_the_middle(&stacked).await;
    let process = at_work(&stacked).expect("a pulumi");
    kill("-KILL", &process);
    let failed = run.await.expect("no panic").expect("a run");
    assert_eq!(failed.status, RunStatus::Failed, "{failed:?}");
    let locks = real::files(&stacked.file("backend/.pulumi/locks"));
    assert!(!locks.is_empty(), "it left its lock behind: this test is of something");
    is_whole(&stacked).await;
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_pulumi_that_outlives_a_killed_run_is_waited_for_and_nothing_is_made_twice() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return run_to_be_killed(&folder).await;
    }
    let stacked = Stacked::new();
    in_a_row(&stacked);
    let mut child =
        start(&stacked, "a_pulumi_that_outlives_a_killed_run_is_waited_for_and_nothing_is_made_twice");
    in_the_middle(&stacked).await;
    let process = at_work(&stacked).expect("a pulumi");
    kill("-KILL", &child.id().to_string());
    child.wait().expect("its end");
    is_whole(&stacked).await;
    let ended = stacked.pulumi(&["stack", "history", "--json", "--stack", "production"]);
    let ended: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("a history");
    let results: Vec<_> = ended.as_array().expect("runs").iter().map(|run| run["result"].clone()).collect();
    assert_eq!(
        results,
        ["succeeded", "succeeded"],
        "one came to its end alone, and the next found all there"
    );
    assert!(!std::path::Path::new("/proc").join(&process).exists(), "and was waited for");
    let events = stacked.history().await;
    let created = events.iter().filter(|event| matches!(event.data, Event::ResourceCreated(_))).count();
    assert_eq!(created, 1, "one stack");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn both_at_once_killed_are_taken_up_by_the_next_run() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return run_to_be_killed(&folder).await;
    }
    let stacked = Stacked::new();
    in_a_row(&stacked);
    let mut child = start(&stacked, "both_at_once_killed_are_taken_up_by_the_next_run");
    in_the_middle(&stacked).await;
    let process = at_work(&stacked).expect("a pulumi");
    kill("-KILL", &child.id().to_string());
    kill("-KILL", &format!("-{process}"));
    child.wait().expect("its end");
    is_whole(&stacked).await;
}
