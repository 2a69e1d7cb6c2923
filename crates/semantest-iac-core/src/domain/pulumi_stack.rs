//! A stack of a Pulumi program that somebody else has written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::environment::SettingValue;

/// A Pulumi program and one of its stacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PulumiStack {
    /// Folder of the program (where its `Pulumi.yaml` lies), relative to the project file.
    pub directory: String,
    /// Digest (SHA-256) of the program's files: another program is another version.
    pub program: String,
    /// Name of the stack.
    pub stack: String,
    /// Configuration laid over that of the program's `Pulumi.<stack>.yaml`, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, SettingValue>,
    /// Environment variables that `pulumi` and the program are given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, SettingValue>,
}

/// Longest name of a stack, in letters.
///
/// Source: Pulumi, sdk/go/common/tokens/stack.go.
const NAME_LIMIT: usize = 100;

/// Checks the name of a stack: `stack`, `organization/stack` or `organization/project/stack`, each of letters, digits, `_`, `.`
/// and `-`.
///
/// # Errors
/// What is wrong, in words.
pub fn check_stack_name(name: &str) -> Result<(), String> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let is_part = |part: &&str| {
        !part.is_empty()
            && part.len() <= NAME_LIMIT
            && !part.starts_with('-')
            && !part.chars().all(|letter| letter == '.')
            && part.chars().all(is_letter)
    };
    if parts.len() <= 3 && parts.iter().all(is_part) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name of a stack: write `production`, or `organization/project/production`, with letters, digits, _, . and -",
        name.escape_debug()
    ))
}

/// Checks a key of a stack's configuration: `name`, or `namespace:name`.
///
/// # Errors
/// What is wrong, in words.
pub fn check_config_key(key: &str) -> Result<(), String> {
    let parts: Vec<&str> = key.split(':').collect();
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
    let is_part = |part: &&str| !part.is_empty() && !part.starts_with('-') && part.chars().all(is_letter);
    if parts.len() <= 2 && parts.iter().all(is_part) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no key of a stack's configuration: write `name`, or `namespace:name` such as `aws:region`",
        key.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_pulumi_would_not_take_or_take_for_something_else_are_refused() {
        for good in ["production", "acme/prod", "acme/net-work/prod_1.2"] {
            assert_eq!(check_stack_name(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "--yes", "-x", "a/b/c/d", "a//b", "..", "../prod", "pröd", "a\nb", "acme/--x"]
        {
            assert!(check_stack_name(bad).is_err(), "{bad}");
        }
        for good in ["region", "aws:region", "net:some-key", "net:a.b"] {
            assert_eq!(check_config_key(good), Ok(()), "{good}");
        }
        for bad in ["", ":", "a:", ":b", "a:b:c", "--plaintext", "a:-b", "a b", "a=b"] {
            assert!(check_config_key(bad).is_err(), "{bad}");
        }
    }
}
