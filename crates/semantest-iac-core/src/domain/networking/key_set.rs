//! The public keys that an issuer signs tokens with: a JSON Web Key Set.
//!
//! Source: RFC 7517 (JSON Web Key) and RFC 7518, section 6.3 (parameters of RSA keys).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Members that only private or symmetric keys have (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Letters of the Base64 of a modulus of 2048 bits: shorter RSA keys are not believed.
const MODULUS_LETTERS: usize = 342;

/// RSA keys by which tokens are judged. Holds nothing that is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeySet {
    /// The keys, in their order.
    pub keys: Vec<PublicKey>,
}

/// A public RSA key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicKey {
    /// By which a token names it.
    pub kid: String,
    /// Modulus: big-endian, Base64 of URLs without padding.
    pub n: String,
    /// Exponent, written in the same way.
    pub e: String,
    /// The only algorithm it is used with, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
}

impl KeySet {
    /// Reads a key set as issuers publish it. Keys that no token of an HTTP API can be signed with (of other types, for
    /// encryption, without an id) are passed over.
    ///
    /// # Errors
    /// In words: no key set, a private key, or no key that can be used.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| format!("is not JSON: {error}"))?;
        let Some(Value::Array(keys)) = value.get("keys") else {
            return Err(
                r#"is no key set: it must be {"keys": [...]}, as the issuer's jwks_uri answers"#.into()
            );
        };
        let all: Vec<&Map<String, Value>> = keys.iter().filter_map(Value::as_object).collect();
        if all.iter().any(|key| PRIVATE.iter().any(|member| key.contains_key(*member))) {
            return Err(
                "holds a private key: give it the public ones only, and make the private one anew if \
                        anybody may have seen it"
                    .into(),
            );
        }
        let keys: Vec<PublicKey> = all.into_iter().filter_map(usable).collect();
        match keys.is_empty() {
            true => Err("has no RSA key of 2048 bits or more with a `kid`: HTTP APIs know no other".into()),
            false => Ok(Self { keys }),
        }
    }
}

fn usable(key: &Map<String, Value>) -> Option<PublicKey> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let number = |name: &str| text(name).filter(|text| is_base64_of_urls(text)).map(str::to_owned);
    let signs = text("kty") == Some("RSA") && text("use").is_none_or(|purpose| purpose == "sig");
    let (n, e) = (number("n")?, number("e")?);
    let kid = text("kid").filter(|kid| !kid.is_empty())?.to_owned();
    let alg = text("alg").map(str::to_owned);
    (signs && n.len() >= MODULUS_LETTERS).then_some(PublicKey { kid, n, e, alg })
}

fn is_base64_of_urls(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(changes: Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": "one", "use": "sig", "n": "x".repeat(342), "e": "AQAB" });
        key.as_object_mut().expect("a key").extend(changes.as_object().expect("changes").clone());
        key
    }

    fn parsed(keys: &[Value]) -> Result<Vec<String>, String> {
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())?;
        Ok(set.keys.into_iter().map(|key| key.kid).collect())
    }

    #[test]
    fn keys_that_no_token_can_be_signed_with_are_passed_over() {
        let others = [
            key(json!({ "kid": "ec", "kty": "EC" })),
            key(json!({ "kid": "enc", "use": "enc" })),
            key(json!({ "kid": "short", "n": "x".repeat(171) })),
            key(json!({ "kid": "odd", "n": "+".repeat(342) })),
            key(json!({ "kid": "" })),
            key(json!({ "kid": null })),
        ];
        let with_one = others.iter().cloned().chain([key(json!({ "alg": "RS512" }))]).collect::<Vec<_>>();
        assert_eq!(parsed(&with_one), Ok(vec!["one".to_owned()]));
        assert!(parsed(&others).expect_err("none is left").contains("no RSA key"));
    }

    #[test]
    fn a_private_key_is_refused_wherever_it_stands() {
        for member in ["d", "p", "k"] {
            let refused = parsed(&[key(json!({})), key(json!({ "kid": "two", member: "x" }))]);
            let why = refused.expect_err(member);
            assert!(
                why.contains("private key") && !why.contains('x'.to_string().repeat(9).as_str()),
                "{why}"
            );
        }
    }

    #[test]
    fn what_is_no_key_set_says_what_one_looks_like() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "-----BEGIN PUBLIC KEY-----"] {
            let why = KeySet::parse(text.as_bytes()).expect_err(text);
            assert!(why.contains("not JSON") || why.contains("jwks_uri"), "{text}: {why}");
        }
    }
}
