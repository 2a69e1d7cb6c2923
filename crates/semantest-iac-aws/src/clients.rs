//! Clients of the services in one region, and who we are there.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::secret_resolver::SecretResolver;
use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use crate::api_index::ApiIndex;
use crate::error::failed;
use crate::retries::{Judgement, retries};

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// ARN of the user or role.
    pub arn: String,
}

/// Clients of the services in one region.
pub(crate) struct Clients {
    pub region: String,
    pub config: SdkConfig,
    pub artifacts: Arc<dyn ArtifactStore>,
    pub secrets: Arc<dyn SecretResolver>,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub apigateway: aws_sdk_apigatewayv2::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub s3: aws_sdk_s3::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub load_balancing: aws_sdk_elasticloadbalancingv2::Client,
    pub autoscaling: aws_sdk_applicationautoscaling::Client,
    /// The APIs there are, listed as seldom as can be.
    pub apis: ApiIndex,
    sts: aws_sdk_sts::Client,
    identity: OnceCell<Identity>,
}

/// How calls in one region are made; credentials are looked for when first needed.
pub(crate) async fn load(region: &str, http: SharedHttpClient, given: Option<&SdkConfig>) -> SdkConfig {
    let region = Region::new(region.to_owned());
    // How long a call may take is the HTTP client's to judge: waiting for one's turn does not count.
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).build();
    if let Some(given) = given {
        let builder = given.clone().into_builder().region(region).http_client(http);
        return builder.retry_config(retries()).timeout_config(timeouts).build();
    }
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region).http_client(http);
    // Who calls, for those who read the account's trail.
    if let Ok(name) = AppName::new("semantest-iac") {
        loader = loader.app_name(name);
    }
    loader.retry_config(retries()).timeout_config(timeouts).load().await
}

impl Clients {
    pub async fn new(
        region: String,
        http: SharedHttpClient,
        artifacts: Arc<dyn ArtifactStore>,
        secrets: Arc<dyn SecretResolver>,
        given: Option<&SdkConfig>,
    ) -> Self {
        let config = load(&region, http, given).await;
        macro_rules! client {
            ($service:ident) => {{
                let builder = $service::config::Builder::from(&config).retry_classifier(Judgement);
                $service::Client::from_conf(builder.build())
            }};
        }
        let s3 = aws_sdk_s3::config::Builder::from(&config).retry_classifier(Judgement);
        // Where an endpoint is given, it need not have a name for each bucket.
        let s3 = s3.force_path_style(config.endpoint_url().is_some()).build();
        Self {
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            apigateway: client!(aws_sdk_apigatewayv2),
            logs: client!(aws_sdk_cloudwatchlogs),
            ecs: client!(aws_sdk_ecs),
            load_balancing: client!(aws_sdk_elasticloadbalancingv2),
            autoscaling: client!(aws_sdk_applicationautoscaling),
            sts: client!(aws_sdk_sts),
            s3: aws_sdk_s3::Client::from_conf(s3),
            apis: ApiIndex::default(),
            identity: OnceCell::new(),
            region,
            config,
            artifacts,
            secrets,
        }
    }

    /// Who we are; asked once.
    ///
    /// # Errors
    /// `Unauthenticated` where there are no credentials, or none that AWS takes.
    pub async fn identity(&self) -> Result<&Identity> {
        self.identity.get_or_try_init(|| self.ask_identity()).await
    }

    async fn ask_identity(&self) -> Result<Identity> {
        let asked = self.sts.get_caller_identity().send().await;
        let caller = asked.map_err(|error| failed("sts.GetCallerIdentity", error))?;
        let (arn, account) = (caller.arn().unwrap_or_default(), caller.account().unwrap_or_default());
        if account.is_empty() {
            let text = "sts.GetCallerIdentity did not say which account this is";
            return Err(Error::new(ErrorKind::Provider, "aws.sts.GetCallerIdentity", text));
        }
        let partition = arn.split(':').nth(1).filter(|part| !part.is_empty()).unwrap_or("aws");
        Ok(Identity { account: account.into(), partition: partition.into(), arn: arn.into() })
    }

    /// `text` with `${partition}`, `${region}` and `${account}` put in: what a resource is called is known before it is
    /// there, but for these.
    ///
    /// # Errors
    /// As [`Self::identity`], where one of them is needed.
    pub async fn expand(&self, text: &str) -> Result<String> {
        if !text.contains("${") {
            return Ok(text.to_owned());
        }
        let identity = self.identity().await?;
        Ok(text
            .replace("${partition}", &identity.partition)
            .replace("${region}", &self.region)
            .replace("${account}", &identity.account))
    }
}
