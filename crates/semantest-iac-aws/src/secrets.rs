//! Secrets from Secrets Manager (`aws-secretsmanager:<name or ARN>[#<key of its JSON>]`) and from the Parameter Store
//! (`aws-ssm:<name or ARN>`).

use std::collections::HashMap;
use std::sync::OnceLock;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use semantest_iac_core::ports::secret_resolver::SecretValue;
use semantest_iac_core::{Error, ErrorKind, Result, Retry};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::clients::load;
use crate::config::CallSettings;
use crate::http_client::http_client;
use crate::provider::default_region;
use crate::signed_request::{Service, json_request, send};

/// Scheme of references to Secrets Manager.
pub const SECRETS_MANAGER: &str = "aws-secretsmanager";

/// Scheme of references to the Parameter Store.
pub const PARAMETER_STORE: &str = "aws-ssm";

/// Looks secrets up in AWS. Nothing is called before a secret is asked for.
pub struct AwsSecrets {
    calls: CallSettings,
    http: OnceLock<SharedHttpClient>,
    regions: Mutex<HashMap<String, SdkConfig>>,
}

impl AwsSecrets {
    /// Secrets, asked for with these settings.
    pub fn new(calls: &CallSettings) -> Self {
        Self { calls: calls.clone(), http: OnceLock::new(), regions: Mutex::default() }
    }

    /// The value of `reference`, looked for in the region that its ARN names, else in `region`, else in the one this
    /// machine is set up for.
    ///
    /// # Errors
    /// `SecretUnresolved`, never with a value.
    pub async fn look_up(&self, reference: &str, region: Option<&str>) -> Result<SecretValue> {
        let unresolved = |advice: String| {
            let text = format!("secret `{reference}` has no value: {advice}");
            Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text).with("reference", reference)
        };
        let (scheme, name) = reference.split_once(':').unwrap_or((reference, ""));
        let of_arn = name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(str::to_owned);
        let region = match of_arn.or_else(|| region.map(str::to_owned)) {
            Some(region) => Some(region),
            None => default_region(self.calls.sdk.as_ref()).await,
        };
        let Some(region) = region else {
            return Err(unresolved("no AWS region is set: set AWS_REGION, or write the secret's ARN".into()));
        };
        let config = self.config(&region).await;
        let found = match scheme {
            SECRETS_MANAGER => secret(&config, name).await,
            _ => parameter(&config, name).await,
        };
        found.map_err(|error| {
            let retry = error.retry();
            unresolved(format!("{} (in {region})", error.message())).with_retry(match retry {
                Retry::Later => Retry::Exhausted,
                other => other,
            })
        })
    }

    async fn config(&self, region: &str) -> SdkConfig {
        let mut regions = self.regions.lock().await;
        if let Some(config) = regions.get(region) {
            return config.clone();
        }
        let http = self.http.get_or_init(|| http_client(&self.calls)).clone();
        let config = load(region, http, self.calls.sdk.as_ref()).await;
        regions.insert(region.to_owned(), config.clone());
        config
    }
}

async fn secret(config: &SdkConfig, name: &str) -> Result<SecretValue> {
    let (id, key) = name.split_once('#').map_or((name, None), |(id, key)| (id, Some(key)));
    let service = Service { id: "Secrets Manager", name: "secretsmanager" };
    let request = json_request(service, "secretsmanager", "GetSecretValue", &json!({ "SecretId": id }));
    let operation = "secretsmanager.GetSecretValue";
    let text = send(config, request).await.map_err(|failure| failure.into_error(operation))?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let wrong = |why: &str| Error::new(ErrorKind::SecretUnresolved, operation, why);
    let value =
        answer["SecretString"].as_str().ok_or_else(|| wrong("it is binary, and a variable is text"))?;
    let Some(key) = key else { return Ok(SecretValue::new(value)) };
    let parts: Value = serde_json::from_str(value).map_err(|_| wrong("it is no JSON object with keys"))?;
    match &parts[key] {
        Value::String(text) => Ok(SecretValue::new(text.as_str())),
        Value::Null => Err(wrong(&format!("its JSON has no key `{key}`"))),
        Value::Object(_) | Value::Array(_) => Err(wrong(&format!("`{key}` of its JSON is no text"))),
        other => Ok(SecretValue::new(other.to_string())),
    }
}

async fn parameter(config: &SdkConfig, name: &str) -> Result<SecretValue> {
    let service = Service { id: "SSM", name: "ssm" };
    let body = json!({ "Name": name, "WithDecryption": true });
    let operation = "ssm.GetParameter";
    let text = send(config, json_request(service, "AmazonSSM", "GetParameter", &body)).await;
    let text = text.map_err(|failure| failure.into_error(operation))?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let value = answer.pointer("/Parameter/Value").and_then(Value::as_str);
    value
        .map(SecretValue::new)
        .ok_or_else(|| Error::new(ErrorKind::SecretUnresolved, operation, "the answer holds no value"))
}
