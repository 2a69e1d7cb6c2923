//! Conformance of lease stores.

use std::time::Duration;

use semantest_iac_core::ErrorKind;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::lease::{Lease, LeaseAnswer, LeaseStore};

const TIME: Duration = Duration::from_secs(10);

fn now(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a moment")
}

async fn take(store: &dyn LeaseStore, owner: &str, at: i64) -> Lease {
    match store.acquire("lease", owner, now(at), TIME).await.expect("acquire") {
        LeaseAnswer::Acquired(lease) => lease,
        LeaseAnswer::HeldBy(lease) => panic!("{owner} does not get it: held by {lease:?}"),
    }
}

/// The suite. `store` is empty.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(store: &dyn LeaseStore) {
    let first = take(store, "alice", 0).await;
    assert_eq!((first.owner.as_str(), first.since, first.expires), ("alice", now(0), now(10)));
    for owner in ["bob", "alice"] {
        match store.acquire("lease", owner, now(5), TIME).await.expect("acquire") {
            LeaseAnswer::HeldBy(lease) => assert_eq!(lease, first, "whoever asks is told who holds it"),
            LeaseAnswer::Acquired(lease) => panic!("a held lease was given away: {lease:?}"),
        }
    }
    assert_eq!(store.holder("lease", now(5)).await.expect("holder"), Some(first.clone()));
    assert_eq!(store.holder("other", now(5)).await.expect("holder"), None);

    let renewed = store.renew(&first, now(8), TIME).await.expect("renew");
    assert_eq!((renewed.token, renewed.expires), (first.token, now(18)));
    assert_eq!(store.holder("lease", now(15)).await.expect("holder"), Some(renewed.clone()));

    assert_eq!(store.holder("lease", now(18)).await.expect("holder"), None, "expired");
    let second = take(store, "bob", 18).await;
    assert!(second.token > first.token, "tokens grow");
    let lost = store.renew(&first, now(19), TIME).await.expect_err("taken over");
    assert_eq!(lost.kind(), ErrorKind::Held);
    store.release(&first).await.expect("giving back what was lost is harmless");
    assert_eq!(store.holder("lease", now(19)).await.expect("holder"), Some(second.clone()));

    store.release(&second).await.expect("release");
    assert_eq!(store.holder("lease", now(19)).await.expect("holder"), None);
    let lost = store.renew(&second, now(19), TIME).await.expect_err("given back");
    assert_eq!(lost.kind(), ErrorKind::Held);
    let third = take(store, "alice", 20).await;
    assert!(third.token > second.token, "also after a release");
}
