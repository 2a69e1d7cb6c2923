//! kill -9 before and after each call that a run makes to AWS: the same command again ends as if nothing had happened.

use std::process::Stdio;

use crate::aws::projects::{hello, layered, websocket, worker};
use crate::aws::{self, AwsProject, PATIENCE, at_once, comparable, differences, inventories};
use semantest_iac_testkit::fault_proxy::{Call, Moment};
use serde_json::json;

/// How many projects are killed and brought back at a time.
const WORKERS: usize = 6;

/// What is killed, and where.
struct Walk {
    story: &'static str,
    project: fn(&str) -> AwsProject,
    prepare: fn(&AwsProject),
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
    let changing = calls.iter().filter(|call| call.changes_something());
    (1..=changing.count()).map(Moment::AfterChange).collect()
}

/// Kills `verb` at a moment; whether the moment came.
fn kill(aws: &AwsProject, verb: &[&str], moment: Moment) -> bool {
    let hold = aws.proxy.hold(moment);
    let mut command = aws.command(verb);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let mut reached = false;
    aws::eventually("the moment, or the end", || {
        reached = reached || hold.reached(PATIENCE / 1000);
        (reached || matches!(child.try_wait(), Ok(Some(_)))).then_some(())
    });
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    aws.proxy.calm();
    // Shown where the test fails.
    println!("{} killed at {moment:?}, after {:?}", aws.name, aws.calls());
    reached
}

/// A project that was killed at a moment, and every third time once more, and came to its end; whether it was in time.
fn killed_once_or_twice(walk: &Walk, moment: Moment) -> (AwsProject, bool) {
    let (letter, k) = match moment {
        Moment::Before(k) => ('b', k),
        Moment::After(k) | Moment::AfterChange(k) => ('a', k),
    };
    let aws = (walk.project)(&format!("{}-{letter}{k:02}", walk.story));
    (walk.prepare)(&aws);
    aws.calls();
    let in_time = kill(&aws, walk.verb, moment);
    if k % 3 == 0 {
        kill(&aws, walk.verb, Moment::Before(k / 2));
    }
    let again = aws.json(walk.verb);
    assert_eq!(again.code, 0, "{:?} after {moment:?}: {}\n{}", walk.verb, again.stdout, again.stderr);
    (aws, in_time)
}

/// Kills at each of the moments, and compares what is there in the end with a run that was left alone.
fn walk(walk: &Walk) {
    // A name as long as the others: a long one is cut.
    let undisturbed = (walk.project)(&format!("{}-all", walk.story));
    (walk.prepare)(&undisturbed);
    undisturbed.proxy.take_calls();
    undisturbed.ok(walk.verb);
    let calls = undisturbed.proxy.take_calls();
    println!("undisturbed: {:?}", calls.iter().map(Call::name).collect::<Vec<_>>());
    let moments = (walk.moments)(&calls);
    assert!(moments.len() >= 3, "{:?} comes to {moments:?} only", walk.verb);
    let killed = at_once(&moments, WORKERS, |moment| killed_once_or_twice(walk, *moment));
    let in_time = killed.iter().filter(|(_, in_time)| *in_time).count();
    assert!(in_time * 10 >= moments.len() * 9, "only {in_time} of {} moments came", moments.len());
    let mut projects: Vec<AwsProject> = killed.into_iter().map(|(aws, _)| aws).collect();
    projects.push(undisturbed);
    compare(&projects, walk.verb);
    at_once(&projects, WORKERS, |aws| aws.ok(&["destroy", "--yes"]));
    let names: Vec<&str> = projects.iter().map(|aws| aws.name.as_str()).collect();
    for (name, left) in inventories(&names).as_object().expect("projects") {
        assert_eq!(*left, json!({}), "{name}: something is left");
    }
}

/// What is there has to be as it is in the last project, which nobody disturbed.
fn compare(projects: &[AwsProject], verb: &[&str]) {
    let names: Vec<&str> = projects.iter().map(|aws| aws.name.as_str()).collect();
    let found = inventories(&names);
    let wanted = comparable(&found[names[names.len() - 1]]);
    let other = names.iter().map(|name| (name, differences(&comparable(&found[*name]), &wanted)));
    let other: Vec<_> = other.filter(|(_, differences)| !differences.is_empty()).collect();
    assert!(other.is_empty(), "{verb:?}: {other:#?}");
}

fn deployed(aws: &AwsProject) {
    aws.ok(&["deploy"]);
}

fn changed(aws: &AwsProject) {
    deployed(aws);
    aws.project.replace("hello/app.py", " one", " two");
    aws.project.replace("semantest.toml", "memory_mb = 128", "memory_mb = 256");
    aws.project.replace("semantest.toml", "GET /hello\"", "GET /goodbye\"");
}

#[test]
fn a_first_deploy_survives_kill_9_at_every_call() {
    let (story, verb) = ("kill-first", &["deploy"]);
    walk(&Walk { story, project: hello, prepare: |_| {}, verb, moments: every });
}

#[test]
fn an_update_survives_kill_9_at_every_call() {
    let (story, verb) = ("kill-update", &["deploy"]);
    walk(&Walk { story, project: hello, prepare: changed, verb, moments: every });
}

fn other_layer(aws: &AwsProject) {
    deployed(aws);
    aws.project.replace("layers/words/python/words.py", "first", "second");
}

#[test]
fn an_update_of_a_layer_survives_kill_9_after_every_change() {
    let (story, verb) = ("kill-layer", &["deploy"]);
    walk(&Walk { story, project: layered, prepare: other_layer, verb, moments: after_changes });
}

#[test]
fn a_removal_survives_kill_9_at_every_call() {
    let (story, verb) = ("kill-removal", &["destroy", "--yes"]);
    walk(&Walk { story, project: hello, prepare: deployed, verb, moments: every });
}

#[test]
fn the_first_deploy_of_a_websocket_api_survives_kill_9_after_every_change() {
    let (story, verb) = ("kill-socket", &["deploy"]);
    walk(&Walk { story, project: websocket, prepare: |_| {}, verb, moments: after_changes });
}

#[test]
fn the_first_deploy_of_a_container_service_survives_kill_9_after_every_change() {
    let (story, verb) = ("kill-worker", &["deploy"]);
    walk(&Walk { story, project: worker, prepare: |_| {}, verb, moments: after_changes });
}

fn other_container(aws: &AwsProject) {
    deployed(aws);
    aws.project.replace("semantest.toml", "worker:1.4", "worker:1.5");
    aws.project.replace("semantest.toml", "port = 8080", "port = 8081");
    aws.project.replace("semantest.toml", "max = 4", "max = 5");
}

#[test]
fn an_update_of_a_container_service_survives_kill_9_after_every_change() {
    let (story, verb) = ("kill-image", &["deploy"]);
    walk(&Walk { story, project: worker, prepare: other_container, verb, moments: after_changes });
}

#[test]
fn the_removal_of_a_container_service_survives_kill_9_after_every_change() {
    let (story, verb) = ("gone-worker", &["destroy", "--yes"]);
    walk(&Walk { story, project: worker, prepare: deployed, verb, moments: after_changes });
}
