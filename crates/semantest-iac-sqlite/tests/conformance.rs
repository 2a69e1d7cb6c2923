//! The SQLite store passes every suite.

use std::sync::Arc;

use semantest_iac_sqlite::SqliteStore;
use semantest_iac_testkit as testkit;

fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path().join("state")).expect("a store");
    (folder, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_conform() {
    let (_folder, store) = store();
    testkit::event_store::conforms(Arc::new(store)).await;
}

#[tokio::test]
async fn leases_conform() {
    let (_folder, store) = store();
    testkit::lease_store::conforms(&store).await;
}

#[tokio::test]
async fn checkpoints_conform() {
    let (_folder, store) = store();
    testkit::checkpoints::conforms(&store).await;
}

#[tokio::test]
async fn artifacts_conform() {
    let (_folder, store) = store();
    testkit::artifact_store::conforms(&store).await;
}
