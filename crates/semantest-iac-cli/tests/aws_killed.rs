//! kill -9 before and after each call that a run makes to AWS: the same command again ends as if nothing had happened.

mod aws;
mod program;

use std::collections::BTreeSet;
use std::process::Stdio;

use aws::projects::hello;
use aws::{AwsProject, PATIENCE, at_once, inventories};
use semantest_iac_testkit::fault_proxy::Moment;
use serde_json::{Value, json};

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
    let calls = undisturbed.proxy.take_calls().len();
    assert!(calls >= 3, "{verb:?} makes only {calls} calls");
    let moments: Vec<Moment> = (1..=calls).flat_map(|k| [Moment::Before(k), Moment::After(k)]).collect();
    let killed = at_once(&moments, WORKERS, |moment| {
        let name = match moment {
            Moment::Before(k) => format!("{story}-b{k:02}"),
            Moment::After(k) => format!("{story}-a{k:02}"),
        };
        let aws = hello(&name);
        prepare(&aws);
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
    for name in names {
        let there = comparable(&found[name]);
        assert_eq!(there, wanted, "{name} after {verb:?}:\n{there:#}\nwanted\n{wanted:#}");
    }
}

/// A version that was published twice is no other state: what counts is what the alias leads to.
fn comparable(inventory: &Value) -> Value {
    let mut inventory = inventory.clone();
    for function in inventory["functions"].as_array_mut().into_iter().flatten() {
        let versions = function["versions"].as_array().cloned().unwrap_or_default();
        for version in function["aliases"].as_object_mut().into_iter().flatten().map(|(_, version)| version) {
            let found = versions.iter().find(|one| one["Version"] == *version);
            *version = found.expect("an alias leads to a version that is there")["CodeSha256"].clone();
        }
        let codes: BTreeSet<&str> = versions.iter().filter_map(|one| one["CodeSha256"].as_str()).collect();
        function["versions"] = json!(codes);
    }
    inventory
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
