//! What a function answers, as an HTTP response.
//!
//! Source: API Gateway developer guide, "Lambda function response for format 2.0"; AWS Lambda developer guide, "Invoking Lambda
//! function URLs".

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::http_server::{FullResponse, json};

/// Headers that belong to the connection, not to the answer.
const NOT_THE_FUNCTIONS: [&str; 4] = ["content-length", "connection", "transfer-encoding", "keep-alive"];

/// With padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an answer of an HTTP API is where its function says nothing of it.
const OF_AN_API: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");
/// What an answer of a function's URL is.
const OF_A_URL: HeaderValue = HeaderValue::from_static("application/json");

/// The response of an HTTP API for what a handler returned.
///
/// # Errors
/// What is wrong with it, in words for the function's log; the client gets [`internal_error`].
pub(crate) fn http_response(payload: &[u8]) -> Result<FullResponse, String> {
    response(payload, OF_AN_API)
}

/// The same of a function's URL.
///
/// # Errors
/// As [`http_response`].
pub(crate) fn url_response(payload: &[u8]) -> Result<FullResponse, String> {
    response(payload, OF_A_URL)
}

fn response(payload: &[u8], content_type: HeaderValue) -> Result<FullResponse, String> {
    let value: Value =
        serde_json::from_slice(payload).map_err(|error| format!("the response is not JSON: {error}"))?;
    match &value {
        Value::Object(map) if map.contains_key("statusCode") => {
            let empty = head(map, content_type)?;
            let body = body(map)?;
            Ok(empty.map(|()| Full::new(body)))
        }
        // Anything else is the body of a success.
        Value::String(text) => Ok(json(StatusCode::OK, text.clone())),
        Value::Null => Ok(json(StatusCode::OK, "null")),
        _ => Ok(json(StatusCode::OK, payload.to_vec())),
    }
}

/// `500 {"message":"Internal Server Error"}`.
pub(crate) fn internal_error() -> FullResponse {
    json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
}

/// Status, headers and cookies that `map` tells of; where it tells of no content, that is of `content_type`.
///
/// # Errors
/// As [`http_response`].
pub(crate) fn head(map: &Map<String, Value>, content_type: HeaderValue) -> Result<Response<()>, String> {
    let status = map.get("statusCode").map_or(Ok(StatusCode::OK), status_code)?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    if let Some(Value::Object(headers)) = map.get("headers") {
        for (name, value) in headers {
            if NOT_THE_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let key = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
            response.headers_mut().insert(key, header_value(name, value)?);
        }
    }
    if let Some(Value::Array(cookies)) = map.get("cookies") {
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, header_value("set-cookie", cookie)?);
        }
    }
    let empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !response.headers().contains_key(CONTENT_TYPE) && !empty {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(response)
}

/// A final status: one below 200 announces another answer, and none would come.
pub(crate) fn status_code(value: &Value) -> Result<StatusCode, String> {
    let number = match value {
        // Some languages have no other numbers than floats.
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let code = number.and_then(|number| u16::try_from(number).ok()).filter(|code| *code >= 200);
    let status = code.and_then(|code| StatusCode::from_u16(code).ok());
    status.ok_or_else(|| format!("the response's statusCode is {value}: it must be a number from 200 to 999"))
}

fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..1e9).contains(&number)).then_some(number as u64)
}

fn body(map: &Map<String, Value>) -> Result<Bytes, String> {
    let encoded = map.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    Ok(match map.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if encoded => {
            let decoded = BASE64.decode(text);
            Bytes::from(decoded.map_err(|error| format!("the response's body is not Base64: {error}"))?)
        }
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(other) => Bytes::from(other.to_string()),
    })
}

fn header_value(name: &str, value: &Value) -> Result<HeaderValue, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("the value of header `{name}` holds what a header cannot: {text:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{body, *};

    #[test]
    fn what_is_wrong_with_a_response_is_said() {
        let cases = [
            (r#"{"statusCode":"abc"}"#, "statusCode is \"abc\""),
            (r#"{"statusCode":0}"#, "statusCode is 0"),
            (r#"{"statusCode":100}"#, "statusCode is 100"),
            (r#"{"statusCode":1000}"#, "statusCode is 1000"),
            (r#"{"statusCode":200.5}"#, "statusCode is 200.5"),
            (r#"{"statusCode":null}"#, "statusCode is null"),
            (r#"{"statusCode":200,"isBase64Encoded":true,"body":"?"}"#, "body is not Base64"),
            (r#"{"statusCode":200,"headers":{"a b":"c"}}"#, "\"a b\" cannot be the name"),
            (r#"{"statusCode":200,"headers":{"a":"b\r\nc: d"}}"#, "header `a` holds"),
            (r#"{"statusCode":200,"cookies":["a=\n"]}"#, "header `set-cookie` holds"),
            ("not JSON", "not JSON"),
        ];
        for (payload, said) in cases {
            let error = http_response(payload.as_bytes()).expect_err(payload);
            assert!(error.contains(said), "{payload}: {error}");
        }
    }

    fn read(payload: &str) -> FullResponse {
        http_response(payload.as_bytes()).expect(payload)
    }

    #[test]
    fn a_status_may_be_a_number_that_is_whole_or_its_text() {
        for status in ["201", "201.0", "\"201\"", "2.01e2"] {
            assert_eq!(
                read(&format!(r#"{{"statusCode":{status}}}"#)).status(),
                StatusCode::CREATED,
                "{status}"
            );
        }
    }

    #[test]
    fn base64_needs_no_padding() {
        for text in ["AAEC/w==", "AAEC/w"] {
            let map = json!({ "isBase64Encoded": true, "body": text });
            assert_eq!(body(map.as_object().expect("an object")).expect(text).as_ref(), [0, 1, 2, 255]);
        }
    }

    #[test]
    fn an_answer_without_content_gets_no_content_type() {
        for status in [204, 304] {
            assert!(!read(&format!(r#"{{"statusCode":{status}}}"#)).headers().contains_key(CONTENT_TYPE));
        }
        assert!(read(r#"{"statusCode":200}"#).headers().contains_key(CONTENT_TYPE));
    }
}
