//! Cross-origin requests, answered by the gateway where the API says so.
//!
//! Source: API Gateway developer guide, "Configure CORS for HTTP APIs".

use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};

use crate::host::definition::Cors;
use crate::http_server::FullResponse;

/// The answer to a preflight request; nothing where this is none.
pub(crate) fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<FullResponse> {
    let asked = headers.contains_key("access-control-request-method");
    if *method != Method::OPTIONS || !asked {
        return None;
    }
    let mut response = FullResponse::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    add(cors, headers, &mut response);
    let allowed = response.headers().contains_key("access-control-allow-origin");
    if allowed {
        set(&mut response, "access-control-allow-methods", &cors.allow_methods.join(","));
        set(&mut response, "access-control-allow-headers", &cors.allow_headers.join(","));
        if let Some(age) = cors.max_age_s {
            set(&mut response, "access-control-max-age", &age.to_string());
        }
    }
    Some(response)
}

/// Adds the headers of an actual response.
pub(crate) fn add(cors: &Cors, headers: &HeaderMap, response: &mut FullResponse) {
    let Some(origin) = headers.get("origin").and_then(|origin| origin.to_str().ok()) else { return };
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    if !any && !cors.allow_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return;
    }
    set(response, "access-control-allow-origin", if any { "*" } else { origin });
    if !any {
        set(response, "vary", "Origin");
    }
    if cors.allow_credentials {
        set(response, "access-control-allow-credentials", "true");
    }
    set(response, "access-control-expose-headers", &cors.expose_headers.join(","));
}

fn set(response: &mut FullResponse, name: &'static str, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}
