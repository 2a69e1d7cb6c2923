//! The opening handshake (RFC 6455, section 4.2), and what `$connect` has to say in it.

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::gateway::http_response::status_code;
use crate::http_server::{FullResponse, json};

/// `403 {"message":"Forbidden"}`.
pub(crate) fn forbidden() -> FullResponse {
    json(StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#)
}

/// The answer to a request that opens no connection; nothing where it may.
pub(crate) fn objection(request: &Request<Incoming>) -> Option<FullResponse> {
    let headers = request.headers();
    let has = |name: HeaderName, word: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let upgrades = request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && headers.contains_key(header::SEC_WEBSOCKET_KEY);
    if !upgrades {
        return Some(forbidden());
    }
    if has(header::SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    let mut response = json(StatusCode::UPGRADE_REQUIRED, r#"{"message":"Upgrade Required"}"#);
    response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    Some(response)
}

/// The answer that opens the connection.
pub(crate) fn acceptance(request: &HeaderMap) -> FullResponse {
    let mut response = FullResponse::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let key = request.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// What `$connect` returned: anything but a success refuses the connection. Headers of a success (the chosen
/// subprotocol) go into the handshake.
///
/// # Errors
/// What is wrong with it, in words for the function's log.
pub(crate) fn refusal(answer: &Value, response: &mut FullResponse) -> Result<Option<FullResponse>, String> {
    let status = answer.get("statusCode").map_or(Ok(StatusCode::OK), status_code)?;
    if !status.is_success() {
        let refused = if status == StatusCode::FORBIDDEN { forbidden() } else { json(status, "{}") };
        return Ok(Some(refused));
    }
    for (name, value) in answer.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let chosen = name.eq_ignore_ascii_case("sec-websocket-protocol");
        if let (true, Some(Ok(value))) = (chosen, value.as_str().map(HeaderValue::from_str)) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
    Ok(None)
}
