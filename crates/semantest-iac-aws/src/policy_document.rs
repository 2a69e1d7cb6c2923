//! IAM policy documents: written in one way, read in every way AWS gives them back.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The trust policy by which `service` may assume a role.
pub(crate) fn trust(service: &str) -> String {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole",
        }],
    });
    document.to_string()
}

/// A document, as IAM gives it: JSON, percent-encoded.
pub(crate) fn read(text: &str) -> Option<Value> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    serde_json::from_str(&decoded).or_else(|_| serde_json::from_str(text)).ok()
}

/// Whether two documents say the same: a list of one is the one, and lists have no order.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => normal(&items[0]),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_however_it_is_encoded() {
        let text = trust("lambda.amazonaws.com");
        let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(read(&encoded.to_string()), read(&text));
        assert!(read("nonsense").is_none());
    }

    #[test]
    fn documents_that_say_the_same_are_the_same() {
        let one = json!({"Statement": [{"Action": ["b", "a"], "Effect": "Allow"}]});
        let other = json!({"Statement": {"Effect": "Allow", "Action": ["a", "b"]}});
        assert!(same(&one, &other));
        assert!(!same(&one, &json!({"Statement": {"Effect": "Allow", "Action": ["a"]}})));
    }
}
