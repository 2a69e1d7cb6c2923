//! Conformance of checkpoints.

use semantest_iac_core::ports::checkpoints::Checkpoints;

/// The suite. `checkpoints` is empty.
///
/// # Panics
/// With the claim that does not hold.
pub async fn conforms(checkpoints: &dyn Checkpoints) {
    assert_eq!(checkpoints.load("new").await.expect("load"), 0);
    checkpoints.save("one", 5).await.expect("save");
    checkpoints.save("other", 9).await.expect("save");
    checkpoints.save("one", 3).await.expect("save");
    assert_eq!(checkpoints.load("one").await.expect("load"), 5, "never backwards");
    assert_eq!(checkpoints.load("other").await.expect("load"), 9);
    checkpoints.reset("one").await.expect("reset");
    assert_eq!(checkpoints.load("one").await.expect("load"), 0);
    checkpoints.save("one", 2).await.expect("save");
    assert_eq!(checkpoints.load("one").await.expect("load"), 2, "after a reset it starts over");
}
