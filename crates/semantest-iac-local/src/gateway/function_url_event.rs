//! The event that a function gets through its URL: payload format 2.0, without what an API adds.
//!
//! Source: AWS Lambda developer guide, "Invoking Lambda function URLs", request and response payloads.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::http::request::Parts;
use semantest_iac_core::ports::clock::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::gateway::http_event::{
    ACCOUNT, HttpContext, RequestContext, Told, common_log_time, cookies, encode_body, headers,
    query_parameters,
};
use crate::http_server::Arrival;

/// The only route and stage of a URL.
const DEFAULT: &str = "$default";
/// The account of a caller who says nothing of who they are.
const ANONYMOUS: &str = "anonymous";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UrlEvent<'a> {
    #[serde(flatten)]
    request: Told<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

/// A request to a function's URL.
pub(crate) struct UrlRequest<'a> {
    /// Id of the URL.
    pub url_id: &'a str,
    pub parts: &'a Parts,
    pub peer: SocketAddr,
    /// Lambda's id of the invocation: here it is the request's as well.
    pub request_id: &'a str,
    /// The access key that the request says it was signed with.
    pub access_key: Option<&'a str>,
}

impl UrlRequest<'_> {
    /// The event as JSON text.
    pub fn event(&self, body: &Bytes) -> Bytes {
        let parts = self.parts;
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let arrival = Arrival::of(&parts.extensions);
        let host = arrival.authority(header("host").unwrap_or("127.0.0.1"));
        let (body, is_base64_encoded) = encode_body(body, header("content-type"));
        let query = parts.uri.query().unwrap_or_default();
        let time = Timestamp::now();
        let authorizer = self.access_key.map(signer);
        let request_context = RequestContext {
            account_id: if authorizer.is_some() { ACCOUNT } else { ANONYMOUS },
            api_id: self.url_id,
            authorizer: authorizer.as_ref(),
            domain_name: &host,
            domain_prefix: host.split(['.', ':']).next().unwrap_or_default(),
            http: HttpContext {
                method: parts.method.as_str(),
                // As it was sent: only an API decodes it.
                path: parts.uri.path(),
                protocol: "HTTP/1.1",
                source_ip: self.peer.ip().to_string(),
                user_agent: header("user-agent").unwrap_or_default(),
            },
            request_id: self.request_id,
            route_key: DEFAULT,
            stage: DEFAULT,
            time: common_log_time(time),
            time_epoch: time.as_millisecond(),
        };
        let request = Told {
            version: "2.0",
            route_key: DEFAULT,
            raw_path: parts.uri.path(),
            raw_query_string: query,
            cookies: cookies(parts),
            headers: headers(parts, arrival, self.peer),
            query_string_parameters: query_parameters(query),
            request_context,
        };
        Bytes::from(serde_json::to_vec(&UrlEvent { request, body, is_base64_encoded }).unwrap_or_default())
    }
}

/// Who has signed, as far as it can be said here: nobody knows the key.
fn signer(access_key: &str) -> Value {
    json!({ "iam": {
        "accessKey": access_key, "accountId": ACCOUNT, "callerId": access_key, "cognitoIdentity": null,
        "principalOrgId": null, "userArn": format!("arn:aws:iam::{ACCOUNT}:user/local"), "userId": access_key,
    } })
}
