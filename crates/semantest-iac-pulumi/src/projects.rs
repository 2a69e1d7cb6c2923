//! Projects that are open: one for each folder, as long as its file stays as it is.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use semantest_iac::project_file::FILE_NAME;
use semantest_iac::{Iac, Result};

use crate::engine::EngineLog;
use crate::program::HOST;
use crate::secrets::PulumiSecrets;

/// How long to wait for a deployment that another run holds: the command line's, or one that is just being stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// Projects by folder.
pub(crate) struct Projects {
    open: Mutex<HashMap<PathBuf, (Edition, Arc<Iac>)>>,
    /// Each project has its own: two may have components of one name.
    secrets: Mutex<HashMap<PathBuf, Arc<PulumiSecrets>>>,
    log: Arc<EngineLog>,
}

/// Which edition of a project file was read: one that was edited since is read again.
type Edition = Option<(SystemTime, u64)>;

impl Projects {
    /// Projects of whose progress `log` is told.
    pub fn new(log: Arc<EngineLog>) -> Self {
        Self { open: Mutex::default(), secrets: Mutex::default(), log }
    }

    /// The secrets that were handed over for the project in `directory`.
    pub fn secrets(&self, directory: &Path) -> Arc<PulumiSecrets> {
        let mut all = self.secrets.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.entry(directory.to_owned()).or_default().clone()
    }

    /// The project in `directory`.
    ///
    /// # Errors
    /// As `IacBuilder::open`.
    pub async fn open(&self, directory: &Path) -> Result<Arc<Iac>> {
        let edition = edition(directory);
        if let Some((of, iac)) = self.lock().get(directory)
            && *of == edition
            && edition.is_some()
        {
            return Ok(iac.clone());
        }
        let iac = Arc::new(self.builder(directory).open().await?);
        self.log.follow(&iac).await?;
        self.lock().insert(directory.to_owned(), (edition, iac.clone()));
        Ok(iac)
    }

    /// The same, also where its file has an error: for looking at what is there and taking it away.
    ///
    /// # Errors
    /// As `IacBuilder::open`.
    pub async fn open_to_look(&self, directory: &Path) -> Result<Arc<Iac>> {
        if let Ok(iac) = self.open(directory).await {
            return Ok(iac);
        }
        let iac = Arc::new(self.builder(directory).lenient().open().await?);
        self.log.follow(&iac).await?;
        Ok(iac)
    }

    fn builder(&self, directory: &Path) -> semantest_iac::IacBuilder {
        let program = std::env::current_exe()
            .map_or_else(|_| "pulumi-resource-semantest".into(), PathBuf::into_os_string);
        let command = std::iter::once(program).chain(HOST.map(OsString::from)).collect();
        let builder = Iac::builder(directory).host_command(command).lease_wait(PATIENCE);
        builder.secret_resolver(self.secrets(directory))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Edition, Arc<Iac>)>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn edition(directory: &Path) -> Edition {
    let metadata = std::fs::metadata(directory.join(FILE_NAME)).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use semantest_iac::ports::secret_resolver::{SecretResolver, SecretValue};

    use super::*;

    #[tokio::test]
    async fn components_of_one_name_in_two_projects_have_secrets_of_their_own() {
        let projects = Projects::new(EngineLog::new().0);
        let reference = crate::secrets::reference("production", "rest-api", "environmentVariables.TOKEN");
        for (folder, value) in [("/a", "of a"), ("/b", "of b")] {
            projects.secrets(Path::new(folder)).hold([(reference.clone(), SecretValue::new(value))]);
        }
        for (folder, value) in [("/a", "of a"), ("/b", "of b")] {
            let found = projects.secrets(Path::new(folder)).resolve(&reference).await.expect("a value");
            assert_eq!(found.reveal(), value);
        }
        assert!(projects.secrets(Path::new("/c")).resolve(&reference).await.is_err());
    }
}
