//! Cross-origin requests, answered by the gateway where the API says so.
//!
//! Source: API Gateway developer guide, "Configure CORS for HTTP APIs".

use hyper::header::{HeaderMap, HeaderValue, VARY};
use hyper::{Method, Response, StatusCode};

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

/// Puts the headers of an actual response; those that the function has set are ignored.
pub(crate) fn add<B>(cors: &Cors, headers: &HeaderMap, response: &mut Response<B>) {
    let all = response.headers().keys().filter(|name| name.as_str().starts_with("access-control-"));
    for name in all.cloned().collect::<Vec<_>>() {
        response.headers_mut().remove(name);
    }
    let Some(origin) = headers.get("origin").and_then(|origin| origin.to_str().ok()) else { return };
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    if !any && !cors.allow_origins.iter().any(|allowed| matches_origin(allowed, origin)) {
        return;
    }
    set(response, "access-control-allow-origin", if any { "*" } else { origin });
    if !any {
        vary_by_origin(response.headers_mut());
    }
    if cors.allow_credentials {
        set(response, "access-control-allow-credentials", "true");
    }
    set(response, "access-control-expose-headers", &cors.expose_headers.join(","));
}

/// `https://*` and `http://*` stand for every origin of the scheme.
fn matches_origin(allowed: &str, origin: &str) -> bool {
    let scheme = allowed.strip_suffix('*').filter(|scheme| matches!(*scheme, "https://" | "http://"));
    match scheme {
        Some(scheme) => origin.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)),
        None => allowed.eq_ignore_ascii_case(origin),
    }
}

/// Caches keep answers to different origins apart, beside what the function says of it.
fn vary_by_origin(headers: &mut HeaderMap) {
    let named = headers.get_all(VARY).iter().filter_map(|vary| vary.to_str().ok());
    let mut named: Vec<&str> = named.flat_map(|vary| vary.split(',')).map(str::trim).collect();
    if named.iter().any(|name| *name == "*" || name.eq_ignore_ascii_case("origin")) {
        return;
    }
    named.retain(|name| !name.is_empty());
    named.push("Origin");
    if let Ok(all) = HeaderValue::from_str(&named.join(", ")) {
        headers.insert(VARY, all);
    }
}

fn set<B>(response: &mut Response<B>, name: &'static str, value: &str) {
    if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers of `response` after a request from `origin`.
    fn from(allowed: &str, origin: &str, response: &[(&'static str, &'static str)]) -> HeaderMap {
        let cors = Cors { allow_origins: vec![allowed.to_owned()], ..Cors::default() };
        let headers = HeaderMap::from_iter([(hyper::header::ORIGIN, HeaderValue::from_str(origin).unwrap())]);
        let mut answer = FullResponse::default();
        for (name, value) in response {
            answer.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        add(&cors, &headers, &mut answer);
        std::mem::take(answer.headers_mut())
    }

    #[test]
    fn a_scheme_with_a_star_matches_every_origin_of_the_scheme() {
        let cases = [
            ("https://*", "https://a.example", true),
            ("https://*", "HTTPS://a.example:8443", true),
            ("https://*", "http://a.example", false),
            ("http://*", "http://localhost:3000", true),
            ("http://*", "https://a.example", false),
            ("https://a.example", "https://A.example", true),
            ("https://a.*", "https://a.example", false),
            ("https://*", "null", false),
        ];
        for (allowed, origin, matches) in cases {
            let answer = from(allowed, origin, &[]);
            let named = answer.get("access-control-allow-origin");
            assert_eq!(named.is_some_and(|named| named == origin), matches, "{allowed} {origin}");
        }
    }

    #[test]
    fn what_the_function_says_of_cors_is_ignored() {
        let said = [("access-control-allow-origin", "*"), ("access-control-allow-headers", "x"), ("x", "y")];
        let allowed = from("https://a.example", "https://a.example", &said);
        assert_eq!(allowed["access-control-allow-origin"], "https://a.example");
        assert!(!allowed.contains_key("access-control-allow-headers") && allowed.contains_key("x"));
        let other = from("https://a.example", "https://b.example", &said);
        assert!(!other.contains_key("access-control-allow-origin") && other.contains_key("x"));
    }

    #[test]
    fn the_origin_is_added_to_what_the_answer_varies_by() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[], "Origin"),
            (&[("vary", "Accept"), ("vary", "Cookie")], "Accept, Cookie, Origin"),
            (&[("vary", "accept, origin")], "accept, origin"),
            (&[("vary", "*")], "*"),
        ];
        for (said, varies) in cases {
            assert_eq!(from("https://a.example", "https://a.example", said)["vary"], varies);
        }
    }
}
