//! JSON Web Tokens, judged as the JWT authorizers of HTTP APIs judge them.
//!
//! Sources: API Gateway developer guide, "Control access to HTTP APIs with JWT authorizers" (which claims are checked, RSA
//! only, `kid` needed); RFC 7515 (compact serialization, `crit`) and RFC 7519 (NumericDate).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};
use semantest_iac_core::domain::networking::authorizer::JwtAuthorizer;
use semantest_iac_core::domain::networking::key_set::{KeySet, PublicKey};
use serde_json::{Map, Value, json};

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is none, or not for this API; in words for the client.
    Invalid(&'static str),
    /// It has none of the scopes that the route asks for.
    Scopes,
}

/// Judges `token` at `now` (seconds since 1970), for a route that asks for one of `scopes`: what the route's function is
/// told of it.
pub(super) fn judge(
    authorizer: &JwtAuthorizer,
    token: &str,
    scopes: &[String],
    now: f64,
) -> Result<Value, Refusal> {
    let keys = authorizer.jwks.as_ref().ok_or(Refusal::Invalid("no key set to judge it by"))?;
    let claims = signed_claims(keys, bare(token)).map_err(Refusal::Invalid)?;
    check_claims(authorizer, &claims, now).map_err(Refusal::Invalid)?;
    let held = scopes_of(&claims);
    let asked = scopes.iter().filter(|scope| held.contains(&scope.as_str()));
    let granted: Vec<&String> = asked.collect();
    if granted.is_empty() && !scopes.is_empty() {
        return Err(Refusal::Scopes);
    }
    // Where a route asks for none, none are told of.
    let granted = if scopes.is_empty() { Value::Null } else { json!(granted) };
    let claims: Map<String, Value> =
        claims.into_iter().filter_map(|(name, value)| Some((name, in_words(&value)?.into()))).collect();
    Ok(json!({ "claims": claims, "scopes": granted }))
}

/// The token without the word that stands before it in an `Authorization` header.
fn bare(token: &str) -> &str {
    let token = token.trim();
    match token.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => token,
    }
}

/// The claims of a token that one of `keys` has signed.
fn signed_claims(keys: &KeySet, token: &str) -> Result<Map<String, Value>, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err("the token is not a signed JWT") };
    let header = object(header).ok_or("the token's header cannot be read")?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let algorithm =
        text("alg").and_then(algorithm).ok_or("the token is not signed by RS256, RS384 or RS512")?;
    // Whoever does not understand what is critical must not believe the token.
    if header.contains_key("crit") {
        return Err("the token has critical header parameters that are not known");
    }
    let kid = text("kid").ok_or("the token names no key (kid)")?;
    let named = keys.keys.iter().filter(|key| key.kid == kid);
    let mut fitting = named.filter(|key| key.alg.is_none() || key.alg.as_deref() == text("alg")).peekable();
    if fitting.peek().is_none() {
        return Err("the token's key (kid) is not in the key set");
    }
    let signed = &token[..token.len() - signature.len() - 1];
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the token's signature cannot be read")?;
    if !fitting.any(|key| verifies(key, algorithm, signed.as_bytes(), &signature)) {
        return Err("the token's signature is not the issuer's");
    }
    object(payload).ok_or("the token's claims cannot be read")
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&text).ok()
}

fn algorithm(name: &str) -> Option<&'static RsaParameters> {
    match name {
        "RS256" => Some(&RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

fn verifies(key: &PublicKey, algorithm: &RsaParameters, signed: &[u8], signature: &[u8]) -> bool {
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes[zeros..].to_vec()
    };
    let key = RsaPublicKeyComponents { n: number(&key.n), e: number(&key.e) };
    key.verify(algorithm, signed, signature).is_ok()
}

fn check_claims(
    authorizer: &JwtAuthorizer,
    claims: &Map<String, Value>,
    now: f64,
) -> Result<(), &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(authorizer.issuer.as_str()) {
        return Err("the token does not have a valid issuer");
    }
    // `client_id` counts only where there is no `aud`.
    let audience = claims.get("aud").or_else(|| claims.get("client_id"));
    let is_ours = |value: &Value| authorizer.audience.iter().any(|audience| value == audience.as_str());
    let ours = match audience {
        Some(Value::Array(all)) => all.iter().any(is_ours),
        one => one.is_some_and(is_ours),
    };
    if !ours {
        return Err("the token does not have a valid audience");
    }
    if claims.get("exp").and_then(Value::as_f64).is_none_or(|expires| expires <= now) {
        return Err("the token has expired");
    }
    let begun = |name: &str| claims.get(name).is_none_or(|at| at.as_f64().is_some_and(|at| at <= now));
    match (begun("nbf"), begun("iat")) {
        (false, _) => Err("the token is not valid yet (nbf)"),
        (_, false) => Err("the token was issued in the future (iat)"),
        _ => Ok(()),
    }
}

/// Of `scope`, or else `scp`: words in one text, or a list.
fn scopes_of(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Value::String(words)) => words.split_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A claim as events have it: all of them are text, lists as `[a b]`; what is null is left out.
fn in_words(claim: &Value) -> Option<String> {
    Some(match claim {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items = items.iter().map(|item| in_words(item).unwrap_or_default());
            format!("[{}]", items.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::signing::{KID, authorizer, sign, signed};
    use super::*;

    const NOW: f64 = 1_800_000_000.0;

    fn claims(changes: Value) -> Value {
        let mut claims = json!({
            "iss": "https://id.example.com", "aud": "orders", "sub": "ann", "exp": NOW + 60.0, "iat": NOW - 60.0,
        });
        claims.as_object_mut().expect("claims").extend(changes.as_object().expect("changes").clone());
        claims
    }

    fn judged(token: &str, scopes: &[&str]) -> Result<Value, Refusal> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        judge(&authorizer(), token, &scopes, NOW)
    }

    #[test]
    fn a_signed_token_for_this_api_lets_in_with_or_without_the_word_bearer() {
        for algorithm in ["RS256", "RS384", "RS512"] {
            let token = signed(algorithm, claims(json!({})));
            for said in [token.clone(), format!("Bearer {token}"), format!("bearer  {token}")] {
                let told = judged(&said, &[]).expect(algorithm);
                assert_eq!((&told["claims"]["sub"], &told["scopes"]), (&json!("ann"), &Value::Null));
            }
        }
    }

    #[test]
    fn claims_are_told_as_text() {
        let token = signed(
            "RS256",
            claims(json!({
                "admin": true, "groups": ["a", "b", 3], "none": null, "nested": { "a": [1] }, "n": 1.5, "empty": [],
            })),
        );
        let told = judged(&token, &[]).expect("let in");
        assert_eq!(
            told["claims"],
            json!({
                "iss": "https://id.example.com", "aud": "orders", "sub": "ann", "exp": "1800000060.0",
                "iat": "1799999940.0", "admin": "true", "groups": "[a b 3]", "nested": "{\"a\":[1]}", "n": "1.5",
                "empty": "[]",
            })
        );
    }

    #[test]
    fn what_the_claims_say_is_held_to() {
        let cases = [
            (json!({ "iss": "https://id.example.com/" }), "issuer"),
            (json!({ "iss": null }), "issuer"),
            (json!({ "aud": "carts" }), "audience"),
            (json!({ "aud": ["carts", "wishes"], "client_id": "orders" }), "audience"),
            (json!({ "aud": null, "client_id": "orders" }), "audience"),
            (json!({ "exp": NOW }), "expired"),
            (json!({ "exp": null }), "expired"),
            (json!({ "exp": "1900000000" }), "expired"),
            (json!({ "nbf": NOW + 1.0 }), "nbf"),
            (json!({ "nbf": "soon" }), "nbf"),
            (json!({ "iat": NOW + 1.0 }), "iat"),
        ];
        for (changes, said) in cases {
            let refused = judged(&signed("RS256", claims(changes.clone())), &[]);
            assert!(
                matches!(refused, Err(Refusal::Invalid(why)) if why.contains(said)),
                "{changes}: {refused:?}"
            );
        }
        for changes in [json!({ "aud": ["x", "orders"] }), json!({ "nbf": NOW, "iat": NOW })] {
            assert!(judged(&signed("RS256", claims(changes.clone())), &[]).is_ok(), "{changes}");
        }
        let mut by_client = claims(json!({ "client_id": "orders" }));
        by_client.as_object_mut().expect("claims").remove("aud");
        assert!(judged(&signed("RS256", by_client), &[]).is_ok(), "client_id counts without aud");
    }

    #[test]
    fn one_of_the_scopes_is_enough_and_those_that_match_are_told() {
        for (name, held) in [("scope", json!("a b")), ("scp", json!("a b")), ("scp", json!(["a", "b"]))] {
            let token = signed("RS256", claims(json!({ name: held })));
            assert_eq!(judged(&token, &["b", "c"]).expect("let in")["scopes"], json!(["b"]));
            assert_eq!(judged(&token, &["c"]), Err(Refusal::Scopes), "{name} {held}");
        }
        assert_eq!(judged(&signed("RS256", claims(json!({}))), &["a"]), Err(Refusal::Scopes));
    }

    #[test]
    fn tokens_that_no_key_has_signed_are_refused() {
        let refused = |header: Value, said: &str| {
            let refused = judged(&sign("RS256", header.clone(), claims(json!({}))), &[]);
            assert!(
                matches!(refused, Err(Refusal::Invalid(why)) if why.contains(said)),
                "{header}: {refused:?}"
            );
        };
        refused(json!({ "alg": "none", "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "alg": "HS256", "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "alg": "ES256", "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "alg": "PS256", "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "alg": ["RS256"], "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "kid": KID }), "RS256, RS384 or RS512");
        refused(json!({ "alg": "RS256" }), "names no key");
        refused(json!({ "alg": "RS256", "kid": "other" }), "not in the key set");
        refused(json!({ "alg": "RS256", "kid": KID, "crit": ["exp"] }), "critical");
        refused(json!({ "alg": "RS512", "kid": KID }), "signature is not the issuer's");
        let token = signed("RS256", claims(json!({})));
        let (begin, signature) = token.rsplit_once('.').expect("three parts");
        let other = signed("RS256", claims(json!({ "sub": "bob" })));
        let swapped = format!("{begin}.{}", other.rsplit_once('.').expect("three parts").1);
        let (header, payload) = begin.split_once('.').expect("two parts");
        for hostile in [
            String::new(),
            "Bearer".into(),
            "Basic YTpi".into(),
            begin.to_owned(),
            format!("{begin}."),
            format!("{token}.x"),
            format!("{begin}.{}", &signature[..signature.len() - 4]),
            format!("{header}.{payload}=.{signature}"),
            format!("{}.{payload}.{signature}", "e".repeat(1 << 20)),
            format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode("[".repeat(100_000))),
            "..".into(),
            "\u{fc}.\u{fc}.\u{fc}".into(),
            swapped,
        ] {
            let refused = judged(&hostile, &[]);
            let begins: String = hostile.chars().take(40).collect();
            assert!(matches!(refused, Err(Refusal::Invalid(_))), "{begins}: {refused:?}");
        }
    }

    #[test]
    fn a_key_with_an_algorithm_of_its_own_believes_no_other() {
        let mut authorizer = authorizer();
        let keys = authorizer.jwks.as_mut().expect("keys");
        keys.keys[0].alg = Some("RS256".into());
        assert!(judge(&authorizer, &signed("RS256", claims(json!({}))), &[], NOW).is_ok());
        let refused = judge(&authorizer, &signed("RS512", claims(json!({}))), &[], NOW);
        assert!(
            matches!(refused, Err(Refusal::Invalid(why)) if why.contains("not in the key set")),
            "{refused:?}"
        );
    }

    proptest! {
        #[test]
        fn no_text_that_nobody_signed_lets_in_or_panics(text in ".{0,200}", letters in "[A-Za-z0-9_.-]{0,200}") {
            prop_assert!(judged(&text, &[]).is_err());
            prop_assert!(judged(&letters, &[]).is_err());
            let with_a_header = format!("eyJhbGciOiJSUzI1NiJ9.{letters}");
            prop_assert!(judged(&with_a_header, &[]).is_err());
        }
    }
}
