//! Signed calls of services that are called too seldom, or whose SDK crate is too large, to depend on: with the same
//! credentials, endpoints, HTTP client, retries and quotas as the SDK's own.

use std::fmt;

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::{Operation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;

use crate::error::Failure;
use crate::retries::{Judgement, retries};

/// A service, as it is called in endpoints and in settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// In `AWS_ENDPOINT_URL_<ID>` and in a profile's `services`: `EC2`, `Secrets Manager`.
    pub id: &'static str,
    /// In endpoints and signatures: `ec2`.
    pub name: &'static str,
}

/// One call, to be sent by `POST`.
#[derive(Clone)]
pub(crate) struct SignedRequest {
    pub service: Service,
    /// What is called: `DescribeVpcs`.
    pub operation: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// How a refusal is written.
    pub refusals: fn(&str) -> ErrorMetadata,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service.name, self.operation)
    }
}

/// What was answered. `Debug` does not show it: it may be a secret.
struct Answer(String);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer of {} bytes", self.0.len())
    }
}

#[derive(Debug)]
struct Refusal(ErrorMetadata);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// Sends `request`; gives the text of the answer.
///
/// # Errors
/// As those of the SDK's calls.
pub(crate) async fn send(config: &SdkConfig, request: SignedRequest) -> Result<String, Failure> {
    let Some(credentials) = config.credentials_provider() else {
        return Err(Failure::NotSent { credentials: true, detail: "nothing provides any".into() });
    };
    let (service, refusals) = (request.service, request.refusals);
    let region = config.region().map_or("us-east-1", Region::as_ref).to_owned();
    let operation: Operation<SignedRequest, Answer, Refusal> = base(config, &request, &region)
        .runtime_plugin(signing(service, region, credentials))
        .retry_classifier(TransientErrorClassifier::<Refusal>::new())
        .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .retry_classifier(Judgement)
        .serializer(|request: SignedRequest| Ok(http_request(request)))
        .deserializer(move |answer: &HttpResponse| read(answer, refusals))
        .build();
    let answer = operation.invoke(request).await.map_err(|error| Failure::of(&error))?;
    Ok(answer.0)
}

/// What all calls have in common.
fn base(config: &SdkConfig, request: &SignedRequest, region: &str) -> OperationBuilder {
    let mut builder = Operation::builder()
        .service_name(request.service.id)
        .operation_name(request.operation)
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .endpoint_url(&endpoint(config, request.service, region))
        .standard_retry(config.retry_config().unwrap_or(&retries()));
    if let Some(timeouts) = config.timeout_config() {
        builder = builder.timeout_config(timeouts.clone());
    }
    if let Some(client) = config.http_client() {
        builder = builder.http_client(client);
    }
    if let Some(sleep) = config.sleep_impl() {
        builder = builder.sleep_impl(sleep);
    }
    if let Some(time) = config.time_source() {
        builder = builder.time_source(time);
    }
    builder
}

/// Signs each attempt anew: a signature is good for minutes only.
fn signing(service: Service, region: String, credentials: SharedCredentialsProvider) -> StaticRuntimePlugin {
    let mut layer = Layer::new("signing");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(Region::new(region))),
        region_set: None,
        name: Some(SigningName::from(service.name)),
        signing_options: SigningOptions::default(),
    });
    let options = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(options)))
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

/// Where `service` is: as the environment or the profile say, or else where AWS has it.
fn endpoint(config: &SdkConfig, service: Service, region: &str) -> String {
    let key =
        ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let own = key.build().ok().and_then(|key| config.service_config()?.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned)).unwrap_or_else(|| {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{}.{region}.{domain}", service.name)
    })
}

fn http_request(request: SignedRequest) -> HttpRequest {
    let length = request.body.len();
    let mut http = HttpRequest::new(SdkBody::from(request.body));
    // Both are constant and well formed.
    let _ = http.set_method("POST");
    let _ = http.set_uri("/");
    http.headers_mut().insert("content-length", length.to_string());
    for (name, value) in request.headers {
        http.headers_mut().insert(name, value);
    }
    http
}

fn read(
    answer: &HttpResponse,
    refusals: fn(&str) -> ErrorMetadata,
) -> Result<Answer, OrchestratorError<Refusal>> {
    let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default()).into_owned();
    match answer.status().is_success() {
        true => Ok(Answer(text)),
        false => Err(OrchestratorError::operation(Refusal(refusals(&text)))),
    }
}

/// A call in JSON 1.1, as Secrets Manager and SSM take them; `target` is `secretsmanager`, `AmazonSSM`.
pub(crate) fn json_request(
    service: Service,
    target: &str,
    operation: &'static str,
    body: &serde_json::Value,
) -> SignedRequest {
    let headers = vec![
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", format!("{target}.{operation}")),
    ];
    SignedRequest { service, operation, headers, body: body.to_string(), refusals: json_refusal }
}

/// `{"__type": "com.amazonaws…#Code", "message": "…"}`
fn json_refusal(text: &str) -> ErrorMetadata {
    let said: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let word = |keys: [&str; 2]| keys.iter().find_map(|key| said.get(key)?.as_str());
    let code = word(["__type", "code"]).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default();
    ErrorMetadata::builder().code(code).message(word(["message", "Message"]).unwrap_or_default()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC2: Service = Service { id: "EC2", name: "ec2" };

    #[test]
    fn a_service_is_where_aws_has_it_unless_an_endpoint_is_given() {
        let config = SdkConfig::builder().build();
        assert_eq!(endpoint(&config, EC2, "eu-west-1"), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(endpoint(&config, EC2, "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
        let config = SdkConfig::builder().endpoint_url("http://127.0.0.1:4566").build();
        assert_eq!(endpoint(&config, EC2, "eu-west-1"), "http://127.0.0.1:4566");
    }

    #[test]
    fn a_refusal_in_json_tells_code_and_words() {
        let said = json_refusal(
            r#"{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException","Message":"no"}"#,
        );
        assert_eq!((said.code(), said.message()), (Some("ResourceNotFoundException"), Some("no")));
        assert_eq!(json_refusal("<html>").code(), Some(""));
    }

    #[test]
    fn an_answer_is_never_shown() {
        assert!(!format!("{:?}", Answer("hunter2".into())).contains("hunter2"));
    }
}
