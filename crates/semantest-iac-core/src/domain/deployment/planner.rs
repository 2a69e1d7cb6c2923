//! The planner: from what the log says to what is wanted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::deployment::plan::{Plan, PlanStep, PropertyChange, StepAction};
use crate::domain::deployment::property_diff::{diff_properties, same_properties};
use crate::domain::deployment::resource::{Address, Properties, Resource, is_verbatim, references_in};
use crate::domain::deployment::resource_graph::ResourceGraph;
use crate::domain::deployment::state::{Drift, ResourceState};

type Existing = BTreeMap<Address, ResourceState>;
type Dependencies<'a> = BTreeMap<&'a Address, BTreeSet<&'a Address>>;

/// Compares the wanted `graph` with `existing` and returns the steps between them, in an order that
/// respects the dependencies of both.
///
/// A resource with an unfinished change is planned again; one that drifted is brought back; one that
/// refers to an output that a step may change is updated after that step.
pub fn plan(graph: &ResourceGraph, existing: &Existing) -> Plan {
    let wanted = graph.iter().map(|resource| (&resource.address, resource.depends_on.iter().collect()));
    let mut planner = Planner { graph, existing, actions: BTreeMap::new(), steady: BTreeSet::new() };
    let mut steps = BTreeMap::new();
    for address in in_order(&wanted.collect()) {
        if let Some(resource) = graph.get(address) {
            let step = planner.step(resource);
            planner.actions.insert(address, step.action);
            if keeps_outputs(resource, &step) {
                planner.steady.insert(address);
            }
            steps.insert(address, step);
        }
    }
    for (address, resource) in existing.iter().filter(|(address, _)| graph.get(address).is_none()) {
        steps.insert(address, delete_step(address, resource));
    }
    planner.arrange(steps)
}

/// The steps that take everything in `existing` away.
pub fn plan_removal(existing: &Existing) -> Plan {
    plan(&ResourceGraph::default(), existing)
}

struct Planner<'a> {
    graph: &'a ResourceGraph,
    existing: &'a Existing,
    actions: BTreeMap<&'a Address, StepAction>,
    /// Resources that are updated and keep all their outputs.
    steady: BTreeSet<&'a Address>,
}

impl<'a> Planner<'a> {
    fn step(&self, wanted: &Resource) -> PlanStep {
        let state = self.existing.get(&wanted.address);
        let (action, reason) = self.action(wanted, state);
        PlanStep {
            action,
            address: wanted.address.clone(),
            kind: wanted.kind.clone(),
            diff: self.diff(wanted, state, action),
            after: BTreeSet::new(),
            reason: reason.map(str::to_owned),
        }
    }

    fn action(&self, wanted: &Resource, state: Option<&ResourceState>) -> (StepAction, Option<&'static str>) {
        let Some(state) = state else { return (StepAction::Create, None) };
        if !state.exists() {
            return (StepAction::Create, Some("interrupted"));
        }
        if state.kind != wanted.kind {
            return (StepAction::Replace, None);
        }
        if state.drift.as_ref().is_some_and(|drift| drift.missing) {
            return (StepAction::Create, Some("missing"));
        }
        let replace = must_replace(wanted, &state.inputs);
        if let Some(change) = &state.unfinished {
            let again = match change.action {
                // Whether it is gone is not known: creating adopts what is still there.
                StepAction::Delete => StepAction::Create,
                StepAction::Replace => StepAction::Replace,
                _ if replace => StepAction::Replace,
                _ => StepAction::Update,
            };
            return (again, Some("interrupted"));
        }
        if replace {
            return (StepAction::Replace, None);
        }
        if state.outdated {
            return (StepAction::Update, Some("interrupted"));
        }
        if state.drift.is_some() {
            return (StepAction::Update, Some("drifted"));
        }
        let same = same_properties(&state.inputs, &wanted.inputs)
            && state.depends_on == wanted.depends_on
            && !self.any_known_late(&wanted.inputs);
        (if same { StepAction::Unchanged } else { StepAction::Update }, None)
    }

    fn diff(
        &self,
        wanted: &Resource,
        state: Option<&ResourceState>,
        action: StepAction,
    ) -> Vec<PropertyChange> {
        let none = Properties::new();
        let before = state.filter(|_| action != StepAction::Create).map_or(&none, |state| &state.inputs);
        let mut diff = match action {
            StepAction::Unchanged => return Vec::new(),
            _ => diff_properties(before, &wanted.inputs),
        };
        for change in &mut diff {
            let key = change.property.split('.').next().unwrap_or_default();
            change.known_after_apply = change.after.as_ref().is_some_and(|value| self.known_late(key, value));
        }
        if action != StepAction::Create {
            let listed: BTreeSet<String> = diff.iter().map(|change| change.property.clone()).collect();
            let late = wanted
                .inputs
                .iter()
                .filter(|(key, value)| !listed.contains(*key) && self.known_late(key, value));
            diff.extend(late.map(|(key, value)| late_change(key, value)));
            let drift = state.and_then(|state| state.drift.as_ref());
            diff.extend(
                drift.into_iter().flat_map(repairs).filter(|change| !listed.contains(&change.property)),
            );
            diff.extend(state.and_then(|state| dependency_change(state, wanted)));
        }
        diff
    }

    fn any_known_late(&self, properties: &Properties) -> bool {
        properties.iter().any(|(key, value)| self.known_late(key, value))
    }

    /// Whether `value` under `key` refers to an output that a step of this plan may change.
    fn known_late(&self, key: &str, value: &Value) -> bool {
        match value {
            _ if is_verbatim(key) => false,
            Value::String(text) if text.contains("${") => {
                references_in(text).iter().any(|(_, reference)| match self.actions.get(&reference.address) {
                    Some(StepAction::Create | StepAction::Replace) => true,
                    Some(StepAction::Update) => {
                        let resource = self.graph.get(&reference.address);
                        !self.steady.contains(&reference.address)
                            && resource.is_some_and(|one| one.volatile_outputs.contains(&reference.output))
                    }
                    _ => false,
                })
            }
            Value::Array(items) => items.iter().any(|item| self.known_late(key, item)),
            Value::Object(map) => self.any_known_late(map),
            _ => false,
        }
    }

    /// Puts the steps in order and tells each which steps it waits for: a change waits for the changes of
    /// what it needs, a deletion for the steps of all that needed the deleted.
    fn arrange(&self, mut steps: BTreeMap<&'a Address, PlanStep>) -> Plan {
        let mut waits: Dependencies<'a> = steps.keys().map(|address| (*address, BTreeSet::new())).collect();
        for resource in self.graph.iter() {
            waits.entry(&resource.address).or_default().extend(resource.depends_on.iter());
        }
        for (address, state) in self.existing {
            for needed in state_dependencies(state) {
                // Only what goes away waits for its former users.
                if let Some((needed, _)) = self.existing.get_key_value(needed)
                    && self.graph.get(needed).is_none()
                {
                    waits.entry(needed).or_default().insert(address);
                }
            }
        }
        let order: Vec<&Address> = in_order(&waits);
        let changing: BTreeSet<&Address> = steps
            .iter()
            .filter(|(_, step)| step.action != StepAction::Unchanged)
            .map(|(address, _)| *address)
            .collect();
        for (address, step) in &mut steps {
            if step.action != StepAction::Unchanged {
                let needed = waits.get(address).into_iter().flatten();
                step.after =
                    needed.filter(|needed| changing.contains(*needed)).map(|a| (*a).clone()).collect();
            }
        }
        Plan { steps: order.into_iter().filter_map(|address| steps.remove(address)).collect() }
    }
}

/// Addresses so that what an address waits for comes before it; among equals, by name. Every address that is
/// waited for and is a key comes out once; should there be a cycle, its members come last, by name.
fn in_order<'a>(waits: &Dependencies<'a>) -> Vec<&'a Address> {
    let mut left: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut users: BTreeMap<&Address, Vec<&'a Address>> = BTreeMap::new();
    for (address, needed) in waits {
        let needed: Vec<_> = needed.iter().filter(|needed| waits.contains_key(*needed)).collect();
        left.insert(address, needed.len());
        needed.into_iter().for_each(|needed| users.entry(*needed).or_default().push(address));
    }
    let free = waits.keys().filter(|address| left.get(*address) == Some(&0));
    let mut ready: BTreeSet<&'a Address> = free.copied().collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(address) = ready.pop_first() {
        order.push(address);
        left.remove(address);
        for user in users.get(address).into_iter().flatten() {
            if let Some(count) = left.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(user);
                }
            }
        }
    }
    let stuck = waits.keys().filter(|address| left.contains_key(*address));
    order.extend(stuck.copied().collect::<Vec<_>>());
    order
}

fn state_dependencies(state: &ResourceState) -> impl Iterator<Item = &Address> {
    let unfinished = state.unfinished.iter().flat_map(|change| change.depends_on.iter());
    state.depends_on.iter().chain(unfinished)
}

fn delete_step(address: &Address, state: &ResourceState) -> PlanStep {
    PlanStep {
        action: StepAction::Delete,
        address: address.clone(),
        kind: state.kind.clone(),
        diff: Vec::new(),
        after: BTreeSet::new(),
        reason: state.unfinished.as_ref().map(|_| "interrupted".to_owned()),
    }
}

/// Whether all that changes is of no consequence for what others refer to. What was interrupted or changed by somebody
/// else is not known well enough for that.
fn keeps_outputs(wanted: &Resource, step: &PlanStep) -> bool {
    let steady = |change: &PropertyChange| {
        wanted.steady_inputs.contains(change.property.split('.').next().unwrap_or_default())
    };
    step.action == StepAction::Update && step.reason.is_none() && step.diff.iter().all(steady)
}

fn must_replace(wanted: &Resource, before: &Properties) -> bool {
    wanted.replace_on.iter().any(|key| before.get(key) != wanted.inputs.get(key))
}

fn late_change(key: &str, value: &Value) -> PropertyChange {
    PropertyChange {
        property: key.to_owned(),
        before: Some(value.clone()),
        after: Some(value.clone()),
        known_after_apply: true,
    }
}

/// What a drifted resource is brought back to; outputs become what was found.
fn repairs(drift: &Drift) -> impl Iterator<Item = PropertyChange> + '_ {
    drift.diff.iter().map(|change| match change.property.starts_with("outputs.") {
        true => change.clone(),
        false => PropertyChange {
            property: change.property.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
            known_after_apply: false,
        },
    })
}

fn dependency_change(state: &ResourceState, wanted: &Resource) -> Option<PropertyChange> {
    let list = |addresses: &BTreeSet<Address>| {
        Some(Value::Array(addresses.iter().map(|address| address.as_str().into()).collect()))
    };
    (state.depends_on != wanted.depends_on).then(|| PropertyChange {
        property: "depends_on".into(),
        before: list(&state.depends_on),
        after: list(&wanted.depends_on),
        known_after_apply: false,
    })
}
