//! A layer: files that a function finds under `/opt`, beside its own code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A function has at most so many layers.
///
/// Source: AWS Lambda developer guide, "Lambda quotas".
pub const MOST_LAYERS: usize = 5;

/// A function's code and its layers together take at most so many bytes, unzipped.
///
/// Source: AWS Lambda developer guide, "Lambda quotas".
pub const UNZIPPED_LIMIT: u64 = 250 * 1024 * 1024;

/// A layer of a function. What lies in a later one is found instead of what an earlier one has in the same place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FunctionLayer {
    /// Folder or zip of the project, or the ARN of a version that is published on AWS.
    pub source: String,
    /// SHA-256 (hex) of its package in the artifact store; what has an ARN has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// The parts of a published layer's ARN that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerArn<'a> {
    /// `eu-west-1`, …
    pub region: &'a str,
    /// The ARN without the version: what two versions of one layer have in common.
    pub layer: &'a str,
}

/// Whether `source` is meant to be an ARN, and no path.
pub fn is_arn(source: &str) -> bool {
    source.starts_with("arn:")
}

impl<'a> LayerArn<'a> {
    /// Reads `arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>`.
    ///
    /// # Errors
    /// In words, saying what to do.
    pub fn parse(arn: &'a str) -> Result<Self, String> {
        let wrong = |why: &str| {
            let shown = arn.escape_debug();
            format!("`{shown}` {why}: write arn:aws:lambda:<region>:<account>:layer:<name>:<version>")
        };
        let parts: Vec<&str> = arn.split(':').collect();
        let [_, partition, service, region, account, kind, name, rest @ ..] = parts.as_slice() else {
            return Err(wrong("is no ARN of a layer"));
        };
        let word = |text: &str, more: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.chars().all(plain)
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_layer = *service == "lambda" && *kind == "layer" && partition.starts_with("aws");
        let is_account = account.len() == 12 && digits(account);
        if !is_layer || !is_account || !word(partition, "-") || !word(region, "-") || !word(name, "-_") {
            return Err(wrong("is no ARN of a layer"));
        }
        match rest {
            [version] if digits(version) && !version.starts_with('0') => {}
            [] => return Err(wrong("names no version of the layer")),
            _ => return Err(wrong("is no ARN of a layer")),
        }
        let layer = arn.rsplit_once(':').map_or(arn, |(layer, _)| layer);
        Ok(Self { region, layer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_a_layer_names_region_and_version() {
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:layer:my_tools-2:17";
        let read = LayerArn::parse(arn).expect("an ARN");
        assert_eq!(read.region, "cn-north-1");
        assert_eq!(read.layer, "arn:aws-cn:lambda:cn-north-1:123456789012:layer:my_tools-2");
    }

    #[test]
    fn what_is_no_arn_of_a_layer_is_refused_with_what_is_one() {
        for (arn, why) in [
            ("arn:aws:lambda:eu-west-1:123456789012:layer:tools", "names no version"),
            ("arn:aws:lambda:eu-west-1:123456789012:layer:tools:0", "no ARN of a layer"),
            ("arn:aws:lambda:eu-west-1:123456789012:layer:tools:$LATEST", "no ARN of a layer"),
            ("arn:aws:lambda:eu-west-1:123456789012:function:tools:3", "no ARN of a layer"),
            ("arn:aws:lambda:eu-west-1:12345:layer:tools:3", "no ARN of a layer"),
            ("arn:aws:lambda::123456789012:layer:tools:3", "no ARN of a layer"),
            ("arn:aws:lambda:eu-west-1:123456789012:layer:a/b:3", "no ARN of a layer"),
            ("arn:aws:lambda:eu-west-1:123456789012:layer:a:3:4", "no ARN of a layer"),
            ("arn:", "no ARN of a layer"),
        ] {
            let refused = LayerArn::parse(arn).expect_err(arn);
            assert!(refused.contains(why) && refused.contains(":layer:<name>:<version>"), "{refused}");
        }
    }
}
