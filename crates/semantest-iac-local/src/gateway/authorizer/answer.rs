//! What a Lambda authorizer answers.
//!
//! Source: API Gateway developer guide, "Lambda authorizers for HTTP APIs" (response format 2.0, simple responses) and
//! "Output from a Lambda authorizer".

use serde_json::{Map, Value};

use super::policy::Policy;

/// Largest answer, in bytes (API Gateway quotas).
const SIZE_LIMIT: usize = 8 * 1024;

/// An answer that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    verdict: Verdict,
    /// Who is asking; answers with a policy say so.
    pub principal: Option<String>,
    /// What functions are told of who is asking.
    pub context: Option<Map<String, Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Simple(bool),
    Policy(Policy),
}

impl Answer {
    /// Reads an answer; `simple` says of which of the two shapes it has to be.
    ///
    /// # Errors
    /// What is wrong with it, in words for the function's log.
    pub fn read(payload: &[u8], simple: bool) -> Result<Self, String> {
        if payload.len() > SIZE_LIMIT {
            return Err(format!("it has {} bytes; {SIZE_LIMIT} are the most", payload.len()));
        }
        let answer: Value =
            serde_json::from_slice(payload).map_err(|error| format!("it is not JSON: {error}"))?;
        let context = match answer.get("context") {
            None | Some(Value::Null) => None,
            Some(Value::Object(context)) => Some(context.clone()),
            Some(_) => return Err("its context is no object".into()),
        };
        if simple {
            let authorized = answer.get("isAuthorized").and_then(Value::as_bool);
            let authorized = authorized
                .ok_or("it must be { \"isAuthorized\": true or false }, since simple_responses is true")?;
            return Ok(Self { verdict: Verdict::Simple(authorized), principal: None, context });
        }
        let Some(document) = answer.get("policyDocument") else {
            return Err("it must have a policyDocument (or set simple_responses = true and answer \
                        { \"isAuthorized\": true })"
                .into());
        };
        let principal = answer.get("principalId").and_then(Value::as_str).filter(|id| !id.is_empty());
        let principal = principal.ok_or("it has no principalId, a text that says who is asking")?;
        let verdict = Verdict::Policy(Policy::read(document)?);
        Ok(Self { verdict, principal: Some(principal.to_owned()), context })
    }

    /// Whether the route at `arn` may be called.
    pub fn allows(&self, arn: &str) -> bool {
        match &self.verdict {
            Verdict::Simple(authorized) => *authorized,
            Verdict::Policy(policy) => policy.allows(arn),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy() -> Value {
        json!({
            "principalId": "ann", "context": { "tier": "gold" },
            "policyDocument": { "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*/GET/*" } },
        })
    }

    #[test]
    fn both_shapes_say_who_may_call_and_what_functions_are_told() {
        let simple = json!({ "isAuthorized": true, "context": { "list": [1, { "a": null }] } });
        let simple = Answer::read(simple.to_string().as_bytes(), true).expect("an answer");
        assert!(simple.allows("anything"));
        assert_eq!(simple.context.expect("a context")["list"], json!([1, { "a": null }]));
        let answer = Answer::read(policy().to_string().as_bytes(), false).expect("an answer");
        assert!(answer.allows("api/x/GET/a") && !answer.allows("api/x/POST/a"));
        assert_eq!(answer.principal.as_deref(), Some("ann"));
        assert_eq!(answer.context.expect("a context")["tier"], "gold");
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said() {
        let with = |key: &str, value: Value| {
            let mut answer = policy();
            answer[key] = value;
            answer
        };
        let cases = [
            (json!({ "isAuthorized": "true" }), true, "isAuthorized"),
            (policy(), true, "isAuthorized"),
            (json!({ "isAuthorized": true }), false, "simple_responses = true"),
            (with("principalId", json!("")), false, "principalId"),
            (with("principalId", json!(7)), false, "principalId"),
            (with("context", json!("text")), false, "context"),
            (with("policyDocument", json!({})), false, "Statement"),
            (with("context", json!({ "x": "y".repeat(8192) })), false, "8192 are the most"),
            (json!(null), true, "isAuthorized"),
        ];
        for (answer, simple, said) in cases {
            let why = Answer::read(answer.to_string().as_bytes(), simple).expect_err("refused");
            assert!(why.contains(said), "{answer}: {why}");
        }
        assert!(Answer::read(b"<html>", true).expect_err("refused").contains("not JSON"));
    }
}
