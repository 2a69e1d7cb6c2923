//! What refers to an output that has changed is changed after it, however many runs that takes.

use semantest_iac_core::domain::deployment::plan::StepAction;
use semantest_iac_core::domain::deployment::planner;
use semantest_iac_core::domain::deployment::resource::{Properties, Resource};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::deployment::state::DeploymentState;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::resource_change::{ResourceChangeStarted, ResourceCreated, ResourceUpdated};
use semantest_iac_testkit::given::given;
use serde_json::{Value, json};

fn properties(value: Value) -> Properties {
    value.as_object().expect("an object").clone()
}

/// A function whose version changes, and an alias that leads to it.
fn graph(memory: u32) -> ResourceGraph {
    let mut function = Resource::new("function", "test.function", properties(json!({ "memory": memory })));
    function.volatile_outputs.insert("version".into());
    let alias = Resource::new("alias", "test.alias", properties(json!({ "version": "${function.version}" })));
    ResourceGraph::new([function, alias]).expect("a graph")
}

fn begun(address: &str, action: StepAction, memory: u32) -> Event {
    let graph = graph(memory);
    let resource = graph.get(&address.into()).expect("a resource");
    ResourceChangeStarted {
        address: resource.address.clone(),
        kind: resource.kind.clone(),
        action,
        operation: format!("{address}-{memory}"),
        inputs: resource.inputs.clone(),
        depends_on: resource.depends_on.clone(),
        volatile_outputs: resource.volatile_outputs.clone(),
        role: None,
    }
    .into()
}

fn created(address: &str, outputs: Value) -> Event {
    let (kind, id) = (format!("test.{address}"), address.to_owned());
    let operation = format!("{address}-1");
    ResourceCreated {
        address: address.into(),
        kind,
        operation,
        id,
        outputs: properties(outputs),
        adopted: false,
    }
    .into()
}

fn updated(address: &str, memory: u32, outputs: Value) -> Event {
    let (kind, id) = (format!("test.{address}"), address.to_owned());
    let operation = format!("{address}-{memory}");
    ResourceUpdated { address: address.into(), kind, operation, id, outputs: properties(outputs) }.into()
}

fn both_made() -> Vec<Event> {
    vec![
        begun("function", StepAction::Create, 1),
        created("function", json!({ "version": "1", "arn": "a" })),
        begun("alias", StepAction::Create, 1),
        created("alias", json!({})),
    ]
}

fn actions(state: &DeploymentState, memory: u32) -> Vec<StepAction> {
    let plan = planner::plan(&graph(memory), &state.resources);
    plan.steps.iter().map(|step| step.action).collect()
}

#[test]
fn a_run_that_was_broken_off_between_the_two_is_gone_on_with() {
    let mut events = both_made();
    events.push(begun("function", StepAction::Update, 2));
    events.push(updated("function", 2, json!({ "version": "2", "arn": "a" })));
    let state = given(events).state();
    assert_eq!(actions(&state, 2), [StepAction::Unchanged, StepAction::Update]);
    assert_eq!(state.resources[&"alias".into()].state_word(), "changing");
}

#[test]
fn once_it_has_followed_nothing_is_left_to_do() {
    let mut events = both_made();
    events.push(begun("function", StepAction::Update, 2));
    events.push(updated("function", 2, json!({ "version": "2", "arn": "a" })));
    events.push(begun("alias", StepAction::Update, 2));
    events.push(updated("alias", 2, json!({})));
    assert_eq!(actions(&given(events).state(), 2), [StepAction::Unchanged, StepAction::Unchanged]);
}

#[test]
fn outputs_that_stay_or_that_nobody_refers_to_call_for_nothing() {
    for outputs in [json!({ "version": "1", "arn": "a" }), json!({ "version": "1", "arn": "b" })] {
        let mut events = both_made();
        events.push(begun("function", StepAction::Update, 2));
        events.push(updated("function", 2, outputs));
        assert_eq!(actions(&given(events).state(), 2), [StepAction::Unchanged, StepAction::Unchanged]);
    }
}
