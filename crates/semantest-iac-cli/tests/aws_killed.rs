//! kill -9 before and after each call that a run makes to AWS: the same command again ends as if nothing had happened.

mod aws;
mod program;

use std::process::Stdio;

use aws::projects::hello;
use aws::{AwsProject, PATIENCE, at_once, comparable, differences, inventories};
use semantest_iac_testkit::fault_proxy::Moment;
use serde_json::json;

/// How many projects are killed and brought back at a time.
const WORKERS: usize = 6;

/// Kills `verb` at a moment, and runs it again; whether the moment came.
fn kill_and_go_on(aws: &AwsProject, verb: &[&str], moment: Moment) -> bool {
    let hold = aws.proxy.hold(moment);
    let mut command = aws.command(verb);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
    let ended = |child: &mut std::process::Child| matches!(child.try_wait(), Ok(Some(_)));
    let mut reached = false;
    aws::eventually("the moment, or the end", || {
        reached = reached || hold.reached(PATIENCE / 1000);
        (reached || ended(&mut child)).then_some(())
    });
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    aws.proxy.calm();
    println!("{} killed at {moment:?}, after {:?}", aws.name, aws.calls());
    let again = aws.json(verb);
    assert_eq!(again.code, 0, "{verb:?} after {moment:?}: {}\n{}", again.stdout, again.stderr);
    reached
}

/// Kills `verb` at each boundary after `prepare`, and compares what is there with a run that was left alone.
fn walk(story: &str, prepare: impl Fn(&AwsProject) + Sync, verb: &[&str]) {
    let undisturbed = hello(&format!("{story}-whole"));
    prepare(&undisturbed);
    undisturbed.proxy.take_calls();
    undisturbed.ok(verb);
    let calls = undisturbed.calls();
    // Shown where the test fails.
    println!("{verb:?} undisturbed: {calls:#?}");
    let calls = calls.len();
    assert!(calls >= 3, "{verb:?} makes only {calls} calls");
    let moments: Vec<Moment> = (1..=calls).flat_map(|k| [Moment::Before(k), Moment::After(k)]).collect();
    let killed = at_once(&moments, WORKERS, |moment| {
        let name = match moment {
            Moment::Before(k) => format!("{story}-b{k:02}"),
            Moment::After(k) => format!("{story}-a{k:02}"),
        };
        let aws = hello(&name);
        prepare(&aws);
        aws.calls();
        let in_time = kill_and_go_on(&aws, verb, *moment);
        (aws, in_time)
    });
    let in_time = killed.iter().filter(|(_, in_time)| *in_time).count();
    assert!(in_time * 10 >= moments.len() * 9, "only {in_time} of {} moments came", moments.len());
    let mut projects: Vec<AwsProject> = killed.into_iter().map(|(aws, _)| aws).collect();
    projects.push(undisturbed);
    compare(&projects, verb);
    at_once(&projects, WORKERS, |aws| aws.ok(&["destroy", "--yes"]));
    let names: Vec<&str> = projects.iter().map(|aws| aws.name.as_str()).collect();
    for (name, left) in inventories(&names).as_object().expect("projects") {
        assert_eq!(*left, json!({}), "{name}: something is left of {verb:?}");
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

#[test]
fn a_first_deploy_survives_kill_9_at_every_call() {
    walk("kill-first", |_| {}, &["deploy"]);
}

#[test]
fn an_update_survives_kill_9_at_every_call() {
    let change = |aws: &AwsProject| {
        deployed(aws);
        aws.project.replace("hello/app.py", " one", " two");
        aws.project.replace("semantest.toml", "memory_mb = 128", "memory_mb = 256");
        aws.project.replace("semantest.toml", "GET /hello\"", "GET /goodbye\"");
    };
    walk("kill-update", change, &["deploy"]);
}

#[test]
fn a_removal_survives_kill_9_at_every_call() {
    walk("kill-removal", deployed, &["destroy", "--yes"]);
}
