//! The deployment aggregate: given what has happened, what may happen next.

use proptest::prelude::*;
use semantest_iac_core::ErrorKind;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::component::ComponentKind;
use semantest_iac_core::domain::deployment::aggregate::Deployment;
use semantest_iac_core::domain::deployment::plan::{ChangeCounts, PlanStep, StepAction};
use semantest_iac_core::domain::deployment::status::DeploymentStatus;
use semantest_iac_core::error::{ErrorRecord, Retry};
use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::events::request::{DeploymentRequested, RemovalRequested, RollbackRequested};
use semantest_iac_core::events::resource_change::{
    ResourceChangeFailed, ResourceChangeStarted, ResourceCreated, ResourceDeleted,
};
use semantest_iac_core::events::run::{
    DeploymentPlanned, DeploymentStarted, InfrastructureRemoved, InfrastructureUpdateFailed,
    InfrastructureUpdated,
};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_testkit::given::given;
use serde_json::{Map, json};

fn requested() -> Event {
    DeploymentRequested { component: "api".into(), environment: "dev".into(), ..Default::default() }.into()
}

fn removal() -> Event {
    RemovalRequested { component: "api".into(), environment: "dev".into() }.into()
}

fn blueprint() -> Blueprint {
    Blueprint {
        project: "shop".into(),
        environment: "dev".into(),
        component: "api".into(),
        kind: ComponentKind::RestApi,
        functions: Vec::new(),
        plan: None,
        api: None,
        service: None,
        load_balancer: None,
        stack: None,
        tags: Default::default(),
    }
}

fn planned(version: u64, removes: bool) -> Event {
    let step = PlanStep {
        action: StepAction::Create,
        address: "function".into(),
        kind: "test.function".into(),
        diff: Vec::new(),
        after: Default::default(),
        reason: None,
    };
    DeploymentPlanned {
        provider: "memory".into(),
        region: None,
        version,
        blueprint: (!removes).then(|| Box::new(blueprint())),
        changes: ChangeCounts::default(),
        steps: vec![step],
    }
    .into()
}

fn started(version: u64) -> Event {
    DeploymentStarted { version, owner: "tester".into(), lease_token: 1 }.into()
}

fn intent(action: StepAction, operation: &str) -> Event {
    ResourceChangeStarted {
        address: "function".into(),
        kind: "test.function".into(),
        action,
        operation: operation.into(),
        inputs: Map::from_iter([("memory".to_owned(), json!(128))]),
        depends_on: Default::default(),
        volatile_outputs: Default::default(),
        role: None,
    }
    .into()
}

fn created(operation: &str) -> Event {
    ResourceCreated {
        address: "function".into(),
        kind: "test.function".into(),
        operation: operation.into(),
        id: "id-1".into(),
        outputs: Map::from_iter([("arn".to_owned(), json!("arn-1"))]),
        adopted: false,
    }
    .into()
}

fn deleted(operation: &str) -> Event {
    let (address, kind) = ("function".into(), "test.function".into());
    ResourceDeleted { address, kind, operation: operation.into(), id: Some("id-1".into()) }.into()
}

fn failed(operation: &str) -> Event {
    ResourceChangeFailed {
        address: "function".into(),
        kind: "test.function".into(),
        action: StepAction::Create,
        operation: operation.into(),
        error: record(),
    }
    .into()
}

fn record() -> ErrorRecord {
    ErrorRecord {
        kind: ErrorKind::Provider,
        message: "no".into(),
        operation: "test".into(),
        context: Default::default(),
        retry: Retry::Never,
    }
}

fn updated(version: u64) -> Event {
    InfrastructureUpdated {
        component: "api".into(),
        environment: "dev".into(),
        provider: "memory".into(),
        version,
        endpoint: None,
        changes: ChangeCounts::default(),
    }
    .into()
}

fn update_failed() -> Event {
    InfrastructureUpdateFailed {
        component: "api".into(),
        environment: "dev".into(),
        error: record(),
        failed: Default::default(),
        not_started: 0,
        cancelled: false,
    }
    .into()
}

fn removed() -> Event {
    let (component, environment, provider) = ("api".into(), "dev".into(), "memory".into());
    InfrastructureRemoved { component, environment, provider, changes: ChangeCounts::default() }.into()
}

fn a_deployed_function() -> Vec<Event> {
    vec![
        requested(),
        planned(1, false),
        started(1),
        intent(StepAction::Create, "op-1"),
        created("op-1"),
        updated(1),
    ]
}

#[test]
fn a_run_leads_from_its_request_to_a_version() {
    let state = given(a_deployed_function()).when(requested()).then();
    assert_eq!(state.status, DeploymentStatus::Requested);
    assert_eq!(state.version, 1);
    let function = &state.resources[&"function".into()];
    assert_eq!((function.id.as_deref(), function.state_word()), (Some("id-1"), "ok"));
    assert_eq!(function.inputs["memory"], 128);
    assert!(state.current_blueprint().is_some());
}

#[test]
fn nothing_is_begun_without_a_run() {
    for past in [vec![], vec![requested()], vec![requested(), planned(1, false)], a_deployed_function()] {
        let refused = given(past).when(intent(StepAction::Create, "op")).then_refused();
        assert_eq!(refused.kind(), ErrorKind::Internal);
    }
}

#[test]
fn a_plan_needs_a_request_and_a_start_needs_a_plan() {
    given([]).when(planned(1, false)).then_refused();
    given([requested()]).when(started(1)).then_refused();
    given([requested(), planned(1, false)]).when(updated(1)).then_refused();
    given([requested(), planned(1, false), started(1)]).when(removed()).then_refused();
}

#[test]
fn an_outcome_needs_its_intent() {
    let running = || vec![requested(), planned(1, false), started(1)];
    given(running()).when(created("op")).then_refused();
    let mut begun = running();
    begun.push(intent(StepAction::Create, "op"));
    given(begun.clone()).when(created("another")).then_refused();
    given(begun.clone()).when(failed("another")).then_refused();
    let state = given(begun).when(created("op")).then();
    assert!(state.resources[&"function".into()].unfinished.is_none());
}

#[test]
fn an_intent_without_outcome_stays_unfinished_through_a_crash() {
    let past =
        vec![requested(), planned(1, false), started(1), intent(StepAction::Create, "op"), requested()];
    let state = given(past).when(planned(1, false)).then();
    let function = &state.resources[&"function".into()];
    assert_eq!(function.state_word(), "changing");
    assert!(!function.exists());
    assert_eq!(function.unfinished.as_ref().map(|change| change.operation.as_str()), Some("op"));
}

#[test]
fn a_failed_change_is_known_to_have_failed_and_stays_unfinished() {
    let past =
        vec![requested(), planned(1, false), started(1), intent(StepAction::Create, "op"), failed("op")];
    let state = given(past).when(update_failed()).then();
    assert_eq!(state.status, DeploymentStatus::Failed);
    assert_eq!(state.resources[&"function".into()].state_word(), "failed");
    assert_eq!(state.version, 0, "no version was reached");
}

#[test]
fn a_removal_ends_only_when_nothing_is_left() {
    let mut past = a_deployed_function();
    past.extend([removal(), planned(1, true), started(1)]);
    given(past.clone()).when(removed()).then_refused();
    past.extend([intent(StepAction::Delete, "op-2"), deleted("op-2")]);
    let state = given(past).when(removed()).then();
    assert_eq!(state.status, DeploymentStatus::Removed);
    assert!(state.resources.is_empty() && state.current_blueprint().is_none());
    assert!(state.versions.contains_key(&1), "earlier versions can be gone back to");
}

#[test]
fn a_rollback_needs_a_version_that_was_reached() {
    let back = |version| RollbackRequested { component: "api".into(), environment: "dev".into(), version };
    let refused = given(a_deployed_function()).when(back(Some(7))).then_refused();
    assert!(refused.message().contains("known: 1"), "{refused}");
    given(a_deployed_function()).when(back(None)).then_refused();
    given(a_deployed_function()).when(back(Some(1))).then();
}

#[test]
fn an_empty_plan_leaves_the_deployment_as_it_was() {
    let mut empty = planned(1, false);
    if let Event::DeploymentPlanned(planned) = &mut empty {
        planned.steps.clear();
    }
    let mut past = a_deployed_function();
    past.push(requested());
    let state = given(past).when(empty).then();
    assert_eq!((state.status, state.version), (DeploymentStatus::Deployed, 1));
}

fn any_event() -> impl Strategy<Value = Event> {
    prop::sample::select(vec![
        requested(),
        removal(),
        planned(1, false),
        planned(2, false),
        planned(1, true),
        started(1),
        intent(StepAction::Create, "a"),
        intent(StepAction::Update, "b"),
        intent(StepAction::Delete, "c"),
        created("a"),
        created("b"),
        deleted("c"),
        failed("a"),
        updated(1),
        updated(2),
        update_failed(),
        removed(),
    ])
}

fn envelope(at: usize, data: Event) -> Envelope {
    Envelope {
        id: format!("e{at}"),
        source: "/test".into(),
        subject: "shop/dev/api".into(),
        time: Timestamp::UNIX_EPOCH,
        data,
        correlation_id: None,
        causation_id: None,
        previous_event_ids: Vec::new(),
        sequence: Some(at as u64 + 1),
        traceparent: None,
    }
}

proptest! {
    #[test]
    fn replaying_in_two_parts_is_replaying_at_once(
        events in prop::collection::vec(any_event(), 0..40), cut in 0usize..40
    ) {
        let events: Vec<Envelope> = events.into_iter().enumerate().map(|(at, e)| envelope(at, e)).collect();
        let cut = cut.min(events.len());
        let mut in_parts = Deployment::replay(&events[..cut]);
        events[cut..].iter().for_each(|event| in_parts.evolve(event));
        prop_assert_eq!(in_parts, Deployment::replay(&events));
    }

    #[test]
    fn what_is_decided_one_by_one_never_breaks_the_rules(events in prop::collection::vec(any_event(), 0..60)) {
        let mut deployment = Deployment::default();
        for (at, event) in events.into_iter().enumerate() {
            if deployment.decide(&event).is_err() {
                continue;
            }
            deployment.evolve(&envelope(at, event));
            let state = deployment.state();
            let removed = state.status == DeploymentStatus::Removed;
            prop_assert!(!removed || state.resources.is_empty(), "removed, and {:?} is left", state.resources);
            let nameless = state.resources.values().any(|resource| !resource.exists() && resource.unfinished.is_none());
            prop_assert!(!nameless, "a resource that neither exists nor is being made: {:?}", state.resources);
        }
    }
}
