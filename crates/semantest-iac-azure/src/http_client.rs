//! The HTTP client under Microsoft's pipeline: gives up on calls that are not answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use rustls_platform_verifier::BuilderVerifierExt;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::config::CallSettings;
use crate::error::words;

/// A connection slower than this is given up on: bytes a second of a request's body.
const SLOWEST_UPLOAD: u64 = 50_000;

/// The client that `settings` ask for.
///
/// # Errors
/// `Internal` where TLS cannot be set up.
pub(crate) fn http_client(settings: &CallSettings) -> Result<Arc<dyn HttpClient>> {
    let inner = match &settings.http_client {
        Some(given) => given.clone(),
        None => Arc::new(built_in()?),
    };
    Ok(Arc::new(Patient { inner, timeout: settings.attempt_timeout }))
}

/// The built-in client: certificates are judged by the machine's own store, and it goes through the proxy that the
/// environment names. It never follows a redirection: the token would go with it.
fn built_in() -> Result<reqwest::Client> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        let text = format!("HTTP cannot be set up: {}", words(error));
        Error::new(ErrorKind::Internal, "azure.http", text)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| failed(&error))?
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| failed(&error))
}

#[derive(Debug)]
struct Patient {
    inner: Arc<dyn HttpClient>,
    timeout: Duration,
}

#[async_trait]
impl HttpClient for Patient {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let bytes = request.body().len().unwrap_or(0);
        let timeout = self.timeout + Duration::from_secs(bytes / SLOWEST_UPLOAD);
        let whole = async {
            let answer = self.inner.execute_request(request).await?.try_into_raw_response().await?;
            let (status, headers, body) = answer.deconstruct();
            Ok(AsyncRawResponse::from_bytes(status, headers, azure_core::Bytes::from(body)))
        };
        tokio::time::timeout(timeout, whole).await.unwrap_or_else(|_| {
            Err(azure_core::Error::with_error(CoreKind::Io, NoAnswer(timeout), NoAnswer(timeout).to_string()))
        })
    }
}

#[derive(Debug)]
struct NoAnswer(Duration);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {} s", self.0.as_secs_f64())
    }
}

impl std::error::Error for NoAnswer {}
