//! The host process itself.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control::messages::HostState;
use crate::control::server::Control;
use crate::gateway::certificates::LocalCertificates;
use crate::gateway::{http_api, websocket_api};
use crate::host::definition::{ApiDefinition, EnvironmentValue, FunctionDefinition, SecretValues};
use crate::host::process::{HostFile, LOCK};
use crate::host::registry::{Registry, write_atomically};
use crate::http_server;
use crate::runtime::function_runtime::FunctionRuntime;

/// How often idle workers are looked for.
const REAP: Duration = Duration::from_secs(30);

/// Resolves a secret reference when a host restores its functions; nothing where it cannot.
pub type ResolveSecret = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Functions and APIs of one project.
pub(crate) struct Host {
    pub state_dir: PathBuf,
    pub runtime: Arc<FunctionRuntime>,
    pub stop: CancellationToken,
    registry: Registry,
    certificates: Arc<LocalCertificates>,
    functions: Mutex<BTreeMap<String, FunctionDefinition>>,
    apis: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    definition: ApiDefinition,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs the host of `state_dir` until it is told to stop. Returns at once where another one runs.
///
/// # Errors
/// Where the folder, the port or the definitions cannot be used.
pub async fn run(state_dir: &Path, resolve: Box<ResolveSecret>) -> io::Result<()> {
    fs::create_dir_all(state_dir)?;
    let lock_file = File::create(state_dir.join(LOCK))?;
    if !own(&lock_file).await? {
        return Ok(());
    }
    let certificates = Arc::new(LocalCertificates::generate(&state_dir.join("ca.pem"))?);
    let runtime = FunctionRuntime::new(state_dir, Some(certificates.bundle().to_owned()))?;
    let host = Arc::new(Host {
        state_dir: state_dir.to_owned(),
        runtime: Arc::new(runtime),
        stop: CancellationToken::new(),
        registry: Registry::new(state_dir),
        certificates,
        functions: Mutex::default(),
        apis: Mutex::default(),
    });
    host.restore(resolve.as_ref()).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let token = uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string();
    let about =
        HostFile { pid: std::process::id(), port: listener.local_addr()?.port(), token: token.clone() };
    let control = Arc::new(Control { host: host.clone(), token });
    let control_end = CancellationToken::new();
    let serving = tokio::spawn(http_server::serve(listener, control, None, control_end.clone()));
    write_atomically(&HostFile::path(state_dir), &serde_json::to_vec(&about)?)?;
    host.wait_for_the_end().await?;
    host.drain().await;
    control_end.cancel();
    let _ = serving.await;
    // The next command must not look for a host that has gone.
    let _ = fs::remove_file(HostFile::path(state_dir));
    drop(lock_file);
    Ok(())
}

/// Takes the host's lock; `false` where another host has it. Whoever only looks shares the lock for a moment: that is
/// waited out. Another host is not: it may end much later, and its place is not ours to take then.
async fn own(lock: &File) -> io::Result<bool> {
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => match lock.try_lock_shared() {
                Ok(()) => lock.unlock()?,
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(error),
            },
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Host {
    async fn wait_for_the_end(&self) -> io::Result<()> {
        let mut tick = tokio::time::interval(REAP);
        #[cfg(unix)]
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        #[cfg(unix)]
        let mut terminated = std::pin::pin!(async move { terminate.recv().await });
        #[cfg(not(unix))]
        let mut terminated = std::pin::pin!(std::future::pending::<()>());
        loop {
            tokio::select! {
                _ = tick.tick() => self.runtime.reap(),
                _ = terminated.as_mut() => return Ok(()),
                () = self.stop.cancelled() => return Ok(()),
            }
        }
    }

    async fn restore(&self, resolve: &ResolveSecret) -> io::Result<()> {
        for function in self.registry.functions()? {
            let mut secrets = SecretValues::default();
            for value in function.environment_variables.values() {
                if let EnvironmentValue::Secret { secret, .. } = value
                    && let Some(value) = resolve(secret)
                {
                    secrets.0.insert(secret.clone(), value);
                }
            }
            self.runtime.put(function.clone(), secrets);
            lock(&self.functions).insert(function.name.clone(), function);
        }
        for api in self.registry.apis()? {
            let id = api.id().to_owned();
            if let Err(error) = self.put_api(api).await {
                eprintln!("API {id} cannot be served: {error}");
            }
        }
        Ok(())
    }

    /// Everything that runs.
    pub fn state(&self) -> HostState {
        HostState {
            functions: lock(&self.functions).values().cloned().collect(),
            apis: lock(&self.apis).values().map(|running| running.definition.clone()).collect(),
        }
    }

    /// Defines a function, on disk first.
    pub fn put_function(&self, definition: FunctionDefinition, secrets: SecretValues) -> io::Result<()> {
        self.registry.save_function(&definition)?;
        self.runtime.put(definition.clone(), secrets);
        lock(&self.functions).insert(definition.name.clone(), definition);
        Ok(())
    }

    /// Takes a function away.
    pub fn remove_function(&self, name: &str) -> io::Result<()> {
        self.registry.remove_function(name)?;
        self.runtime.remove(name);
        lock(&self.functions).remove(name);
        Ok(())
    }

    /// Defines an API. It keeps its port; the old routes answer until the new ones do.
    pub async fn put_api(&self, mut definition: ApiDefinition) -> io::Result<ApiDefinition> {
        let id = definition.id().to_owned();
        let before = lock(&self.apis).remove(&id);
        let kept = before.as_ref().and_then(|running| port_of(&running.definition));
        let wanted = port_of(&definition).or(kept);
        if let Some(running) = before {
            set_port(&mut definition, wanted);
            if running.definition == definition {
                lock(&self.apis).insert(id, running);
                return Ok(definition);
            }
            running.end().await;
        }
        let listener = listen(wanted).await?;
        set_port(&mut definition, Some(listener.local_addr()?.port()));
        self.registry.save_api(&definition)?;
        lock(&self.apis).insert(id, self.serve(definition.clone(), listener));
        Ok(definition)
    }

    fn serve(&self, definition: ApiDefinition, listener: TcpListener) -> Running {
        let shutdown = CancellationToken::new();
        let invoker = self.runtime.clone();
        let task = match definition.clone() {
            ApiDefinition::Http(api) => {
                tokio::spawn(http_api::serve(api, listener, invoker, shutdown.clone()))
            }
            ApiDefinition::Websocket(api) => {
                let acceptor = self.certificates.acceptor();
                tokio::spawn(websocket_api::serve(api, listener, invoker, acceptor, shutdown.clone()))
            }
        };
        Running { definition, shutdown, task }
    }

    /// Takes an API away, once its requests are answered.
    pub async fn remove_api(&self, id: &str) -> io::Result<()> {
        self.registry.remove_api(id)?;
        let running = lock(&self.apis).remove(id);
        if let Some(running) = running {
            running.end().await;
        }
        Ok(())
    }

    async fn drain(&self) {
        let apis = std::mem::take(&mut *lock(&self.apis));
        apis.values().for_each(|running| running.shutdown.cancel());
        for running in apis.into_values() {
            running.end().await;
        }
        self.runtime.drain().await;
    }
}

impl Running {
    async fn end(self) {
        self.shutdown.cancel();
        let _ = self.task.await;
    }
}

/// The kept port, where it is free; a port that was never kept is any.
async fn listen(port: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = port {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => eprintln!("port {port} cannot be used again ({error}); another one is taken"),
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

fn port_of(definition: &ApiDefinition) -> Option<u16> {
    match definition {
        ApiDefinition::Http(api) => api.port,
        ApiDefinition::Websocket(api) => api.port,
    }
}

fn set_port(definition: &mut ApiDefinition, port: Option<u16>) {
    match definition {
        ApiDefinition::Http(api) => api.port = port,
        ApiDefinition::Websocket(api) => api.port = port,
    }
}
