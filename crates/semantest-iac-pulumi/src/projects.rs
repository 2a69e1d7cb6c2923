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
    secrets: Arc<PulumiSecrets>,
    log: Arc<EngineLog>,
}

/// Which edition of a project file was read: one that was edited since is read again.
type Edition = Option<(SystemTime, u64)>;

impl Projects {
    /// Projects whose secrets may be `secrets`, and of whose progress `log` is told.
    pub fn new(secrets: Arc<PulumiSecrets>, log: Arc<EngineLog>) -> Self {
        Self { open: Mutex::default(), secrets, log }
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
        builder.secret_resolver(self.secrets.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Edition, Arc<Iac>)>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn edition(directory: &Path) -> Edition {
    let metadata = std::fs::metadata(directory.join(FILE_NAME)).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
