//! Conformance of artifact stores.

use semantest_iac_core::ErrorKind;
use semantest_iac_core::ports::artifact_store::ArtifactStore;

/// SHA-256 of `abc`, from FIPS 180-2, appendix B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// The suite. `store` is empty.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(store: &dyn ArtifactStore) {
    assert!(!store.contains(ABC).await.expect("contains"));
    assert_eq!(store.get(ABC).await.expect_err("not there").kind(), ErrorKind::NotFound);
    assert_eq!(store.put(b"abc".to_vec()).await.expect("put"), ABC);
    assert_eq!(store.put(b"abc".to_vec()).await.expect("put"), ABC, "the same bytes keep one copy");
    assert_eq!(store.get(ABC).await.expect("get"), b"abc");
    let empty = store.put(Vec::new()).await.expect("put");
    assert_eq!(store.get(&empty).await.expect("get"), b"");
    let listed = store.list().await.expect("list");
    assert_eq!(listed, [(ABC.to_owned(), 3), (empty.clone(), 0)]);
    store.remove(ABC).await.expect("remove");
    store.remove(ABC).await.expect("removing what is gone is harmless");
    assert!(!store.contains(ABC).await.expect("contains"));
    assert!(store.contains(&empty).await.expect("contains"));
}
