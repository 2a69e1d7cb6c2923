//! The HTTP client under the SDK: keeps every call within its service's rates, and gives up on those that are not
//! answered. Waiting for one's turn is no part of the time a call may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::config::CallSettings;
use crate::quotas::{Quota, Quotas};

/// A connection slower than this is given up on: bytes a second of a request's body.
const SLOWEST_UPLOAD: u64 = 50_000;

/// The longest that Lambda lets a function run, and a little more.
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(15 * 60 + 30);

/// The client that `settings` ask for.
pub(crate) fn http_client(settings: &CallSettings) -> SharedHttpClient {
    let inner = settings.http_client.clone().unwrap_or_else(default_client);
    let quotas = settings.keep_to_quotas.then(Arc::<Quotas>::default);
    SharedHttpClient::new(Patient { inner, quotas, timeout: settings.attempt_timeout })
}

/// The built-in client. As the AWS command line does, it goes through the proxy that the environment names.
fn default_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder =
            Connector::builder().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder.proxy_config(ProxyConfig::from_env()).build()
    })
}

#[derive(Debug)]
struct Patient {
    inner: SharedHttpClient,
    quotas: Option<Arc<Quotas>>,
    timeout: Duration,
}

impl HttpClient for Patient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(PatientConnector {
            inner: self.inner.http_connector(settings, components),
            quotas: self.quotas.clone(),
            timeout: self.timeout,
        })
    }
}

#[derive(Debug)]
struct PatientConnector {
    inner: SharedHttpConnector,
    quotas: Option<Arc<Quotas>>,
    timeout: Duration,
}

impl HttpConnector for PatientConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let counted = quotas_of(&request);
        let timeout = self.time_for(&request);
        let (inner, quotas) = (self.inner.clone(), self.quotas.clone());
        HttpConnectorFuture::new(async move {
            if let Some(quotas) = &quotas {
                for quota in counted {
                    quotas.admit(*quota).await;
                }
            }
            let answer = tokio::time::timeout(timeout, inner.call(request)).await;
            let answer = answer.map_err(|_| ConnectorError::timeout(NoAnswer(timeout).into()))??;
            if let (Some(quotas), Some(pause), Some(quota)) =
                (&quotas, asked_to_wait(&answer), counted.last())
            {
                quotas.pause(*quota, pause);
            }
            Ok(answer)
        })
    }
}

impl PatientConnector {
    fn time_for(&self, request: &HttpRequest) -> Duration {
        if path_of(request.uri()).ends_with("/invocations") {
            return INVOCATION_TIMEOUT;
        }
        let bytes = request.body().content_length().unwrap_or(0);
        self.timeout + Duration::from_secs(bytes / SLOWEST_UPLOAD)
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

/// What the call counts against. Which service it goes to stands in its signature, whatever the endpoint.
fn quotas_of(request: &HttpRequest) -> &'static [Quota] {
    let signature = request.headers().get("authorization").unwrap_or_default();
    let scope = signature.split_once("Credential=").map_or("", |(_, scope)| scope);
    let service = scope.split('/').nth(3).unwrap_or_default();
    Quota::of(service, request.method(), path_of(request.uri()))
}

fn path_of(uri: &str) -> &str {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    path.split('?').next().unwrap_or_default()
}

/// How long the service asks to be left alone (RFC 9110, `Retry-After` in seconds).
fn asked_to_wait(answer: &HttpResponse) -> Option<Duration> {
    if ![429, 503].contains(&answer.status().as_u16()) {
        return None;
    }
    let seconds: f64 = answer.headers().get("retry-after")?.trim().parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(3600.0)))
}
