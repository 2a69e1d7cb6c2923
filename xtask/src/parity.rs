//! The parity table: what AWS documents, and what really happens when each row's case is run.

use std::path::Path;

use crate::Outcome;
use crate::command::workspace;
use crate::peers;

/// Runs all cases; `writes` the page and what the peer does, or compares.
pub(crate) fn run(root: &Path, writes: bool) -> Outcome {
    let peers = peers::installed(root).filter(|_| writes);
    if writes && peers.is_none() {
        eprintln!(
            "xtask: serverless-offline is not installed (`cargo xtask tools peers`): what it did before stays"
        );
    }
    workspace(root, &["test", "--quiet", "--test", "cli", "--", "parity_table::"])
        .env("SEMANTEST_PARITY", if writes { "write" } else { "check" })
        .env("SEMANTEST_PEERS", peers.unwrap_or_default())
        .run("the parity table")
}
