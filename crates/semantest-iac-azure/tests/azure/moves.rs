//! What cannot be changed in place is made anew, what was interrupted is found again, and what is somebody else's is left
//! alone.

use std::collections::BTreeSet;

use crate::simulated::{Azure, Cloud, Deployed, properties, rest_api, tags};
use semantest_iac_core::ErrorKind;
use semantest_iac_core::ports::provider::{
    Change, ChangeAction, Operation, Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_testkit::arm_simulator::{Delay, LOCATION};
use serde_json::json;

fn plan(group: &str, sku: &str, tier: &str) -> ResourceHandle {
    let inputs = properties(json!({
        "region": LOCATION, "resource_group": group, "name": "the-plan", "sku": sku, "tier": tier, "tags": {},
    }));
    ResourceHandle {
        tags: tags("moves", "plan"),
        kind: "azure.plan".into(),
        inputs,
        id: None,
        outputs: properties(json!({})),
    }
}

fn change(action: ChangeAction, resource: ResourceHandle) -> Change {
    let secrets = ResolvedSecrets::default();
    Change { action, resource, previous_inputs: None, changed: BTreeSet::new(), secrets }
}

fn operation(id: &str, attempt: u32) -> Operation {
    Operation { id: id.into(), attempt }
}

#[tokio::test]
async fn what_has_a_fixed_name_is_replaced_where_it_is_and_once() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(1));
    let cloud = Cloud::at(azure.url());
    cloud.group("moves").await;
    let create = change(ChangeAction::Create, plan("moves-group", "Y1", "Dynamic"));
    let made = cloud.provider.apply(&create, &operation("1", 1)).await.expect("made");
    let wanted = plan("moves-group", "EP1", "ElasticPremium");
    let replace = change(ChangeAction::Replace, ResourceHandle { id: Some(made.id.clone()), ..wanted });
    azure.take_calls();
    for attempt in 1..=2 {
        let anew = cloud.provider.apply(&replace, &operation("2", attempt)).await.expect("made anew");
        assert_eq!(anew.id, made.id);
    }
    let gone = azure.calls().iter().filter(|call| call.method == "DELETE").count();
    assert_eq!(gone, 1, "a second try goes on from where the first got");
    assert_eq!(azure.resource(&made.id).expect("there")["sku"]["name"], "EP1");
}

#[tokio::test]
async fn a_component_in_another_region_shares_no_name_with_this_one() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let blueprint = rest_api(&cloud, "1").await;
    let lowered = |region: &str| {
        let settings = ProviderSettings { region: Some(region.into()) };
        cloud.provider.lower(&blueprint, &settings).expect("a graph")
    };
    let (here, there) = (lowered("westeurope"), lowered("eastus"));
    for (one, other) in here.iter().zip(there.iter()).filter(|(one, _)| one.inputs.contains_key("tags")) {
        let differing =
            one.replace_on.iter().filter(|key| one.inputs.get(*key) != other.inputs.get(*key)).count();
        assert!(differing > 0, "{} would be changed in place", one.address);
        assert_ne!(
            (one.inputs.get("resource_group"), one.inputs.get("name")),
            (other.inputs.get("resource_group"), other.inputs.get("name")),
            "{} would have the same id",
            one.address
        );
    }
    let unique = ["storage", "function_app"];
    for address in unique {
        let name = |graph: &semantest_iac_core::domain::deployment::resource_graph::ResourceGraph| {
            graph.get(&address.into()).expect("there").inputs["name"].clone()
        };
        assert_ne!(name(&here), name(&there), "{address} is known to the whole world by its name");
    }
}

#[tokio::test]
async fn what_was_made_before_a_crash_is_found_and_not_taken_for_somebody_elses() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    cloud.group("moves").await;
    let create = change(ChangeAction::Create, plan("moves-group", "Y1", "Dynamic"));
    let first = cloud.provider.apply(&create, &operation("1", 1)).await.expect("made");
    let again = cloud.provider.apply(&create, &operation("1", 2)).await.expect("its own");
    assert!(!first.adopted && !again.adopted, "the same operation");
    let later = cloud.provider.apply(&create, &operation("2", 1)).await.expect("ours");
    assert!(later.adopted, "another operation made it");
    let scope = Scope { project: "moves".into(), environment: "dev".into(), component: None, region: None };
    let found = cloud.provider.discover(&scope).await.expect("discovered");
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [first.id.as_str()]);
}

#[tokio::test]
async fn a_name_that_is_somebody_elses_is_told_as_that_and_not_tried_again() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    cloud.group("moves").await;
    azure.take_name("sttaken");
    let inputs = properties(json!({
        "region": LOCATION, "resource_group": "moves-group", "name": "sttaken", "sku": "Standard_LRS",
        "public_blobs": false, "https_only": true, "minimum_tls": "TLS1_2", "tags": {},
    }));
    let resource = ResourceHandle {
        tags: tags("moves", "storage"),
        kind: "azure.storage_account".into(),
        inputs,
        id: None,
        outputs: properties(json!({})),
    };
    azure.take_calls();
    let refused = cloud.provider.apply(&change(ChangeAction::Create, resource), &operation("1", 1)).await;
    let error = refused.expect_err("it is taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    assert!(error.message().contains("Somebody else has this name"), "{error}");
    assert!(error.context().iter().any(|(key, value)| key == "name" && value == "sttaken"), "{error:?}");
    let puts = azure.calls().iter().filter(|call| call.method == "PUT").count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn an_app_that_was_taken_away_by_somebody_is_missing_with_all_that_is_in_it() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    azure.remove(&deployed.output("function_app", "arn"));
    let drift = deployed.drift().await;
    let missing: Vec<&str> = drift.iter().filter_map(|found| found.strip_suffix(": missing")).collect();
    assert_eq!(missing, ["function.create", "function.list", "function_app", "function_app.settings"]);
}
