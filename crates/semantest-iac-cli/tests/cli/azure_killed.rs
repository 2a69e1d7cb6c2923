//! kill -9 before and after calls that a run makes to Azure: the same command again ends as if nothing had happened.

use std::process::Stdio;

use crate::azure::{AzureProject, PATIENCE, differences, eventually, hello, semantest, worker};
use semantest_iac_testkit::arm_simulator::{Call, Delay, Moment};
use serde_json::json;

/// What is killed, and where.
struct Walk {
    project: fn() -> AzureProject,
    prepare: fn(&AzureProject),
    verb: &'static [&'static str],
    /// Of the calls of an undisturbed run.
    moments: fn(&[Call]) -> Vec<Moment>,
}

/// Before and after each call.
fn every(calls: &[Call]) -> Vec<Moment> {
    (1..=calls.len()).flat_map(|k| [Moment::Before(k), Moment::After(k)]).collect()
}

/// After each call that changes something: the answer is lost with the program.
fn after_changes(calls: &[Call]) -> Vec<Moment> {
    let changes = |call: &Call| matches!(call.method.as_str(), "PUT" | "PATCH" | "DELETE");
    (1..=calls.iter().filter(|call| changes(call)).count()).map(Moment::AfterChange).collect()
}

/// Kills `verb` at a moment; whether the moment came.
fn kill(azure: &AzureProject, verb: &[&str], moment: Moment) -> bool {
    let hold = azure.azure.hold(moment);
    let mut command = azure.command(verb);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let mut reached = false;
    eventually("the moment, or the end", || {
        reached = reached || hold.reached(PATIENCE / 1000);
        (reached || matches!(child.try_wait(), Ok(Some(_)))).then_some(())
    });
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    azure.azure.calm();
    reached
}

/// Kills at each of the moments, and compares what is there in the end with a run that was left alone.
fn walk(walk: &Walk) {
    let undisturbed = (walk.project)();
    undisturbed.azure.operations_take(Delay::Polls(2));
    (walk.prepare)(&undisturbed);
    undisturbed.azure.take_calls();
    undisturbed.ok(walk.verb);
    let moments = (walk.moments)(&undisturbed.azure.take_calls());
    let wanted = undisturbed.inventory();
    assert!(moments.len() >= 3, "{:?} comes to {moments:?} only", walk.verb);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let in_time = std::sync::atomic::AtomicUsize::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(moment) = moments.get(next.fetch_add(1, order)) {
                    let azure = (walk.project)();
                    azure.azure.operations_take(Delay::Polls(2));
                    (walk.prepare)(&azure);
                    if kill(&azure, walk.verb, *moment) {
                        in_time.fetch_add(1, order);
                    }
                    let again = azure.json(walk.verb);
                    assert_eq!(again.code, 0, "{moment:?}: {}\n{}", again.stdout, again.stderr);
                    assert_eq!(differences(&azure.inventory(), &wanted), [""; 0], "{moment:?}");
                    azure.ok(&["destroy", "--yes"]);
                    assert_eq!(azure.inventory(), json!({}), "{moment:?}: something is left");
                }
            });
        }
    });
    let in_time = in_time.into_inner();
    assert!(in_time * 10 >= moments.len() * 9, "only {in_time} of {} moments came", moments.len());
}

fn deployed(azure: &AzureProject) {
    azure.ok(&["deploy"]);
}

fn changed(azure: &AzureProject) {
    deployed(azure);
    azure.project.replace("hello/app.py", "one", "two");
    azure.project.replace("semantest.toml", "GREETING = \"hello\"", "GREETING = \"good day\"");
}

#[test]
fn a_first_deploy_survives_kill_9_at_every_call() {
    walk(&Walk { project: || hello("kill-first"), prepare: |_| {}, verb: &["deploy"], moments: every });
}

#[test]
fn an_update_survives_kill_9_at_every_call() {
    walk(&Walk { project: || hello("kill-update"), prepare: changed, verb: &["deploy"], moments: every });
}

#[test]
fn a_removal_survives_kill_9_at_every_call() {
    let verb = &["destroy", "--yes"];
    walk(&Walk { project: || hello("kill-removal"), prepare: deployed, verb, moments: every });
}

#[test]
fn the_first_deploy_of_a_websocket_api_survives_kill_9_after_every_change() {
    let project = || semantest("websocket");
    walk(&Walk { project, prepare: |_| {}, verb: &["deploy"], moments: after_changes });
}

#[test]
fn the_first_deploy_of_a_container_service_survives_kill_9_after_every_change() {
    let project = || worker("kill-worker");
    walk(&Walk { project, prepare: |_| {}, verb: &["deploy"], moments: after_changes });
}
