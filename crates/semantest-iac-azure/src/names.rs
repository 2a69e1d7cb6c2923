//! What resources are called. All of it is known before anything is there, but for the subscription.

use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::names::physical_name;
use sha2::{Digest, Sha256};

use crate::clients::Clients;

/// Put in when a call is made: eight letters and digits that stand for the subscription. Some names are unique in all of
/// Azure, and two companies may both have a shop.
pub(crate) const UNIQUE: &str = "${unique}";

/// How long [`UNIQUE`] is once it is put in.
const UNIQUE_LENGTH: usize = 8;

/// Digits that stand for the region in names that are unique in all of Azure: names stay taken for a while after what had
/// them is gone, and one made in another region meets none of them.
const REGION_DIGITS: usize = 4;

/// Azure's limit for resource groups.
const GROUP_LIMIT: usize = 90;

/// The resource group of a component in one region.
pub(crate) fn resource_group(blueprint: &Blueprint, region: &str) -> String {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component, region];
    physical_name(&parts, GROUP_LIMIT)
}

/// A name inside the component's resource group.
pub(crate) fn in_group(blueprint: &Blueprint, limit: usize) -> String {
    physical_name(&[&blueprint.project, &blueprint.environment, &blueprint.component], limit)
}

/// A name that nobody else in Azure has.
pub(crate) fn unique(blueprint: &Blueprint, region: &str, limit: usize) -> String {
    let room = limit - UNIQUE_LENGTH - REGION_DIGITS - 1;
    format!("{}-{}{UNIQUE}", in_group(blueprint, room), &digest(&[region])[..REGION_DIGITS])
}

/// A storage account's: 24 small letters and digits, unique in all of Azure.
pub(crate) fn storage_account(blueprint: &Blueprint, region: &str) -> String {
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component, region];
    format!("st{}{UNIQUE}", &digest(&parts)[..14])
}

/// A container app's: 32 small letters, digits and single dashes, and a letter first.
pub(crate) fn container_app(blueprint: &Blueprint) -> String {
    let plain = in_group(blueprint, 32);
    let fine = !plain.contains("--") && plain.starts_with(|letter: char| letter.is_ascii_lowercase());
    if fine && !plain.ends_with('-') {
        return plain;
    }
    let parts = [blueprint.project.as_str(), &blueprint.environment, &blueprint.component];
    format!("app-{}", &digest(&parts)[..16])
}

/// `text` with what stands for the subscription put in.
///
/// # Errors
/// Where no subscription is known.
pub(crate) async fn put_in(azure: &Clients, text: &str) -> Result<String> {
    if !text.contains(UNIQUE) {
        return Ok(text.to_owned());
    }
    let subscription = azure.subscription().await?.to_ascii_lowercase();
    Ok(text.replace(UNIQUE, &digest(&[&subscription])[..UNIQUE_LENGTH]))
}

fn digest(parts: &[&str]) -> String {
    hex::encode(Sha256::digest(parts.join("\0").as_bytes()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn blueprint(component: &str) -> Blueprint {
        let whole = json!({
            "project": "shop", "environment": "dev", "component": component, "kind": "rest-api",
        });
        serde_json::from_value(whole).expect("a blueprint")
    }

    fn put_in(name: &str) -> String {
        name.replace(UNIQUE, "01234567")
    }

    #[test]
    fn names_keep_to_their_limits_and_stay_apart() {
        let long = "a-component-whose-name-is-as-long-as-names-can-be-and-then-some-";
        let (one, other) = (blueprint(&format!("{long}1")), blueprint(&format!("{long}2")));
        for limit in [60, 63] {
            let name = put_in(&unique(&one, "westeurope", limit));
            assert!(name.len() <= limit, "{name}");
            assert_ne!(name, put_in(&unique(&other, "westeurope", limit)));
            assert_ne!(name, put_in(&unique(&one, "eastus", limit)), "another region, another name");
        }
        let account = put_in(&storage_account(&one, "eastus"));
        assert_eq!(account.len(), 24, "{account}");
        assert!(account.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()));
        assert_ne!(account, put_in(&storage_account(&other, "eastus")));
        assert!(container_app(&one).len() <= 32);
    }

    #[test]
    fn a_container_app_has_a_name_that_azure_takes() {
        assert_eq!(container_app(&blueprint("worker")), "shop-dev-worker");
        assert!(container_app(&blueprint("a--b")).starts_with("app-"));
    }
}
