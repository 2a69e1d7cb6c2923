//! What `doctor` tells: which cloud, identity, subscription and location, and what that identity may do. Nothing is changed.

use semantest_iac_core::Result;
use semantest_iac_core::ports::provider::{Finding, Provider, ProviderSettings};
use serde_json::Value;

use crate::clients::{Clients, SUBSCRIPTIONS_API};
use crate::cloud::Cloud;
use crate::provider::AzureProvider;

/// Of resource providers.
const PROVIDERS_API: &str = "2024-03-01";

/// Of permissions.
const PERMISSIONS_API: &str = "2022-04-01";

/// The resource providers that components are made of.
const NAMESPACES: [&str; 6] = [
    "Microsoft.App",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.SignalRService",
    "Microsoft.Storage",
    "Microsoft.Web",
];

/// What a deployment does.
const ACTIONS: [&str; 8] = [
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Resources/subscriptions/resourceGroups/delete",
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.Web/sites/write",
    "Microsoft.Insights/components/write",
    "Microsoft.SignalRService/webPubSub/write",
    "Microsoft.App/containerApps/write",
];

pub(crate) async fn diagnose(provider: &AzureProvider, settings: &ProviderSettings) -> Result<Vec<Finding>> {
    let azure = match provider.clients() {
        Ok(azure) => azure,
        Err(error) => return Ok(vec![finding("azure endpoint", false, error.message())]),
    };
    let mut findings = vec![location(provider, settings).await];
    let cloud = format!("{:?} ({})", azure.settings().cloud, azure.settings().cloud.resource_manager());
    findings.push(match Cloud::unknown() {
        None => finding("azure cloud", true, &cloud),
        Some(name) => {
            let text = format!(
                "there is no cloud `{}`; {cloud} is taken: set AZURE_CLOUD_NAME",
                name.escape_debug()
            );
            finding("azure cloud", false, &text)
        }
    });
    if let Some(endpoint) = &azure.settings().endpoint {
        findings.push(finding("azure endpoint", true, &format!("{endpoint}, instead of Azure's own")));
    }
    match azure.caller.token_claims().await {
        Ok(claims) => findings.push(finding("azure identity", true, &who(azure, &claims))),
        Err(error) => {
            findings.push(finding("azure identity", false, error.message()));
            return Ok(findings);
        }
    }
    let subscription = match azure.subscription().await {
        Ok(subscription) => subscription,
        Err(error) => {
            findings.push(finding("azure subscription", false, error.message()));
            return Ok(findings);
        }
    };
    let (found, providers, permissions) =
        tokio::join!(described(azure, subscription), providers(azure), permissions(azure));
    findings.push(found);
    findings.push(providers);
    findings.push(permissions);
    Ok(findings)
}

fn finding(name: &str, ok: bool, detail: &str) -> Finding {
    Finding { name: name.to_owned(), ok, detail: detail.to_owned() }
}

async fn location(provider: &AzureProvider, settings: &ProviderSettings) -> Finding {
    match (&settings.region, provider.default_region().await) {
        (Some(region), _) => finding("azure location", true, &format!("{region} (the environment's)")),
        (None, Some(region)) => finding("azure location", true, &format!("{region} (this machine's)")),
        (None, None) => finding(
            "azure location",
            false,
            "none: set `region` of the environment in semantest.toml, or AZURE_DEFAULTS_LOCATION",
        ),
    }
}

/// Whom the token is for, as its claims say it.
fn who(azure: &Clients, claims: &Value) -> String {
    let claim = |names: &[&str]| names.iter().find_map(|name| claims[*name].as_str()).map(str::to_owned);
    let name = claim(&["upn", "unique_name", "preferred_username", "appid", "oid"]);
    let tenant = claim(&["tid"]).map_or_else(String::new, |tenant| format!(" in tenant {tenant}"));
    let source = azure.caller.credential_source();
    format!("{}{tenant}, by {source}", name.unwrap_or_else(|| "somebody that the token does not name".into()))
}

async fn described(azure: &Clients, subscription: &str) -> Finding {
    match azure.arm.get(&format!("/subscriptions/{subscription}"), SUBSCRIPTIONS_API).await {
        Ok(Some(found)) => {
            let name = found["displayName"].as_str().unwrap_or("unnamed");
            let state = found["state"].as_str().unwrap_or("Enabled");
            let usable = ["enabled", "warned"].iter().any(|word| state.eq_ignore_ascii_case(word));
            finding("azure subscription", usable, &format!("{subscription} ({name}, {state})"))
        }
        Ok(None) => {
            let text = format!("{subscription}: this identity sees no such subscription");
            finding("azure subscription", false, &text)
        }
        Err(error) => finding("azure subscription", false, error.message()),
    }
}

/// Providers that are not registered are so by the first deployment that needs them.
async fn providers(azure: &Clients) -> Finding {
    let name = "azure resource providers";
    let listed = async { azure.arm.list(&azure.path("/providers").await?, PROVIDERS_API).await };
    let listed = match listed.await {
        Ok(listed) => listed,
        Err(error) => return finding(name, false, error.message()),
    };
    let is_registered = |namespace: &str| {
        listed.iter().any(|one| {
            let of_it = one["namespace"].as_str().is_some_and(|text| text.eq_ignore_ascii_case(namespace));
            of_it
                && one["registrationState"]
                    .as_str()
                    .is_some_and(|text| text.eq_ignore_ascii_case("registered"))
        })
    };
    let missing: Vec<&str> = NAMESPACES.into_iter().filter(|one| !is_registered(one)).collect();
    match (missing.as_slice(), azure.settings().register_providers) {
        ([], _) => finding(name, true, "all that components need are registered"),
        (missing, true) => {
            let text = format!("not yet registered, and registered when needed: {}", missing.join(", "));
            finding(name, true, &text)
        }
        (missing, false) => {
            let text = format!("not registered (az provider register --namespace …): {}", missing.join(", "));
            finding(name, false, &text)
        }
    }
}

async fn permissions(azure: &Clients) -> Finding {
    let name = "azure permissions";
    let asked = async {
        let path = azure.path("/providers/Microsoft.Authorization/permissions").await?;
        azure.arm.list(&path, PERMISSIONS_API).await
    };
    let granted = match asked.await {
        Ok(granted) => granted,
        // Reading one's own permissions is a permission, too.
        Err(error) => {
            let text =
                format!("not known: Azure cannot be asked what this identity may do ({})", error.message());
            return finding(name, true, &text);
        }
    };
    let lacking: Vec<&str> = ACTIONS.into_iter().filter(|action| !may(&granted, action)).collect();
    match lacking.as_slice() {
        [] => finding(name, true, "may do what a deployment does"),
        lacking => {
            let text = format!(
                "lacks {} in the whole subscription (a role on a resource group may still do)",
                lacking.join(", ")
            );
            finding(name, false, &text)
        }
    }
}

/// Whether one of the roles allows `action`: each takes away from what it gives itself, not from what others give.
fn may(granted: &[Value], action: &str) -> bool {
    let any = |role: &Value, list: &str| {
        let patterns = role[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        patterns.into_iter().any(|pattern| matches(pattern, action))
    };
    granted.iter().any(|role| any(role, "actions") && !any(role, "notActions"))
}

/// Whether `action` is one of `pattern`, where `*` stands for anything.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_gives_what_its_patterns_cover_and_does_not_take_away_again() {
        let contributor = json!({ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] });
        let reader = json!({ "actions": ["*/read"], "notActions": [] });
        let web = json!({ "actions": ["Microsoft.Web/*"], "notActions": ["Microsoft.Web/sites/delete"] });
        assert!(may(std::slice::from_ref(&contributor), "Microsoft.Web/sites/write"));
        assert!(!may(&[contributor], "Microsoft.Authorization/roleAssignments/write"));
        assert!(!may(std::slice::from_ref(&reader), "Microsoft.Web/sites/write"));
        assert!(may(&[reader, web.clone()], "microsoft.web/sites/write"));
        assert!(!may(&[web], "Microsoft.Web/sites/delete"));
    }
}
