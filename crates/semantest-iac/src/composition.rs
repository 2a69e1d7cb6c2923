//! The one place that names adapters: which store, which providers, which secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use semantest_iac_core::application::infrastructure_event_bus::InfrastructureEventBus;
use semantest_iac_core::application::service::{DeploymentService, Ports, ServiceOptions};
use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;
use semantest_iac_core::memory::event_bus::InProcessBus;
use semantest_iac_core::memory::id_generator::RandomIds;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::event_bus::EventBus;
use semantest_iac_core::ports::event_store::EventStore;
use semantest_iac_core::ports::provider::{Finding, Provider, ProviderSettings};
use semantest_iac_core::ports::secret_resolver::SecretResolver;
use semantest_iac_core::{Error, ErrorKind, Result};
pub(crate) use semantest_iac_local::archive;
pub(crate) use semantest_iac_local::inspection::InspectFunction;
pub use semantest_iac_local::inspection::{DebugProtocol, Debugger, Inspecting, NotInspected};
pub use semantest_iac_local::runtime::interpreter;
pub use semantest_iac_local::sample_event::{SAMPLE_EVENTS, Sample, SampleEvent, SampleRequest};
pub(crate) use semantest_iac_local::sample_event::{SampleApi, sample};
use semantest_iac_local::{LocalConfig, LocalProvider};
use semantest_iac_sqlite::SqliteStore;

use crate::deliveries::Deliveries;
use crate::iac::Iac;
use crate::place::no_such_provider;
use crate::project_file::ProjectFile;
use crate::secrets::ProjectSecrets;
use crate::system_clock::SystemClock;

/// Folder beside the project file that holds the log, the packages and the local host's state.
pub const STATE_FOLDER: &str = ".semantest";

/// Where the local provider keeps its state, under [`STATE_FOLDER`].
pub(crate) const LOCAL_FOLDER: &str = "local";

/// The provider that is no cloud.
const LOCAL: &str = "local";

/// Puts an [`Iac`] together.
pub struct IacBuilder {
    directory: PathBuf,
    host_command: Option<Vec<OsString>>,
    options: ServiceOptions,
    providers: Vec<Arc<dyn Provider>>,
    bus: Option<Arc<dyn EventBus>>,
    store: Option<Arc<dyn EventStore>>,
    resolvers: Vec<Arc<dyn SecretResolver>>,
    lenient: bool,
}

impl IacBuilder {
    pub(crate) fn new(directory: PathBuf) -> Self {
        let options = ServiceOptions { owner: owner(), ..ServiceOptions::default() };
        Self {
            directory,
            host_command: None,
            options,
            providers: Vec::new(),
            bus: None,
            store: None,
            resolvers: Vec::new(),
            lenient: false,
        }
    }

    /// Program and arguments that run the local host (the command line's hidden `local host`); the project's
    /// folder is appended. Default: this very program with `local host --project`.
    pub fn host_command(mut self, command: Vec<OsString>) -> Self {
        self.host_command = Some(command);
        self
    }

    /// At most this many provider calls at once (default 16).
    pub fn parallelism(mut self, calls: usize) -> Self {
        self.options.executor.parallelism = calls.max(1);
        self
    }

    /// How long to wait for a deployment that another run holds (default: not at all).
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.options.lease_wait = wait;
        self
    }

    /// Who the runs are done by, in words for people. Default: user, machine and process.
    pub fn owner(mut self, owner: String) -> Self {
        self.options.owner = owner;
        self
    }

    /// W3C trace context (`traceparent`) of the events that come from this project.
    pub fn traceparent(mut self, traceparent: Option<String>) -> Self {
        self.options.traceparent = traceparent;
        self
    }

    /// Adds a provider, or puts another in the place of one of the same name.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Another event bus than the in-process one.
    pub fn bus(mut self, bus: Arc<dyn EventBus>) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Another event log than the one in [`STATE_FOLDER`]. Leases, packages and checkpoints stay there.
    ///
    /// So runs from one folder still keep out of each other's way, and the store is told the lease's name and token with
    /// each append (`fence`): it has to refuse a lower token than it has seen, since it cannot look at the leases. Runs
    /// from several folders (or machines) over one log hold leases that know nothing of each other, and tokens
    /// that count from one in each: there the log is kept whole by the version that each append expects, but two
    /// runs may work on one deployment at once, and the one with the lower token is refused. So is a folder that was made
    /// anew, until its tokens have caught up with those that the log has seen. Keep one folder for each log.
    pub fn store(mut self, store: Arc<dyn EventStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Adds a resolver of secrets for its schemes, beside `env`, `file` and those of the clouds. Its digests are not asked
    /// for: they are made with the project's own key.
    pub fn secret_resolver(mut self, resolver: Arc<dyn SecretResolver>) -> Self {
        self.resolvers.push(resolver);
        self
    }

    /// Takes a project file with an error as far as it can be read: for looking at what is deployed and taking it away.
    /// `ProjectFile::problem` says what is wrong.
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Reads the project file and opens the log beside it.
    ///
    /// # Errors
    /// `InvalidProject`, `Storage`, `StorageTooNew`; `InvalidInput` for a resolver whose schemes are none, or are resolved
    /// already.
    pub async fn open(self) -> Result<Iac> {
        let project = Arc::new(match self.lenient {
            true => ProjectFile::load_leniently(&self.directory)?,
            false => ProjectFile::load(&self.directory)?,
        });
        let root = project.directory().to_owned();
        let state = root.join(STATE_FOLDER);
        let mut secrets = ProjectSecrets::new(&root);
        self.resolvers.into_iter().try_for_each(|resolver| secrets.add(resolver))?;
        let secrets = Arc::new(secrets);
        let store = Arc::new(SqliteStore::open(&state)?);
        let command = self.host_command.unwrap_or_else(default_host_command);
        let local = Arc::new(LocalProvider::new(LocalConfig {
            state_dir: state.join(LOCAL_FOLDER),
            host_command: command.into_iter().chain([root.clone().into_os_string()]).collect(),
            artifacts: store.clone(),
            secrets: secrets.clone(),
        }));
        let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        providers.insert(local.name().to_owned(), local.clone());
        let artifacts: Arc<dyn ArtifactStore> = store.clone();
        let resolver: Arc<dyn SecretResolver> = secrets.clone();
        for provider in clouds(&artifacts, &resolver, &root).into_iter().chain(self.providers) {
            providers.insert(provider.name().to_owned(), provider);
        }
        let bus = self.bus.unwrap_or_else(|| Arc::new(InProcessBus::default()));
        let deliveries = Arc::new(Deliveries::new(bus));
        let ports = Ports {
            store: self.store.unwrap_or_else(|| store.clone()),
            bus: deliveries.clone(),
            leases: store.clone(),
            artifacts: store,
            secrets,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            project: project.clone(),
            providers,
        };
        let service = Arc::new(DeploymentService::new(ports, self.options));
        InfrastructureEventBus::attach(&service).await?;
        Ok(Iac::new(service, project, local, deliveries))
    }
}

/// The providers of clouds that this build has. All they need of a project is its packages, and the key that its secrets'
/// digests are made with; and its folder, for Pulumi programs.
#[cfg_attr(not(all(feature = "aws", feature = "azure", feature = "pulumi")), allow(unused_variables))]
fn clouds(
    artifacts: &Arc<dyn ArtifactStore>,
    secrets: &Arc<dyn SecretResolver>,
    project: &Path,
) -> Vec<Arc<dyn Provider>> {
    vec![
        #[cfg(feature = "aws")]
        Arc::new(semantest_iac_aws::AwsProvider::new(semantest_iac_aws::AwsConfig {
            artifacts: artifacts.clone(),
            secrets: secrets.clone(),
            calls: semantest_iac_aws::CallSettings::from_environment(),
        })),
        #[cfg(feature = "azure")]
        Arc::new(semantest_iac_azure::AzureProvider::new(semantest_iac_azure::AzureConfig {
            artifacts: artifacts.clone(),
            secrets: secrets.clone(),
            calls: semantest_iac_azure::CallSettings::from_environment(),
        })),
        #[cfg(feature = "pulumi")]
        Arc::new(semantest_iac_pulumi_stack::PulumiProvider::new(semantest_iac_pulumi_stack::PulumiConfig {
            project: project.to_owned(),
            state_dir: project.join(STATE_FOLDER).join("pulumi"),
            secrets: secrets.clone(),
        })),
    ]
}

/// What [`Iac::diagnose`] finds where there is no project to open: which identity, region and permissions the provider
/// of a cloud sees. Changes nothing.
///
/// # Errors
/// `InvalidInput` for a provider that this build has not, and the provider's.
pub async fn diagnose_cloud(provider: &str, region: Option<&str>) -> Result<Vec<Finding>> {
    let artifacts: Arc<dyn ArtifactStore> = Arc::new(InMemoryArtifactStore::default());
    let secrets: Arc<dyn SecretResolver> = Arc::<InMemorySecrets>::default();
    let clouds = clouds(&artifacts, &secrets, Path::new("."));
    if provider == LOCAL {
        return Ok(Vec::new());
    }
    let Some(found) = clouds.iter().find(|cloud| cloud.name() == provider) else {
        let known: Vec<&str> =
            std::iter::once(LOCAL).chain(clouds.iter().map(|cloud| cloud.name())).collect();
        return Err(no_such_provider(provider, &known));
    };
    found.diagnose(&ProviderSettings { region: region.map(str::to_owned) }).await
}

/// Creates a folder that only its owner can enter.
pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Runs the local host of the project in `directory` until it is stopped: what [`IacBuilder::host_command`] starts.
///
/// # Errors
/// `Provider` where the host cannot use its folder, a port or its definitions.
pub async fn run_local_host(directory: &Path) -> Result<()> {
    let state_dir = directory.join(STATE_FOLDER).join(LOCAL_FOLDER);
    semantest_iac_local::run_host(&state_dir).await.map_err(|error| {
        Error::new(ErrorKind::Provider, "local.host", format!("the local host failed: {error}"))
    })
}

/// Stops the local host of the project in `directory`, where one runs, and says whether one did. Nothing but its own
/// folder is needed: also where the log or the project file cannot be read. Functions start again with the next deploy.
///
/// # Errors
/// `InvalidProject` where there is no project, `Timeout` where the host does not end.
pub async fn stop_local_host(directory: &Path) -> Result<bool> {
    let state_dir = directory.join(STATE_FOLDER).join(LOCAL_FOLDER);
    if !state_dir.is_dir() {
        return ProjectFile::load_leniently(directory).map(|_| false);
    }
    semantest_iac_local::stop_host(&state_dir).await
}

fn default_host_command() -> Vec<OsString> {
    let program = std::env::current_exe().map(PathBuf::into_os_string);
    let program = program.unwrap_or_else(|_| "semantest-iac".into());
    vec![program, "local".into(), "host".into(), "--project".into()]
}

fn owner() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"];
    let user = names.iter().find_map(|name| std::env::var(name).ok()).ok_or(());
    let user = user.unwrap_or_else(|_| "somebody".into());
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_string_lossy();
    format!("{user} on {machine}, process {}", std::process::id())
}
