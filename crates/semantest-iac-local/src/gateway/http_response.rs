//! What a function answers, as an HTTP response.
//!
//! Source: API Gateway developer guide, "Lambda function response for format 2.0".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::http_server::{FullResponse, json};

/// Headers that belong to the connection, not to the answer.
const NOT_THE_FUNCTIONS: [&str; 4] = ["content-length", "connection", "transfer-encoding", "keep-alive"];

/// The response for what a handler returned; one that cannot be understood is an internal error.
pub(crate) fn http_response(payload: &[u8]) -> FullResponse {
    let Ok(value) = serde_json::from_slice::<Value>(payload) else { return internal_error() };
    match &value {
        Value::Object(map) if map.contains_key("statusCode") => explicit(map).unwrap_or_else(internal_error),
        // Anything else is the body of a success.
        Value::String(text) => json(StatusCode::OK, text.clone()),
        Value::Null => json(StatusCode::OK, "null"),
        _ => json(StatusCode::OK, payload.to_vec()),
    }
}

/// `500 {"message":"Internal Server Error"}`.
pub(crate) fn internal_error() -> FullResponse {
    json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
}

fn explicit(map: &Map<String, Value>) -> Option<FullResponse> {
    let status = match map.get("statusCode")? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let body = body(map)?;
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    if let Some(Value::Object(headers)) = map.get("headers") {
        for (name, value) in headers {
            if NOT_THE_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let name = HeaderName::try_from(name.as_str()).ok()?;
            response.headers_mut().insert(name, header_value(value)?);
        }
    }
    if let Some(Value::Array(cookies)) = map.get("cookies") {
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, header_value(cookie)?);
        }
    }
    let informational = status.is_informational() || status == StatusCode::NO_CONTENT;
    if !response.headers().contains_key(CONTENT_TYPE) && !informational {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(response)
}

fn body(map: &Map<String, Value>) -> Option<Bytes> {
    let encoded = map.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    Some(match map.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if encoded => Bytes::from(STANDARD.decode(text).ok()?),
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(other) => Bytes::from(other.to_string()),
    })
}

fn header_value(value: &Value) -> Option<HeaderValue> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    HeaderValue::from_bytes(text.as_bytes()).ok()
}
