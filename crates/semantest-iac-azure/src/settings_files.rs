//! What the Azure command line has written down about this machine's user: the default subscription, location and cloud.

use std::path::PathBuf;

use serde_json::Value;

use crate::cloud::Cloud;

/// The folder of the Azure command line.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("AZURE_CONFIG_DIR").or_else(|| Some(set("HOME").or_else(|| set("USERPROFILE"))?.join(".azure")))
}

/// The subscription that `az account set` chose in this cloud.
pub(crate) fn default_subscription(cloud: Cloud) -> Option<String> {
    subscription_in(&std::fs::read_to_string(folder()?.join("azureProfile.json")).ok()?, cloud)
}

/// The location that `az configure --defaults location=…` set.
pub(crate) fn default_location() -> Option<String> {
    configured("defaults", "location")
}

/// The name of the cloud that `az cloud set` chose.
pub(crate) fn default_cloud() -> Option<String> {
    configured("cloud", "name")
}

fn configured(section: &str, key: &str) -> Option<String> {
    value_in(&std::fs::read_to_string(folder()?.join("config")).ok()?, section, key)
}

fn subscription_in(profile: &str, cloud: Cloud) -> Option<String> {
    // The command line writes a byte order mark.
    let profile: Value = serde_json::from_str(profile.trim_start_matches('\u{feff}')).ok()?;
    let all = profile["subscriptions"].as_array()?;
    // Each cloud has a default of its own.
    let is_here =
        |one: &Value| one["environmentName"].as_str().is_none_or(|name| Cloud::named(name) == Some(cloud));
    let chosen = all.iter().find(|one| one["isDefault"] == Value::Bool(true) && is_here(one))?;
    chosen["id"].as_str().map(str::to_owned)
}

fn value_in(config: &str, wanted_section: &str, wanted_key: &str) -> Option<String> {
    let mut section = "";
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((key, value)) = line.split_once('=')
            && section == wanted_section
            && key.trim() == wanted_key
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lines_choices_are_read_from_its_files() {
        let profile = "\u{feff}{\"subscriptions\":[{\"id\":\"a\",\"isDefault\":false},{\"id\":\"b\",\"isDefault\":true}]}";
        assert_eq!(subscription_in(profile, Cloud::Public).as_deref(), Some("b"));
        let several = "{\"subscriptions\":[{\"id\":\"a\",\"isDefault\":true,\"environmentName\":\"AzureCloud\"},\
                       {\"id\":\"c\",\"isDefault\":true,\"environmentName\":\"AzureChinaCloud\"}]}";
        assert_eq!(subscription_in(several, Cloud::China).as_deref(), Some("c"));
        assert_eq!(subscription_in(several, Cloud::UsGovernment), None);
        let config = "[cloud]\nname = AzureCloud\n[defaults]\nlocation = westeurope\n";
        assert_eq!(value_in(config, "defaults", "location").as_deref(), Some("westeurope"));
        assert_eq!(value_in(config, "cloud", "name").as_deref(), Some("AzureCloud"));
        assert_eq!(value_in("[core]\nlocation = x\n", "defaults", "location"), None);
    }
}
