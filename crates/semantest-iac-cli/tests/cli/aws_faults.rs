//! Whatever goes wrong on the way to AWS: what is there in the end, and the log, are as if nothing had happened.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aws::projects::{hello, hellos, layered, websocket as socket, worker};
use crate::aws::{AwsProject, at_once, comparable, differences, inventories};
use semantest_iac_testkit::fault_proxy::{Call, Fault, Quota, Rule, Which};
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
    disturb_one(story, (hello, "hello"), prepare, verb, rules);
}

/// As [`disturb`], of a component of some project.
fn disturb_one(
    story: &str,
    (project, component): (fn(&str) -> AwsProject, &str),
    prepare: impl Fn(&AwsProject) + Sync,
    verb: &[&str],
    rules: &dyn Fn(&[String]) -> Vec<Rule>,
) {
    let undisturbed = project(&format!("{story}-all"));
    prepare(&undisturbed);
    undisturbed.proxy.take_calls();
    undisturbed.ok(verb);
    let calls: BTreeSet<String> = undisturbed.changing_calls().into_iter().collect();
    let wanted_log = undisturbed.log(component);
    let rules: Vec<(usize, Rule)> =
        rules(&calls.into_iter().collect::<Vec<_>>()).into_iter().enumerate().collect();
    assert!(!rules.is_empty());
    let mut disturbed = at_once(&rules, WORKERS, |(number, rule)| {
        let aws = project(&format!("{story}-{number:03}")).impatient();
        prepare(&aws);
        aws.proxy.take_calls();
        aws.proxy.inject(rule.clone());
        let ran = aws.json(verb);
        let struck = aws.proxy.calls().iter().any(|call| call.fault.is_some());
        assert!(struck, "{rule:?} struck nothing");
        let complaint = match ran.code {
            0 if aws.log(component) == wanted_log => None,
            0 => Some(format!("{rule:?}: {:#?}, wanted {wanted_log:#?}", aws.log(component))),
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

/// Loses the answer of the first call of each name.
fn lost(calls: &[String]) -> Vec<Rule> {
    calls.iter().map(|call| Rule::new(call, Which::Nth(1), Fault::ResetAfterwards)).collect()
}

#[test]
fn a_websocket_api_ends_the_same_whatever_answer_is_lost() {
    disturb_one("lost-socket", (socket, "websocket"), |_| {}, &["deploy"], &lost);
}

#[test]
fn a_container_service_ends_the_same_whatever_answer_is_lost() {
    disturb_one("lost-worker", (worker, "worker"), |_| {}, &["deploy"], &lost);
}

#[test]
fn a_layer_ends_the_same_whatever_answer_is_lost() {
    let lost = |calls: &[String]| {
        let of_layers: Vec<String> = calls.iter().filter(|call| call.contains("Layer")).cloned().collect();
        lost(&of_layers)
    };
    disturb_one("layer-lost", (layered, "hello"), |_| {}, &["deploy"], &lost);
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

const fn refusal(status: u16, code: &'static str, message: &'static str) -> Fault {
    Fault::Refuse { status, code, message }
}

/// What services say of something that was made this moment and has not come round everywhere.
const YOUNG: [(&str, Fault); 9] = [
    ("lambda:CreateFunction", Fault::ROLE_NOT_ASSUMABLE),
    ("lambda:CreateAlias", Fault::UPDATE_IN_PROGRESS),
    ("lambda:AddPermission", Fault::UPDATE_IN_PROGRESS),
    ("lambda:AddPermission", refusal(404, "ResourceNotFoundException", "Function not found")),
    ("lambda:GetFunction", refusal(404, "ResourceNotFoundException", "Function not found")),
    ("iam:PutRolePolicy", refusal(404, "NoSuchEntity", "The role cannot be found.")),
    ("logs:PutRetentionPolicy", refusal(400, "ResourceNotFoundException", "The log group does not exist.")),
    ("apigateway:CreateRoute", Fault::NOT_FOUND_YET),
    ("apigateway:CreateStage", Fault::NOT_FOUND_YET),
];

/// What services say while something else still holds what is to go.
const IN_USE: [(&str, Fault); 4] = [
    ("iam:DeleteRole", refusal(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")),
    (
        "logs:DeleteLogGroup",
        refusal(400, "OperationAbortedException", "A conflicting operation is in progress"),
    ),
    (
        "lambda:DeleteFunction",
        refusal(409, "ResourceConflictException", "An update is in progress for resource"),
    ),
    ("apigateway:DeleteApi", refusal(409, "ConflictException", "Unable to complete operation, please retry")),
];

fn twice(calls: &[(&str, Fault)]) -> Vec<Rule> {
    calls.iter().map(|(call, fault)| Rule::new(*call, Which::First(2), fault.clone())).collect()
}

#[test]
fn a_deploy_waits_for_what_aws_does_not_know_yet() {
    disturb("young", |_| {}, &["deploy"], &|_| twice(&YOUNG));
}

#[test]
fn a_removal_waits_for_what_is_still_in_use() {
    let prepare = |aws: &AwsProject| drop(aws.ok(&["deploy"]));
    disturb("in-use", prepare, &["destroy", "--yes"], &|_| twice(&IN_USE));
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
fn what_no_waiting_helps_against_is_told_at_once_and_leaves_the_deployment_resumable() {
    for (call, status, code) in [
        ("iam:CreateRole", 409, "LimitExceeded"),
        ("lambda:CreateFunction", 403, "AccessDeniedException"),
        ("apigateway:CreateApi", 403, "AccessDeniedException"),
        ("logs:CreateLogGroup", 400, "LimitExceededException"),
    ] {
        let aws = hello("refused");
        aws.proxy.inject(Rule::new(call, Which::All, refusal(status, code, "so far and no further")));
        let refused = aws.json(&["deploy"]);
        assert_eq!(refused.code, 1, "{call}: {}", refused.stdout);
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("so far and no further"), "{call}: {message}");
        // There are two log groups, of the function and of the API; of everything else there is one.
        let wanted = if call == "logs:CreateLogGroup" { 2 } else { 1 };
        let made = aws.calls().into_iter().filter(|made| made == call).count();
        assert_eq!(made, wanted, "{call} is not tried again");
        aws.proxy.calm();
        assert_eq!(aws.ok(&["deploy"])["status"], "deployed", "{call}");
        aws.ok(&["destroy", "--yes"]);
        assert_eq!(aws.inventory(), json!({}), "{call}");
    }
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
    assert_eq!(throttled(&calls), Vec::<String>::new(), "of {} calls", calls.len());
    let of_gateway = calls.iter().filter(|call| call.service == "apigateway").count();
    assert!(of_gateway <= 5 * 20, "{of_gateway} calls of API Gateway, which admits ten a second");
    assert!(aws.proxy.most_in_flight() > 1, "one after the other is no way to do it");
    let held = aws.inventory();
    for (kind, count) in [("functions", 20), ("apis", 20), ("log_groups", 40)] {
        assert_eq!(held[kind].as_array().map(Vec::len), Some(count), "{kind}");
    }
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());
    // The next process knows nothing of the calls of the first: what they took of the bursts has come back by then.
    aws.proxy.enforce(Quota::documented());
    aws.ok(&["destroy", "--yes"]);
    let calls = aws.proxy.calls();
    assert_eq!(throttled(&calls), Vec::<String>::new(), "of {} calls", calls.len());
    assert_eq!(aws.inventory(), json!({}));
}

/// The names of the calls that were one too many.
fn throttled(calls: &[Call]) -> Vec<String> {
    calls.iter().filter(|call| call.was_throttled()).map(Call::name).collect()
}

#[test]
fn websocket_apis_at_once_stay_within_the_quota_of_deployments() {
    let aws = socket("socket-quota").with_quotas();
    let text = std::fs::read_to_string(aws.project.file("semantest.toml")).expect("a project file");
    let (_, own) = text.split_once("[components.websocket]").expect("a component");
    let own = own.split("[environments.").next().expect("its keys");
    let second = own.replace("[components.websocket.", "[components.second.");
    let second = format!("\n[components.second]\nkind = \"websocket\"{second}");
    aws.project.write("semantest.toml", &(text + &second));
    aws.proxy.enforce(Quota::documented());
    let answer = aws.ok(&["deploy", "--component", "second"]);
    assert_eq!(answer["status"], "deployed");
    let calls = aws.proxy.take_calls();
    assert_eq!(throttled(&calls), Vec::<String>::new(), "of {} calls", calls.len());
    assert_eq!(aws.inventory()["apis"].as_array().map(Vec::len), Some(2));
    aws.ok(&["destroy", "--yes", "--component", "second"]);
    assert_eq!(aws.inventory(), json!({}));
}
