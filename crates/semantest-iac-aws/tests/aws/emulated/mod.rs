//! The provider on an emulated AWS.

use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;

use semantest_iac_aws::{
    AwsConfig, AwsProvider, BehaviorVersion, CallSettings, Credentials, Region, SdkConfig,
    SharedCredentialsProvider,
};
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::provider::OwnershipTags;
use semantest_iac_core::ports::secret_resolver::{SecretResolver, SecretValue};
use serde_json::Value;

pub const REGION: &str = "eu-west-1";

/// A provider with packages and secrets of its own.
pub struct Cloud {
    pub provider: AwsProvider,
    pub artifacts: Arc<InMemoryArtifactStore>,
    pub secrets: Arc<InMemorySecrets>,
    /// Where its calls go, for calls that are not the provider's.
    pub sdk: SdkConfig,
}

impl Cloud {
    /// A provider whose calls all go to `url`.
    pub fn at(url: &str) -> Self {
        let (artifacts, secrets) =
            (Arc::<InMemoryArtifactStore>::default(), Arc::<InMemorySecrets>::default());
        let credentials = Credentials::new("test", "test", None, None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let calls = CallSettings {
            sdk: Some(sdk.clone()),
            keep_to_quotas: false,
            attempt_timeout: Duration::from_secs(10),
            ..CallSettings::default()
        };
        let config = AwsConfig { artifacts: artifacts.clone(), secrets: secrets.clone(), calls };
        Self { provider: AwsProvider::new(config), artifacts, secrets, sdk }
    }

    /// The address of a package with one file.
    pub async fn package(&self, code: &str) -> String {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("app.py", zip::write::SimpleFileOptions::default()).expect("an entry");
        zip.write_all(code.as_bytes()).expect("content");
        self.artifacts.put(zip.finish().expect("a zip").into_inner()).await.expect("put")
    }

    /// The digest of the secret that the testkit's samples use.
    pub async fn digest(&self) -> String {
        self.secrets.digest(&SecretValue::new("canary-of-the-testkit")).await.expect("a digest")
    }
}

pub fn tags(project: &str, address: &str) -> OwnershipTags {
    OwnershipTags {
        project: project.into(),
        environment: "dev".into(),
        component: "rest-api".into(),
        address: address.into(),
    }
}

pub fn properties(value: Value) -> Properties {
    value.as_object().expect("an object").clone()
}
