//! Calls of one service over HTTP, on Microsoft's pipeline: retries, authorization, and nothing to any other origin.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::policies::Policy;
use azure_core::http::{
    ClientOptions, Context, HttpClient, Method, Pipeline, PipelineSendOptions, Request, RetryOptions,
    Transport, Url,
};
use bytes::Bytes;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::credentials::{Authorization, is_safe};
use crate::error::Failure;

/// What a call carries.
pub(crate) enum Body<'a> {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// Bytes, and what they are.
    Bytes(Bytes, &'static str),
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub status: u16,
    headers: Headers,
    /// As it came.
    pub body: Bytes,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &'static str) -> Option<&str> {
        let value = self.headers.get_optional_str(&HeaderName::from_static(name));
        value.map(str::trim).filter(|value| !value.is_empty())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Calls of the service at one origin.
pub(crate) struct RestClient {
    endpoint: Url,
    pipeline: Pipeline,
}

impl RestClient {
    /// Calls of the service at `endpoint`, with tokens for a scope where one is given.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is none, or that secrets may not go to.
    pub fn new(
        endpoint: &str,
        http: Arc<dyn HttpClient>,
        authorization: Option<(Arc<dyn TokenCredential>, String)>,
        retry: RetryOptions,
    ) -> Result<Self> {
        let wrong = |why: &str| {
            let text = format!("`{endpoint}` cannot be called: {why}");
            Error::new(ErrorKind::InvalidInput, "azure.endpoint", text).with("endpoint", endpoint)
        };
        let endpoint: Url =
            endpoint.trim_end_matches('/').parse().map_err(|_| wrong("it is no address (https://…)"))?;
        if !is_safe(&endpoint) {
            return Err(wrong("use https, or http on the loopback interface"));
        }
        let authorization = authorization.map(|(credential, scope)| {
            Arc::new(Authorization { credential, scope, origin: endpoint.clone() }) as Arc<dyn Policy>
        });
        let options =
            ClientOptions { retry, transport: Some(Transport::new(http)), ..ClientOptions::default() };
        let per_try = authorization.into_iter().collect();
        let (name, version) = (Some("semantest-iac"), option_env!("CARGO_PKG_VERSION"));
        let pipeline = Pipeline::new(name, version, options, Vec::new(), per_try, None);
        Ok(Self { endpoint, pipeline })
    }

    /// The whole address of a path or address that a service gave.
    ///
    /// # Errors
    /// `Provider` where it leads to another origin: the token is not for them.
    pub fn resolve(&self, given: &str) -> Result<Url> {
        let joined = match given.starts_with('/') && !given.starts_with("//") {
            true => format!("{}{given}", self.endpoint.as_str().trim_end_matches('/')).parse(),
            false => self.endpoint.join(given),
        };
        let refused = |what: &str| {
            let text = format!(
                "{} sent us on to {what}, which is not called: the token would go there",
                self.endpoint.origin().ascii_serialization()
            );
            Error::new(ErrorKind::Provider, "azure.follow", text)
        };
        let url: Url = joined.map_err(|_| refused("something that is no address"))?;
        if url.origin() != self.endpoint.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err(refused(&url.origin().ascii_serialization()));
        }
        Ok(url)
    }

    /// One call; answers that are no success are failures.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Body<'_>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::new(self.resolve(url)?, method);
        request.insert_header("accept", "application/json");
        for (name, value) in headers {
            request.insert_header(*name, HeaderValue::from(value.clone()));
        }
        match body {
            Body::Nothing if matches!(method, Method::Post | Method::Put) => {
                // Some front ends refuse a POST without a length.
                request.insert_header("content-length", "0");
            }
            Body::Nothing => {}
            Body::Json(value) => {
                request.insert_header("content-type", "application/json");
                request.set_body(value.to_string());
            }
            Body::Bytes(bytes, content_type) => {
                request.insert_header("content-type", content_type);
                request.set_body(bytes);
            }
        }
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let sent = self.pipeline.send(&Context::new(), &mut request, Some(options)).await;
        let answer = sent.map_err(|error| Failure::of_transport(&error))?;
        let (status, headers, body) = answer.deconstruct();
        let answer = Answer { status: status.into(), headers, body: body.into() };
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let request_id = answer.header("x-ms-request-id").unwrap_or_default();
        Err(Failure::of_answer(answer.status, request_id, &answer.body))
    }
}
