//! The host process itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cgroup::memory_limits::MemoryLimits;
use crate::control::messages::{HostState, LackingSecret, PutSecrets, PutService};
use crate::control::server::Control;
use crate::gateway::certificates::LocalCertificates;
use crate::host::definition::{ApiDefinition, EnvironmentValue, FunctionDefinition, SecretValues};
use crate::host::inspection::Inspection;
use crate::host::lock::HostLock;
use crate::host::process::{HostFile, real};
use crate::host::registry::{Registry, at};
use crate::host::served_api::{self, Behind, ServedApi};
use crate::host::serving::Serving;
use crate::http_server;
use crate::layers;
use crate::packages;
use crate::replicas::services::Services;
use crate::runtime::function_runtime::FunctionRuntime;
use crate::runtime::leftovers;

/// How often the host looks after itself: idle workers, its folder.
const TICK: Duration = Duration::from_secs(1);

/// Functions and APIs of one project.
pub(crate) struct Host {
    pub state_dir: PathBuf,
    pub runtime: Arc<FunctionRuntime>,
    pub services: Arc<Services>,
    limits: Arc<MemoryLimits>,
    pub stop: CancellationToken,
    registry: Registry,
    certificates: Arc<LocalCertificates>,
    functions: Mutex<BTreeMap<String, Defined>>,
    apis: Mutex<BTreeMap<String, ServedApi>>,
    pub(super) inspection: Mutex<Option<Inspection>>,
    run: String,
    telling: Mutex<()>,
}

/// A function and the values of its secrets that are known.
struct Defined {
    definition: FunctionDefinition,
    secrets: SecretValues,
}

impl Defined {
    fn lacking(&self) -> impl Iterator<Item = LackingSecret> {
        let values = self.definition.environment_variables.values();
        values.filter_map(|value| match value {
            EnvironmentValue::Secret { secret, digest } if !self.secrets.0.contains_key(secret) => {
                let (function, secret) = (self.definition.name.clone(), secret.clone());
                Some(LackingSecret { function, secret, digest: digest.clone() })
            }
            _ => None,
        })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs the host of `state_dir` until it is told to stop, or until that folder is taken away. Returns at once where
/// another one runs.
///
/// # Errors
/// Where the folder, the port or the definitions cannot be used.
pub async fn run(state_dir: &Path) -> io::Result<()> {
    fs::create_dir_all(state_dir).map_err(|error| at(state_dir, error))?;
    let Some(lock) = HostLock::take(state_dir).await? else { return Ok(()) };
    leftovers::kill_in(&packages::folder(state_dir));
    let bundle = state_dir.join("ca.pem");
    let certificates = LocalCertificates::generate(&bundle).map_err(|error| at(&bundle, error))?;
    let limits = MemoryLimits::of_host(state_dir).await;
    let bundle = certificates.bundle().to_owned();
    let runtime = FunctionRuntime::new(state_dir, Some(bundle), limits.clone());
    let host = Arc::new(Host {
        state_dir: state_dir.to_owned(),
        runtime: Arc::new(runtime.map_err(|error| at(&state_dir.join("bootstrap"), error))?),
        services: Arc::new(Services::new(state_dir, limits.clone())),
        limits,
        stop: CancellationToken::new(),
        registry: Registry::new(state_dir),
        certificates: Arc::new(certificates),
        functions: Mutex::default(),
        apis: Mutex::default(),
        inspection: Mutex::default(),
        run: uuid::Uuid::new_v4().to_string(),
        telling: Mutex::default(),
    });
    host.restore().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let token = uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string();
    let about = HostFile {
        pid: std::process::id(),
        port: listener.local_addr()?.port(),
        token: token.clone(),
        folder: real(state_dir),
    };
    let control = Arc::new(Control { host: host.clone(), token });
    let control_end = CancellationToken::new();
    let serving = tokio::spawn(http_server::serve(listener, control, None, control_end.clone()));
    about.write(state_dir)?;
    host.wait_for_the_end(&lock, &about).await?;
    host.stop.cancel();
    host.drain().await;
    control_end.cancel();
    let _ = serving.await;
    if lock.is_in_place() {
        // The next command must not look for a host that has gone.
        let _ = fs::remove_file(HostFile::path(state_dir));
    }
    drop(lock);
    Ok(())
}

impl Host {
    async fn wait_for_the_end(&self, lock: &HostLock, about: &HostFile) -> io::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        #[cfg(unix)]
        let mut terminated = std::pin::pin!(async move { terminate.recv().await });
        #[cfg(not(unix))]
        let mut terminated = std::pin::pin!(std::future::pending::<()>());
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    if !lock.is_in_place() {
                        return Ok(());
                    }
                    self.runtime.reap();
                    self.limits.sweep();
                    self.end_deserted_inspection();
                    self.services.look_after();
                    about.keep(&self.state_dir);
                }
                _ = terminated.as_mut() => return Ok(()),
                () = self.stop.cancelled() => return Ok(()),
            }
        }
    }

    /// What ran before, but for the values of its secrets: whoever needs the host hands them over.
    async fn restore(&self) -> io::Result<()> {
        self.registry.set_damaged_aside()?.iter().for_each(|line| eprintln!("{line}"));
        for definition in self.registry.functions()? {
            self.define(definition, SecretValues::default());
        }
        self.registry.services()?.into_iter().for_each(|service| self.services.restore(service));
        for api in self.registry.apis()? {
            let id = api.id().to_owned();
            if let Err(error) = self.put_api(api).await {
                eprintln!("API {id} cannot be served: {error}");
            }
        }
        self.tell();
        Ok(())
    }

    /// Everything that runs.
    pub fn state(&self) -> HostState {
        let functions = lock(&self.functions);
        HostState {
            functions: functions.values().map(|defined| defined.definition.clone()).collect(),
            apis: lock(&self.apis).values().map(|api| api.definition.clone()).collect(),
            services: self.services.definitions(),
            lacking: functions.values().flat_map(Defined::lacking).chain(self.services.lacking()).collect(),
            inspected: self.inspected(),
            memory_limits: self.limits.words(),
        }
    }

    /// Tells whoever only looks what is served now.
    fn tell(&self) {
        let _one_at_a_time = lock(&self.telling);
        let serving = Serving::of(&self.state(), &self.run, &self.state_dir);
        if let Err(error) = serving.write(&self.state_dir) {
            eprintln!("serving.json cannot be written: {error}");
        }
    }

    /// A function as it is defined.
    pub fn function(&self, name: &str) -> Option<FunctionDefinition> {
        lock(&self.functions).get(name).map(|defined| defined.definition.clone())
    }

    fn define(&self, mut definition: FunctionDefinition, secrets: SecretValues) {
        let packages = packages::folder(&self.state_dir);
        definition.code_dir = packages.join(&definition.package_sha256);
        definition.layers_dir = layers::merged(&definition.layers).map(|merged| packages.join(merged));
        self.runtime.put(definition.clone(), secrets.clone());
        lock(&self.functions).insert(definition.name.clone(), Defined { definition, secrets });
    }

    /// Defines a function, on disk first.
    pub fn put_function(&self, definition: FunctionDefinition, secrets: SecretValues) -> io::Result<()> {
        self.registry.save_function(&definition)?;
        self.define(definition, secrets);
        self.tell();
        Ok(())
    }

    /// Takes values for what functions lack; they run with them from now on.
    pub fn put_secrets(&self, PutSecrets(handed): PutSecrets) {
        let mut functions = lock(&self.functions);
        for (name, mut values) in handed {
            self.services.supply(&name, &values);
            let Some(defined) = functions.get_mut(&name) else { continue };
            for lacking in defined.lacking().collect::<Vec<_>>() {
                let value = values.0.remove(&lacking.secret);
                defined.secrets.0.extend(value.map(|value| (lacking.secret, value)));
            }
            self.runtime.put(defined.definition.clone(), defined.secrets.clone());
        }
        drop(functions);
        self.tell();
    }

    /// Takes a function away.
    pub fn remove_function(&self, name: &str) -> io::Result<()> {
        self.registry.remove_function(name)?;
        self.runtime.remove(name);
        lock(&self.functions).remove(name);
        self.tell();
        Ok(())
    }

    /// Runs a container service, or another revision of it; on disk once it is in force. Whoever asked may go away meanwhile.
    ///
    /// # Errors
    /// Why its replicas are not well, in words.
    pub async fn put_service(self: Arc<Self>, put: PutService) -> Result<(), String> {
        let deploying = tokio::spawn(async move {
            let PutService { definition, secrets } = put;
            let alone = self.services.change(&definition.name).await;
            self.services.put(&alone, definition.clone(), secrets).await?;
            self.registry.save_service(&definition).map_err(|error| error.to_string())?;
            self.tell();
            Ok(())
        });
        deploying.await.map_err(|error| error.to_string())?
    }

    /// Takes a container service away, once its replicas have ended.
    pub async fn remove_service(self: Arc<Self>, name: &str) -> io::Result<()> {
        let name = name.to_owned();
        let removing = tokio::spawn(async move {
            let alone = self.services.change(&name).await;
            self.registry.remove_service(&name)?;
            self.services.remove(&alone, &name).await;
            self.tell();
            Ok(())
        });
        removing.await.map_err(io::Error::other)?
    }

    /// Defines an API. It keeps its port, and no request is lost: the old routes answer until the new ones do. A kept
    /// port that something else has now is kept all the same: it is served on another one until the host is started
    /// anew.
    pub async fn put_api(&self, mut definition: ApiDefinition) -> io::Result<ApiDefinition> {
        let id = definition.id().to_owned();
        let former = {
            let mut apis = lock(&self.apis);
            if let Some(api) = apis.get_mut(&id) {
                definition.set_port(definition.port().or(api.definition.port()));
                if api.definition == definition {
                    return Ok(definition);
                }
                if api.change(&definition) {
                    let kept = api.kept;
                    drop(apis);
                    self.save_api(&definition, kept)?;
                    self.tell();
                    return Ok(definition);
                }
            }
            apis.remove(&id)
        };
        if let Some(api) = former {
            api.end().await;
        }
        let kept = definition.port();
        let listener = served_api::listen(kept).await?;
        let port = listener.local_addr()?.port();
        let kept = kept.or(Some(port));
        self.save_api(&definition, kept)?;
        definition.set_port(Some(port));
        let acceptor = self.certificates.acceptor();
        let behind = Behind { invoker: self.runtime.clone(), services: self.services.clone() };
        let api = ServedApi::start(definition.clone(), kept, listener, behind, acceptor);
        lock(&self.apis).insert(id, api);
        self.tell();
        Ok(definition)
    }

    fn save_api(&self, definition: &ApiDefinition, kept: Option<u16>) -> io::Result<()> {
        let mut definition = definition.clone();
        definition.set_port(kept);
        self.registry.save_api(&definition)
    }

    /// Takes an API away, once its requests are answered.
    pub async fn remove_api(&self, id: &str) -> io::Result<()> {
        self.registry.remove_api(id)?;
        let api = lock(&self.apis).remove(id);
        if let Some(api) = api {
            api.end().await;
        }
        self.tell();
        Ok(())
    }

    async fn drain(&self) {
        self.end_inspection();
        let apis = std::mem::take(&mut *lock(&self.apis));
        apis.values().for_each(ServedApi::close);
        for api in apis.into_values() {
            api.end().await;
        }
        tokio::join!(self.runtime.drain(), self.services.drain());
        self.limits.end().await;
    }
}
