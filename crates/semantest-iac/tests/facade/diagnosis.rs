//! What a provider finds when it is asked how it stands.

use std::sync::Arc;

use semantest_iac::ports::provider::Finding;
use semantest_iac::{ErrorKind, Iac, diagnose_cloud};
use semantest_iac_core::memory::provider::InMemoryProvider;

#[tokio::test]
async fn a_provider_is_asked_about_the_region_that_is_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("semantest.toml"), "project = \"shop\"").expect("a file");
    let provider = Arc::new(InMemoryProvider::default());
    let iac = Iac::builder(folder.path()).provider(provider).open().await.expect("a project");
    let region = |ok, detail: &str| Finding { name: "region".into(), ok, detail: detail.into() };
    assert_eq!(
        iac.diagnose("memory", Some("eu-west-1")).await.expect("findings"),
        [region(true, "eu-west-1")]
    );
    assert_eq!(iac.diagnose("memory", None).await.expect("findings"), [region(false, "no region is set")]);
    let local = iac.diagnose("local", None).await.expect("findings");
    assert_eq!(local.iter().map(|finding| finding.name.as_str()).collect::<Vec<_>>(), ["memory limits"]);
    assert!(local[0].ok && local[0].detail.starts_with("of a host that is started from here: kept by "));
    let unknown = iac.diagnose("memry", None).await.expect_err("unknown");
    assert_eq!(unknown.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn without_a_project_a_provider_of_this_build_can_be_asked() {
    assert!(diagnose_cloud("local", None).await.expect("findings").is_empty());
    let refused = diagnose_cloud("nowhere", None).await.expect_err("no provider");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
}
