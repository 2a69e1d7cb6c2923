//! What the Azure command line has written down about this machine's user: the default subscription and location.

use std::path::PathBuf;

use serde_json::Value;

/// The folder of the Azure command line.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("AZURE_CONFIG_DIR").or_else(|| Some(set("HOME").or_else(|| set("USERPROFILE"))?.join(".azure")))
}

/// The subscription that `az account set` chose.
pub(crate) fn default_subscription() -> Option<String> {
    subscription_in(&std::fs::read_to_string(folder()?.join("azureProfile.json")).ok()?)
}

/// The location that `az configure --defaults location=…` set.
pub(crate) fn default_location() -> Option<String> {
    location_in(&std::fs::read_to_string(folder()?.join("config")).ok()?)
}

fn subscription_in(profile: &str) -> Option<String> {
    // The command line writes a byte order mark.
    let profile: Value = serde_json::from_str(profile.trim_start_matches('\u{feff}')).ok()?;
    let all = profile["subscriptions"].as_array()?;
    let chosen = all.iter().find(|one| one["isDefault"] == Value::Bool(true))?;
    chosen["id"].as_str().map(str::to_owned)
}

fn location_in(config: &str) -> Option<String> {
    let mut section = "";
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((key, value)) = line.split_once('=')
            && section == "defaults"
            && key.trim() == "location"
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
        assert_eq!(subscription_in(profile).as_deref(), Some("b"));
        let config = "[cloud]\nname = AzureCloud\n[defaults]\nlocation = westeurope\n";
        assert_eq!(location_in(config).as_deref(), Some("westeurope"));
        assert_eq!(location_in("[core]\nlocation = x\n"), None);
    }
}
