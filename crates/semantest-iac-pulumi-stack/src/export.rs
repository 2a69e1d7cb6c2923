//! Pulumi's state of a stack, as `pulumi stack export` tells it: secrets stay encrypted.

use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// What stands for a secret.
pub(crate) const SECRET: &str = "[secret]";

/// Key that marks values that are more than JSON, and the mark of secrets.
///
/// Source: Pulumi, sdk/go/common/resource/sig/sig.go.
const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE: &str = "1b47061264138c4ac30d75fd1eb44270";

/// The type of the resource that stands for the stack itself.
const STACK: &str = "pulumi:pulumi:Stack";

/// A stack's state.
pub(crate) struct Export(Value);

impl Export {
    /// Reads what `pulumi stack export` printed.
    ///
    /// # Errors
    /// `Provider` for what is no such thing.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map(Self).map_err(|error| {
            let text = format!("what `pulumi stack export` printed cannot be read: {error}");
            Error::new(ErrorKind::Provider, "pulumi.export", text)
        })
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0["deployment"][name].as_array().into_iter().flatten()
    }

    /// Whether anything is in it.
    pub fn is_empty(&self) -> bool {
        self.list("resources").next().is_none()
    }

    /// What the program exports.
    pub fn outputs(&self) -> Properties {
        let stack = self.list("resources").find(|resource| resource["type"] == STACK);
        let outputs = stack.and_then(|stack| stack["outputs"].as_object());
        outputs.map(without_secrets).unwrap_or_default()
    }

    /// What was under way when an earlier run was broken off: what was done, and to which resource.
    pub fn pending(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.list("pending_operations")
            .map(|one| format!("{} {}", text(&one["type"]), text(&one["resource"]["urn"])))
            .collect()
    }
}

fn without_secrets(map: &Properties) -> Properties {
    map.iter().map(|(key, value)| (key.clone(), without_secret(value))).collect()
}

fn without_secret(value: &Value) -> Value {
    match value {
        Value::Object(map) if is_secret(map) => json!(SECRET),
        Value::Object(map) => Value::Object(without_secrets(map)),
        Value::Array(items) => items.iter().map(without_secret).collect(),
        other => other.clone(),
    }
}

fn is_secret(map: &Map<String, Value>) -> bool {
    map.get(SIGNATURE).is_some_and(|signature| signature == SECRET_SIGNATURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_among_outputs_are_left_out_wherever_they_are() {
        let secret = json!({ SIGNATURE: SECRET_SIGNATURE, "ciphertext": "v1:x", "plaintext": "canary" });
        let outputs =
            json!({ "url": "http://x", "size": 3, "all": [secret, { "deep": secret }], "token": secret });
        let resources =
            json!([{ "type": STACK, "outputs": outputs }, { "type": "a:b:C", "outputs": { "x": 1 } }]);
        let pending = json!([{ "type": "creating", "resource": { "urn": "urn:pulumi:p::q::a:b:C::x" } }]);
        let text =
            json!({ "deployment": { "resources": resources, "pending_operations": pending } }).to_string();
        let export = Export::read(&text).expect("an export");
        let expected =
            json!({ "url": "http://x", "size": 3, "all": [SECRET, { "deep": SECRET }], "token": SECRET });
        assert_eq!(Value::Object(export.outputs()), expected);
        assert_eq!(export.pending(), ["creating urn:pulumi:p::q::a:b:C::x"]);
        assert!(!export.is_empty());
    }

    #[test]
    fn a_stack_that_was_only_created_is_empty() {
        for text in
            [r#"{"version": 3, "deployment": {"manifest": {}}}"#, r#"{"deployment": {"resources": null}}"#]
        {
            let export = Export::read(text).expect("an export");
            assert!(export.is_empty() && export.outputs().is_empty() && export.pending().is_empty());
        }
        assert!(Export::read("error: no").is_err());
    }
}
