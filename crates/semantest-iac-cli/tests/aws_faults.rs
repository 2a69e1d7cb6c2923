//! Whatever goes wrong on the way to AWS: what is there in the end, and the log, are as if nothing had happened.

mod aws;
mod program;

use std::collections::BTreeSet;
use std::time::Duration;

use aws::projects::{hello, hellos};
use aws::{AwsProject, at_once, comparable, differences, inventories};
use semantest_iac_testkit::fault_proxy::{Fault, Quota, Rule, Which};
use serde_json::json;

/// How many projects are disturbed at a time.
const WORKERS: usize = 8;

/// What can happen to any call.
fn faults() -> Vec<Fault> {
    vec![
        Fault::Throttle,
        Fault::ServerError,
        Fault::ServerErrorAfterwards,
        Fault::Reset,
        Fault::ResetAfterwards,
        Fault::Hang,
        Fault::HangAfterwards,
        Fault::Slow(Duration::from_millis(500)),
    ]
}

fn change(aws: &AwsProject) {
    aws.project.replace("hello/app.py", " one", " two");
    aws.project.replace("semantest.toml", "memory_mb = 128", "memory_mb = 256");
    aws.project.replace("semantest.toml", "GET /hello\"", "GET /hello\", \"GET /goodbye\"");
}

/// Runs `verb` with each rule for itself, and compares with a run that nothing disturbed.
fn disturb(
    story: &str,
    prepare: impl Fn(&AwsProject) + Sync,
    verb: &[&str],
    rules: &dyn Fn(&[String]) -> Vec<Rule>,
) {
    let undisturbed = hello(&format!("{story}-whole"));
    prepare(&undisturbed);
    undisturbed.proxy.take_calls();
    undisturbed.ok(verb);
    let calls: BTreeSet<String> = undisturbed.changing_calls().into_iter().collect();
    let wanted_log = undisturbed.log("hello");
    let rules: Vec<(usize, Rule)> =
        rules(&calls.into_iter().collect::<Vec<_>>()).into_iter().enumerate().collect();
    assert!(!rules.is_empty());
    let mut disturbed = at_once(&rules, WORKERS, |(number, rule)| {
        let aws = hello(&format!("{story}-{number:03}"));
        prepare(&aws);
        aws.proxy.take_calls();
        aws.proxy.inject(rule.clone());
        let ran = aws.json(verb);
        let struck = aws.proxy.calls().iter().any(|call| call.fault.is_some());
        assert!(struck, "{rule:?} struck nothing");
        let complaint = match ran.code {
            0 if aws.log("hello") == wanted_log => None,
            0 => Some(format!("{rule:?}: {:#?}, wanted {wanted_log:#?}", aws.log("hello"))),
            code => Some(format!("{rule:?}: {code} {}\n{}", ran.stdout, ran.stderr)),
        };
        (aws, complaint)
    });
    let complaints: Vec<String> =
        disturbed.iter_mut().filter_map(|(_, complaint)| complaint.take()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let mut projects: Vec<AwsProject> = disturbed.into_iter().map(|(aws, _)| aws).collect();
    projects.push(undisturbed);
    let names: Vec<&str> = projects.iter().map(|aws| aws.name.as_str()).collect();
    let found = inventories(&names);
    let wanted = comparable(&found[names[names.len() - 1]]);
    let other = rules
        .iter()
        .zip(&names)
        .map(|((_, rule), name)| (rule, name, differences(&comparable(&found[*name]), &wanted)));
    let other: Vec<_> = other.filter(|(_, _, differences)| !differences.is_empty()).collect();
    assert!(other.is_empty(), "{other:#?}");
    at_once(&projects, WORKERS, |aws| aws.ok(&["destroy", "--yes"]));
    for (name, left) in inventories(&names).as_object().expect("projects") {
        assert_eq!(*left, json!({}), "{name}: something is left");
    }
}

/// Each fault on the first call of each name.
fn every_fault(calls: &[String]) -> Vec<Rule> {
    let on = |call: &String| {
        faults().into_iter().map(|fault| Rule::new(call, Which::Nth(1), fault)).collect::<Vec<_>>()
    };
    calls.iter().flat_map(on).collect()
}

#[test]
fn a_first_deploy_ends_the_same_whatever_happens_to_any_of_its_calls() {
    disturb("fault-first", |_| {}, &["deploy"], &every_fault);
}

#[test]
fn an_update_ends_the_same_whatever_happens_to_any_of_its_calls() {
    let prepare = |aws: &AwsProject| {
        aws.ok(&["deploy"]);
        change(aws);
    };
    disturb("fault-update", prepare, &["deploy"], &every_fault);
}

#[test]
fn a_removal_ends_the_same_whatever_happens_to_any_of_its_calls() {
    let prepare = |aws: &AwsProject| drop(aws.ok(&["deploy"]));
    disturb("fault-removal", prepare, &["destroy", "--yes"], &every_fault);
}

#[test]
fn a_deploy_waits_for_what_aws_does_not_know_yet() {
    let rules = |calls: &[String]| {
        let lambda = ["lambda:PublishVersion", "lambda:CreateAlias", "lambda:AddPermission"];
        let busy = lambda.iter().filter(|call| calls.iter().any(|made| made == **call));
        let young = calls
            .iter()
            .filter(|call| call.starts_with("apigateway:Create") && *call != "apigateway:CreateApi");
        let mut rules = vec![Rule::new("lambda:CreateFunction", Which::First(3), Fault::ROLE_NOT_ASSUMABLE)];
        rules.extend(busy.map(|call| Rule::new(*call, Which::First(2), Fault::UPDATE_IN_PROGRESS)));
        rules.extend(young.map(|call| Rule::new(call, Which::First(2), Fault::NOT_FOUND_YET)));
        rules
    };
    disturb("young", |_| {}, &["deploy"], &rules);
}

#[test]
fn an_update_waits_for_the_one_that_is_still_being_made() {
    let prepare = |aws: &AwsProject| {
        aws.ok(&["deploy"]);
        change(aws);
    };
    let rules = |calls: &[String]| {
        let lambda = calls.iter().filter(|call| call.starts_with("lambda:"));
        lambda.map(|call| Rule::new(call, Which::First(2), Fault::UPDATE_IN_PROGRESS)).collect()
    };
    disturb("busy", prepare, &["deploy"], &rules);
}

#[test]
fn a_burst_of_throttled_calls_is_sat_out() {
    let rules = |calls: &[String]| {
        let mut services: Vec<&str> = calls.iter().filter_map(|call| call.split(':').next()).collect();
        services.dedup();
        let burst = |service| Rule::new(format!("{service}:*"), Which::First(3), Fault::Throttle);
        services.into_iter().map(burst).collect()
    };
    disturb("burst", |_| {}, &["deploy"], &rules);
}

#[test]
fn twenty_components_at_once_stay_within_the_quotas() {
    let components: Vec<String> = (1..=20).map(|number| format!("c{number:02}")).collect();
    let names: Vec<&str> = components.iter().map(String::as_str).collect();
    let aws = hellos("quotas", &names).with_quotas();
    aws.proxy.enforce(Quota::documented());
    let answer = aws.ok(&["deploy"]);
    assert_eq!(answer["status"], "deployed");
    let calls = aws.proxy.take_calls();
    let throttled: Vec<String> =
        calls.iter().filter(|call| call.was_throttled()).map(|call| call.name()).collect();
    assert_eq!(throttled, Vec::<String>::new(), "of {} calls", calls.len());
    assert!(aws.proxy.most_in_flight() > 1, "one after the other is no way to do it");
    let held = aws.inventory();
    for (kind, count) in [("functions", 20), ("apis", 20), ("log_groups", 40)] {
        assert_eq!(held[kind].as_array().map(Vec::len), Some(count), "{kind}");
    }
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());
    aws.proxy.calm();
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}
