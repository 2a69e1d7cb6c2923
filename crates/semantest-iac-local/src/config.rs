//! Where the local provider keeps its things.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::secret_resolver::SecretResolver;

/// Settings of [`LocalProvider`](crate::LocalProvider).
#[derive(Clone)]
pub struct LocalConfig {
    /// `<project>/.semantest/local`: packages, logs, and what the host restores.
    pub state_dir: PathBuf,
    /// Program and arguments that run the host for this folder.
    pub host_command: Vec<OsString>,
    /// Where packages come from.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Where the values of secrets come from that a host which was started anew does not know.
    pub secrets: Arc<dyn SecretResolver>,
}

impl fmt::Debug for LocalConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("LocalConfig");
        out.field("state_dir", &self.state_dir).field("host_command", &self.host_command).finish()
    }
}
