//! What is generated from the Rust types: `schemas/` and modules of the packages for Python and TypeScript.

use std::path::Path;

use crate::Outcome;
use crate::command::workspace;

/// `writes` all of it, or says what is out of date. `tests/codegen` does it.
pub(crate) fn run(root: &Path, writes: bool) -> Outcome {
    workspace(root, &["test", "--quiet", "--test", "codegen", "--", "--nocapture"])
        .env("SEMANTEST_CODEGEN", if writes { "write" } else { "check" })
        .run("generated files")
}
