//! A project over other adapters than those of this build.

#[path = "../../../semantest-iac-foreign/tests/over_json/mod.rs"]
mod over_json;

use std::path::Path;
use std::sync::Arc;

use over_json::{JsonProvider, JsonSecrets, JsonStore};
use semantest_iac::answer::RunStatus;
use semantest_iac::events::request::DeploymentRequested;
use semantest_iac::foreign::{ForeignEventStore, ForeignProvider, ForeignSecretResolver};
use semantest_iac::ports::event_store::EventStore;
use semantest_iac::ports::secret_resolver::SecretResolver;
use semantest_iac::secrets::ProjectSecrets;
use semantest_iac::{CancellationToken, ErrorKind, Iac, IacBuilder, SystemClock};
use semantest_iac_core::memory::event_store::InMemoryEventStore;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_testkit::secret_resolver::{Sample, conforms};

const PROJECT: &str = r#"
project = "shop"

[environments.dev]
provider = "elsewhere"

[components.rest-api]
code = "rest-api"
runtime = "python3.12"
handler = "index.handler"
environment_variables = { PASSWORD = { secret = "vault:password" } }
"#;

const CANARY: &str = "canary-77ab02fe";

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("semantest.toml"), PROJECT).expect("a file");
    let code = folder.path().join("rest-api");
    std::fs::create_dir(&code).expect("a folder");
    std::fs::write(code.join("index.py"), "def handler(event, context):\n    return {}\n").expect("a file");
    folder
}

fn request() -> DeploymentRequested {
    DeploymentRequested {
        component: "rest-api".into(),
        environment: "dev".into(),
        ..DeploymentRequested::default()
    }
}

fn resolver(scheme: &str, object: Arc<JsonSecrets>) -> Arc<dyn SecretResolver> {
    Arc::new(ForeignSecretResolver::new([scheme.to_owned()], object).expect("a resolver"))
}

/// What outlives the runs.
struct Elsewhere {
    log: Arc<dyn EventStore>,
    cloud: Arc<JsonProvider>,
    vault: Arc<JsonSecrets>,
}

impl Elsewhere {
    fn new() -> Self {
        let log = JsonStore(InMemoryEventStore::new(Arc::new(SystemClock)));
        let log = Arc::new(ForeignEventStore::new(Arc::new(log)).expect("a store"));
        Self { log, cloud: Arc::default(), vault: Arc::default() }
    }

    fn builder(&self, folder: &Path) -> IacBuilder {
        let cloud = ForeignProvider::new("elsewhere", self.cloud.clone()).expect("a provider");
        Iac::builder(folder)
            .provider(Arc::new(cloud))
            .store(self.log.clone())
            .secret_resolver(resolver("vault", self.vault.clone()))
    }
}

#[tokio::test]
async fn a_project_runs_over_a_cloud_a_log_and_a_vault_of_another_language() {
    let folder = project();
    let elsewhere = Elsewhere::new();
    let cancel = CancellationToken::new();
    {
        let iac = elsewhere.builder(folder.path()).open().await.expect("a project");
        let error = iac.deploy(request(), &cancel).await.expect_err("the secret is not there");
        assert_eq!(error.kind(), ErrorKind::SecretUnresolved, "{error:?}");
        elsewhere.vault.secrets.set("vault:password", CANARY);
        let answer = iac.deploy(request(), &cancel).await.expect("a run");
        assert_eq!(answer.status, RunStatus::Deployed, "{answer:?}");
        assert_eq!(iac.head().await.expect("head"), elsewhere.log.head().await.expect("head"));
    }
    // Another process: what it knows, it knows from that log.
    let iac = elsewhere.builder(folder.path()).open().await.expect("a project");
    let answer = iac.deploy(request(), &cancel).await.expect("a run");
    assert_eq!(answer.status, RunStatus::Unchanged, "{answer:?}");
    elsewhere.vault.secrets.set("vault:password", format!("{CANARY}-other"));
    let answer = iac.deploy(request(), &cancel).await.expect("a run");
    assert_eq!(
        (answer.status, answer.changes.updated),
        (RunStatus::Deployed, 1),
        "another secret is a change"
    );
    let log = elsewhere.log.read_all(0, usize::MAX).await.expect("the log");
    let log: Vec<u8> = log.into_iter().flat_map(|event| event.json).collect();
    let log = String::from_utf8(log).expect("text");
    assert!(
        log.contains("vault:password") && !log.contains(CANARY),
        "references are recorded, values are not"
    );

    let here = Iac::builder(folder.path()).open().await.expect("a project");
    assert_eq!(here.head().await.expect("head"), 0, "the log beside the project stayed empty");
    assert!(!elsewhere.cloud.0.held().is_empty());
}

#[tokio::test]
async fn a_scheme_is_resolved_by_one_resolver() {
    let folder = project();
    let refused = async |builder: IacBuilder, words: &str| {
        let error = builder.open().await.map(drop).expect_err(words);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert!(error.message().contains(words), "{error}");
    };
    let vault = || resolver("vault", Arc::default());
    let twice = Iac::builder(folder.path()).secret_resolver(vault()).secret_resolver(vault());
    refused(twice, "`vault` is resolved already").await;
    for built_in in ["env", "file"] {
        let builder = Iac::builder(folder.path()).secret_resolver(resolver(built_in, Arc::default()));
        refused(builder, "is resolved already").await;
    }
    let both = Iac::builder(folder.path())
        .secret_resolver(vault())
        .secret_resolver(Arc::<InMemorySecrets>::default());
    both.open().await.expect("two of them");
}

#[tokio::test]
async fn a_scheme_that_nobody_resolves_is_refused_with_those_that_are() {
    let folder = project();
    let elsewhere = Elsewhere::new();
    let cloud = ForeignProvider::new("elsewhere", elsewhere.cloud.clone()).expect("a provider");
    let iac = Iac::builder(folder.path())
        .provider(Arc::new(cloud))
        .secret_resolver(resolver("safe", Arc::default()))
        .open()
        .await
        .expect("a project");
    let error = iac.plan(request()).await.expect_err("no such scheme");
    assert!(error.message().contains("scheme `vault`") && error.message().contains("safe"), "{error}");
}

#[tokio::test]
async fn the_secrets_of_a_project_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = |reference: &str, value: &str| (reference.to_owned(), value.to_owned());
    let sample = |scheme: &str| Sample {
        known: pair(&format!("{scheme}:known"), "canary one \u{fc}"),
        other: pair(&format!("{scheme}:other"), "canary two"),
        unknown: format!("{scheme}:nothing"),
    };
    let (here, added) = (sample("file"), sample("vault"));
    for (reference, value) in [&here.known, &here.other] {
        let file = reference.trim_start_matches("file:");
        std::fs::write(folder.path().join(file), value).expect("a file");
    }
    let vault = Arc::<JsonSecrets>::default();
    for (reference, value) in [&added.known, &added.other] {
        vault.secrets.set(reference, value);
    }
    let mut secrets = ProjectSecrets::new(folder.path());
    secrets.add(resolver("vault", vault)).expect("another scheme");
    conforms(&secrets, &here).await;
    conforms(&secrets, &added).await;
}
