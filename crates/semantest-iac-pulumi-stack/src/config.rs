//! Where the pulumi provider finds programs and keeps its things.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use semantest_iac_core::ports::secret_resolver::SecretResolver;

/// Settings of [`PulumiProvider`](crate::PulumiProvider).
#[derive(Clone)]
pub struct PulumiConfig {
    /// The project's folder: programs lie in it.
    pub project: PathBuf,
    /// `<project>/.semantest/pulumi`: the configuration files that stacks are run with.
    pub state_dir: PathBuf,
    /// Where the values of secrets come from when a stack is only looked at, or taken away.
    pub secrets: Arc<dyn SecretResolver>,
}

impl fmt::Debug for PulumiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PulumiConfig")
            .field("project", &self.project)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}
