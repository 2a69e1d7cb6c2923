//! Any two graphs: applying the plan between them reaches the target, and planning again is empty.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use semantest_iac_core::domain::deployment::plan::{Plan, StepAction};
use semantest_iac_core::domain::deployment::planner::{plan, plan_removal};
use semantest_iac_core::domain::deployment::resource::{Address, Resource};
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::domain::deployment::state::{Drift, ResourceState, UnfinishedChange};
use serde_json::{Map, json};

type Existing = BTreeMap<Address, ResourceState>;

/// Resources 0..n where each depends only on smaller numbers: never a cycle. `order` shuffles the names, so that
/// the order of the names says nothing of the dependencies.
fn graphs() -> impl Strategy<Value = ResourceGraph> {
    let names = Just((0..8).collect::<Vec<usize>>()).prop_shuffle();
    let resource = (any::<bool>(), 0u8..3, 0u8..2, prop::collection::vec(0usize..8, 0..3), any::<bool>());
    (names, prop::collection::vec(resource, 8)).prop_map(|(names, wanted)| {
        let there: Vec<bool> = wanted.iter().map(|(there, ..)| *there).collect();
        let address = |at: usize| Address::new(format!("r{}", names[at]));
        let resources = wanted.into_iter().enumerate().filter(|(_, (there, ..))| *there).map(
            |(at, (_, value, fixed, needs, by_reference))| {
                let needs: BTreeSet<usize> =
                    needs.into_iter().filter(|need| *need < at && there[*need]).collect();
                let mut inputs = Map::new();
                inputs.insert("value".into(), json!(value));
                inputs.insert("fixed".into(), json!(fixed));
                let mut resource = Resource::new(address(at), "test.thing", inputs);
                for need in needs {
                    if by_reference {
                        let text = format!("${{{}.arn}}", address(need));
                        resource.inputs.insert(format!("ref{need}"), json!(text));
                    } else {
                        resource.depends_on.insert(address(need));
                    }
                }
                resource.replace_on.insert("fixed".into());
                resource
            },
        );
        ResourceGraph::new(resources).expect("the strategy makes valid graphs")
    })
}

/// Does what the plan says, checking that each step comes after those it waits for.
fn apply(plan: &Plan, graph: &ResourceGraph, mut existing: Existing) -> Existing {
    let mut done: BTreeSet<&Address> = BTreeSet::new();
    for step in &plan.steps {
        for before in &step.after {
            assert!(done.contains(before), "{} comes before {before}, which it waits for", step.address);
        }
        if step.action == StepAction::Delete {
            let user = existing.iter().find(|(_, state)| state.depends_on.contains(&step.address));
            assert!(user.is_none(), "{} is deleted while {user:?} needs it", step.address);
            existing.remove(&step.address);
        } else if let Some(resource) = graph.get(&step.address) {
            for needed in &resource.depends_on {
                assert!(existing.contains_key(needed), "{} is made before {needed}", step.address);
            }
            if step.action != StepAction::Unchanged {
                existing.insert(step.address.clone(), settled(resource));
            }
        }
        done.insert(&step.address);
    }
    existing
}

fn settled(resource: &Resource) -> ResourceState {
    ResourceState {
        kind: resource.kind.clone(),
        id: Some(format!("id-{}", resource.address)),
        inputs: resource.inputs.clone(),
        outputs: Map::from_iter([("arn".into(), json!(format!("arn-{}", resource.address)))]),
        depends_on: resource.depends_on.clone(),
        volatile_outputs: resource.volatile_outputs.clone(),
        role: resource.role,
        unfinished: None,
        drift: None,
        outdated: false,
    }
}

fn reach(graph: &ResourceGraph, existing: Existing) -> Existing {
    apply(&plan(graph, &existing), graph, existing)
}

fn as_wanted(graph: &ResourceGraph) -> Existing {
    graph.iter().map(|resource| (resource.address.clone(), settled(resource))).collect()
}

proptest! {
    #[test]
    fn applying_the_plan_reaches_the_target_and_planning_again_is_empty(from in graphs(), to in graphs()) {
        let reached = reach(&to, reach(&from, Existing::new()));
        prop_assert_eq!(&reached, &as_wanted(&to));
        prop_assert!(plan(&to, &reached).is_empty());
    }

    #[test]
    fn a_removal_leaves_nothing(from in graphs()) {
        let existing = reach(&from, Existing::new());
        let removal = plan_removal(&existing);
        prop_assert_eq!(removal.counts().deleted, existing.len());
        prop_assert!(apply(&removal, &ResourceGraph::default(), existing).is_empty());
    }

    #[test]
    fn what_was_left_unfinished_or_drifted_is_brought_to_the_target(
        from in graphs(), to in graphs(), faults in prop::collection::vec(0u8..5, 8)
    ) {
        let mut existing = reach(&from, Existing::new());
        for (state, fault) in existing.values_mut().zip(faults) {
            break_one(state, fault);
        }
        let reached = reach(&to, existing);
        prop_assert_eq!(&reached, &as_wanted(&to));
        prop_assert!(plan(&to, &reached).is_empty());
    }

    #[test]
    fn a_plan_counts_every_resource_once(from in graphs(), to in graphs()) {
        let existing = reach(&from, Existing::new());
        let plan = plan(&to, &existing);
        let addresses: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
        prop_assert_eq!(addresses.len(), plan.steps.len());
        let all: BTreeSet<&Address> =
            existing.keys().chain(to.iter().map(|resource| &resource.address)).collect();
        prop_assert_eq!(addresses, all);
    }
}

fn break_one(state: &mut ResourceState, fault: u8) {
    let unfinished = |state: &ResourceState, action| UnfinishedChange {
        action,
        operation: "operation".into(),
        inputs: state.inputs.clone(),
        depends_on: state.depends_on.clone(),
        volatile_outputs: BTreeSet::new(),
        role: None,
        error: None,
    };
    match fault {
        1 => {
            state.unfinished = Some(unfinished(state, StepAction::Create));
            state.id = None;
            state.inputs = Map::new();
        }
        2 => state.unfinished = Some(unfinished(state, StepAction::Update)),
        3 => state.unfinished = Some(unfinished(state, StepAction::Delete)),
        4 => state.drift = Some(Drift { missing: true, diff: Vec::new() }),
        _ => {}
    }
}

#[test]
fn a_cycle_is_named() {
    let one = Resource { depends_on: ["b".into()].into(), ..Resource::new("a", "test.thing", Map::new()) };
    let other = Resource { depends_on: ["a".into()].into(), ..Resource::new("b", "test.thing", Map::new()) };
    let error = ResourceGraph::new([one, other]).expect_err("a cycle");
    assert!(error.message().contains("a -> b -> a"), "{error}");
}

#[test]
fn a_dangling_reference_is_named() {
    let inputs = Map::from_iter([("role".to_owned(), json!("${role.arn}"))]);
    let error = ResourceGraph::new([Resource::new("function", "test.thing", inputs)]).expect_err("dangling");
    assert!(error.message().contains("`function` refers to `role`"), "{error}");
}

#[test]
fn a_chain_of_a_hundred_thousand_resources_is_no_danger() {
    let chain = (0..100_000).map(|at: u32| {
        let mut resource = Resource::new(format!("r{at:06}").as_str(), "test.thing", Map::new());
        if at > 0 {
            resource.depends_on.insert(format!("r{:06}", at - 1).as_str().into());
        }
        resource
    });
    let graph = ResourceGraph::new(chain).expect("a chain has no cycle");
    assert_eq!(plan(&graph, &Existing::new()).counts().created, 100_000);
}

#[test]
fn a_reference_to_an_output_that_an_update_changes_is_updated_too() {
    let function = |code: &str| {
        let inputs = Map::from_iter([("code".to_owned(), json!(code))]);
        let mut resource = Resource::new("function", "test.function", inputs);
        resource.volatile_outputs.insert("version".into());
        resource
    };
    let referring = |address: &str, output: &str| {
        let text = format!("${{function.{output}}}");
        Resource::new(address, "test.alias", Map::from_iter([("target".to_owned(), json!(text))]))
    };
    let graph = |code: &str| {
        ResourceGraph::new([function(code), referring("alias", "version"), referring("api", "arn")])
            .expect("valid")
    };
    let existing = as_wanted(&graph("one"));
    let actions: BTreeMap<String, StepAction> = plan(&graph("two"), &existing)
        .steps
        .into_iter()
        .map(|step| (step.address.to_string(), step.action))
        .collect();
    assert_eq!(actions["function"], StepAction::Update);
    assert_eq!(actions["alias"], StepAction::Update, "it refers to the version");
    assert_eq!(actions["api"], StepAction::Unchanged, "an arn stays through an update");
}
