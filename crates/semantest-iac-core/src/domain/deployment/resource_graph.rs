//! The resource graph: what a provider lowers a blueprint to.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::deployment::resource::{Address, Resource};
use crate::error::{Error, ErrorKind, Result};

/// Resources with their dependencies: addresses are unique, every reference and dependency leads to a
/// resource of the graph, and there is no cycle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ResourceGraph {
    resources: BTreeMap<Address, Resource>,
}

impl ResourceGraph {
    /// Checks `resources` and makes them a graph; references become dependencies.
    ///
    /// # Errors
    /// `InvalidGraph` naming the duplicate, the malformed address, the dangling reference or the cycle.
    pub fn new(resources: impl IntoIterator<Item = Resource>) -> Result<Self> {
        let mut graph = BTreeMap::new();
        for mut resource in resources {
            check_address(&resource.address)?;
            for reference in resource.references() {
                resource.depends_on.insert(reference.address);
            }
            let address = resource.address.clone();
            if graph.insert(address.clone(), resource).is_some() {
                return Err(invalid(format!("two resources have the address `{address}`")));
            }
        }
        check_targets(&graph)?;
        check_cycles(&graph)?;
        Ok(Self { resources: graph })
    }

    /// The resource at `address`.
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.resources.get(address)
    }

    /// All resources by address, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values()
    }

    /// How many resources.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// The resources alone.
    pub fn into_resources(self) -> impl Iterator<Item = Resource> {
        self.resources.into_values()
    }
}

fn check_address(address: &Address) -> Result<()> {
    let text = address.as_str();
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '$');
    if text.is_empty() || !text.chars().all(fine) {
        return Err(invalid(format!("`{text}` is not an address: use letters, digits and . _ - / : $")));
    }
    Ok(())
}

fn check_targets(graph: &BTreeMap<Address, Resource>) -> Result<()> {
    for resource in graph.values() {
        if let Some(missing) = resource.depends_on.iter().find(|target| !graph.contains_key(target)) {
            return Err(invalid(format!(
                "`{}` refers to `{missing}`, which is not in the graph",
                resource.address
            ))
            .with("address", &resource.address)
            .with("missing", missing));
        }
    }
    Ok(())
}

fn check_cycles(graph: &BTreeMap<Address, Resource>) -> Result<()> {
    let edges = |address: &Address| graph.get(address).map(|resource| &resource.depends_on);
    match find_cycle(graph.keys(), edges) {
        Some(cycle) => {
            let path: Vec<&str> = cycle.iter().map(Address::as_str).collect();
            Err(invalid(format!("resources depend on each other in a circle: {}", path.join(" -> "))))
        }
        None => Ok(()),
    }
}

/// A cycle in a directed graph, first node repeated at the end. Iterative: deep chains are no danger.
fn find_cycle<'a>(
    nodes: impl Iterator<Item = &'a Address>,
    edges: impl Fn(&Address) -> Option<&'a BTreeSet<Address>>,
) -> Option<Vec<Address>> {
    let mut done: BTreeSet<&Address> = BTreeSet::new();
    for start in nodes {
        if done.contains(start) {
            continue;
        }
        let mut path: Vec<(&Address, _)> = vec![(start, edges(start).into_iter().flatten())];
        let mut on_path: BTreeSet<&Address> = BTreeSet::from([start]);
        while let Some((node, next)) = path.last_mut() {
            match next.next() {
                Some(target) if on_path.contains(target) => {
                    let from = path.iter().position(|(node, _)| *node == target).unwrap_or(0);
                    let cycle = path[from..].iter().map(|(node, _)| (*node).clone());
                    return Some(cycle.chain([target.clone()]).collect());
                }
                Some(target) if !done.contains(target) => {
                    on_path.insert(target);
                    path.push((target, edges(target).into_iter().flatten()));
                }
                Some(_) => {}
                None => {
                    on_path.remove(*node);
                    done.insert(*node);
                    path.pop();
                }
            }
        }
    }
    None
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidGraph, "resource_graph.new", message)
}
