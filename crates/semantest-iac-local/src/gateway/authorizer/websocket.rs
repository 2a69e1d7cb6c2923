//! Authorizers of WebSocket APIs: asked when a connection is made, and every event of the connection tells what they said.
//!
//! Sources: API Gateway developer guide, "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" and "Output
//! from a Lambda authorizer" (which values a context may hold).

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::http::unauthorized;
use super::identity::Looked;
use super::{NoAnswer, arn, ask};
use crate::gateway::http_event::ACCOUNT;
use crate::gateway::websocket_event::{self, ConnectionInfo};
use crate::gateway::websocket_handshake::forbidden;
use crate::host::definition::WebsocketApiDefinition;
use crate::http_server::{FullResponse, json as respond};
use crate::runtime::invocation::Invoker;

/// Judges who wants to connect: `requestContext.authorizer` of the connection's events; nothing where everybody may.
///
/// # Errors
/// The answer to who may not.
pub(crate) async fn judge(
    api: &WebsocketApiDefinition,
    parts: &Parts,
    connection: &ConnectionInfo,
    invoker: &Arc<dyn Invoker>,
    time: Duration,
) -> Result<Option<Value>, FullResponse> {
    let Some(name) = api.route("$connect").and_then(|route| route.authorizer.as_ref()) else {
        return Ok(None);
    };
    let authorization = api.authorization.as_ref().ok_or_else(failed)?;
    // A route whose authorizer is not there is no open route.
    let authorizer = authorization.lambda.get(name).ok_or_else(failed)?;
    let context = |variable: &str| context_variable(api, connection, variable);
    let looked = Looked {
        headers: &parts.headers,
        query: parts.uri.query().unwrap_or_default(),
        stage_variables: &api.stage_variables,
        context: &context,
    };
    if looked.all(&authorizer.identity_source).is_none() {
        return Err(unauthorized());
    }
    let arn = arn(&authorization.region, ACCOUNT, &api.id, &format!("{}/$connect", api.stage));
    let event = websocket_event::authorizer(api, parts, connection, &arn);
    let (function, asked) = (&authorizer.function, Instant::now());
    let (request_id, payload) = ask(invoker, function, event, time).await.map_err(|none| match none {
        NoAnswer::Unauthorized => unauthorized(),
        NoAnswer::Failed => failed(),
    })?;
    let told = verdict(&payload, &arn, asked.elapsed()).map_err(|wrong| {
        let text = format!("[ERROR] the authorizer's answer cannot be used: {wrong}");
        invoker.log(function, &request_id, &text);
        failed()
    })?;
    told.map(Some).ok_or_else(forbidden)
}

/// What an answer has events tell; nothing where it lets nobody in.
fn verdict(payload: &[u8], arn: &str, took: Duration) -> Result<Option<Value>, String> {
    let answer = Answer::read(payload, false)?;
    match answer.allows(arn) {
        true => told(answer, took).map(Some),
        false => Ok(None),
    }
}

fn context_variable(api: &WebsocketApiDefinition, connection: &ConnectionInfo, name: &str) -> Option<String> {
    Some(match name {
        "apiId" => api.id.clone(),
        "domainName" => connection.domain_name.clone(),
        "identity.sourceIp" => connection.source_ip.clone(),
        "identity.userAgent" => connection.user_agent.clone(),
        "routeKey" => "$connect".into(),
        _ => return None,
    })
}

/// What events tell: all of it is text, but for how long the authorizer took (in milliseconds).
fn told(answer: Answer, took: Duration) -> Result<Value, String> {
    let mut told = Map::new();
    for (key, value) in answer.context.unwrap_or_default() {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            _ => {
                return Err(format!(
                    "`{key}` of its context is a list or an object: text, numbers and truths only"
                ));
            }
        };
        told.insert(key, text.into());
    }
    told.insert("principalId".into(), json!(answer.principal));
    told.insert("integrationLatency".into(), json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    Ok(Value::Object(told))
}

fn failed() -> FullResponse {
    respond(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal server error"}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(context: Value) -> Result<Value, String> {
        let policy = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
        let answer = json!({ "principalId": "ann", "policyDocument": policy, "context": context });
        told(Answer::read(answer.to_string().as_bytes(), false)?, Duration::from_millis(7))
    }

    #[test]
    fn a_context_is_told_as_text_beside_who_it_is() {
        let context = json!({ "tier": "gold", "age": 7, "admin": true, "none": null, "principalId": "bob" });
        let wanted = json!({
            "tier": "gold", "age": "7", "admin": "true", "principalId": "ann", "integrationLatency": 7,
        });
        assert_eq!(answer(context), Ok(wanted));
    }

    #[test]
    fn a_context_of_lists_or_objects_is_refused() {
        for context in [json!({ "groups": ["a"] }), json!({ "nested": {} })] {
            assert!(answer(context.clone()).expect_err("refused").contains("list or an object"), "{context}");
        }
    }
}
