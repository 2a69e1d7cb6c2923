//! Secrets from this machine (`env:NAME`, `file:PATH`, `env-file:PATH#NAME`), from the clouds of this build, and from resolvers that were added.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac_core::domain::env_file::{self, ENV_FILE};
use semantest_iac_core::domain::identifiers::check_name;
use semantest_iac_core::memory::secret_resolver::keyed_digest;
use semantest_iac_core::ports::secret_resolver::{SecretResolver, SecretValue};
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::composition::{STATE_FOLDER, create_private};
use crate::small_file;

/// Largest secret in a file, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// Reads environment variables, files relative to the project, and the secret stores of clouds.
pub struct ProjectSecrets {
    directory: PathBuf,
    key: Mutex<Option<Vec<u8>>>,
    added: BTreeMap<String, Arc<dyn SecretResolver>>,
    #[cfg(feature = "aws")]
    aws: semantest_iac_aws::AwsSecrets,
    #[cfg(feature = "azure")]
    azure: semantest_iac_azure::AzureSecrets,
}

impl ProjectSecrets {
    /// Secrets of the project in `directory`.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            key: Mutex::new(None),
            added: BTreeMap::new(),
            #[cfg(feature = "aws")]
            aws: semantest_iac_aws::AwsSecrets::new(&semantest_iac_aws::CallSettings::from_environment()),
            #[cfg(feature = "azure")]
            azure: semantest_iac_azure::AzureSecrets::new(
                &semantest_iac_azure::CallSettings::from_environment(),
            ),
        }
    }

    /// Resolves the schemes of `resolver` too. Digests are made with this project's key all the same.
    ///
    /// # Errors
    /// `InvalidInput` for a resolver without schemes, a scheme that is no name, and one that is resolved already.
    pub fn add(&mut self, resolver: Arc<dyn SecretResolver>) -> Result<()> {
        let refused = |text: String| Error::new(ErrorKind::InvalidInput, "secret_resolver.add", text);
        let schemes = resolver.schemes();
        if schemes.is_empty() {
            return Err(refused("a secret resolver that was added has no schemes".into()));
        }
        for scheme in schemes {
            check_name("a scheme of secrets", &scheme)?;
            if self.schemes().contains(&scheme) {
                let text =
                    format!("the scheme `{scheme}` is resolved already: choose another for the resolver");
                return Err(refused(text).with("scheme", scheme));
            }
            self.added.insert(scheme, resolver.clone());
        }
        Ok(())
    }

    /// The value of `reference`.
    ///
    /// # Errors
    /// `SecretUnresolved`, never with a value.
    fn look_up(&self, reference: &str) -> Result<SecretValue> {
        match reference.split_once(':') {
            Some(("env", name)) => std::env::var(name).map(SecretValue::new).map_err(|_| {
                unresolved(reference, format!("set the environment variable {name} before you run this"))
            }),
            Some(("file", path)) => self.read(reference, path),
            Some((ENV_FILE, rest)) => self.in_env_file(reference, rest),
            // Named here, since other front doors come across what a Pulumi program has deployed.
            Some(("pulumi", _)) => {
                Err(unresolved(reference, "a Pulumi program gives it: run its `pulumi up` instead".into()))
            }
            Some((scheme, _)) => {
                let known = self.schemes().join(", ");
                let text = format!("this build does not know the scheme `{scheme}`; it knows {known}");
                Err(unresolved(reference, text))
            }
            None => Err(unresolved(reference, "write it as `env:NAME` or `file:PATH`".into())),
        }
    }

    fn read(&self, reference: &str, path: &str) -> Result<SecretValue> {
        let path = self.directory.join(path);
        let metadata = fs::metadata(&path)
            .map_err(|error| unresolved(reference, format!("{} cannot be read: {error}", path.display())))?;
        if !metadata.is_file() || metadata.len() > SIZE_LIMIT {
            return Err(unresolved(reference, format!("{} is no file of at most 1 MiB", path.display())));
        }
        // The reason stays unsaid where it could show what the file holds.
        let text = fs::read_to_string(&path)
            .map_err(|_| unresolved(reference, format!("{} cannot be read as UTF-8 text", path.display())))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(SecretValue::new(text.strip_suffix('\r').unwrap_or(text)))
    }

    fn in_env_file(&self, reference: &str, rest: &str) -> Result<SecretValue> {
        let Some((path, name)) = rest.rsplit_once('#') else {
            return Err(unresolved(reference, format!("write it as `{ENV_FILE}:PATH#NAME`")));
        };
        let bytes = small_file::read(&self.directory, path);
        let variables = bytes.and_then(|bytes| env_file::read(path, bytes));
        let mut variables = variables.map_err(|why| unresolved(reference, why))?;
        let value = variables.remove(name).map(SecretValue::new);
        value.ok_or_else(|| unresolved(reference, format!("add {name} to that file")))
    }

    fn key(&self) -> Result<Vec<u8>> {
        let mut key = self.key.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if key.is_none() {
            let path = self.directory.join(STATE_FOLDER).join("secret.key");
            *key = Some(load_or_make_key(&path).map_err(|error| {
                let text = format!("{} cannot be read or made: {error}", path.display());
                Error::new(ErrorKind::Storage, "secret.key", text)
            })?);
        }
        Ok(key.clone().unwrap_or_default())
    }
}

/// 32 random bytes, made once. Two processes that make it at once agree on one.
fn load_or_make_key(path: &Path) -> std::io::Result<Vec<u8>> {
    if let Ok(key) = fs::read(path) {
        return Ok(key);
    }
    if let Some(folder) = path.parent() {
        create_private(folder)?;
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(&key)?;
    file.sync_all()?;
    // A link fails where another process was faster; a rename would put ours in its place.
    let made = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read(path),
    }
}

#[async_trait]
impl SecretResolver for ProjectSecrets {
    fn schemes(&self) -> Vec<String> {
        let here = [
            "env",
            "file",
            ENV_FILE,
            #[cfg(feature = "aws")]
            semantest_iac_aws::SECRETS_MANAGER,
            #[cfg(feature = "aws")]
            semantest_iac_aws::PARAMETER_STORE,
            #[cfg(feature = "azure")]
            semantest_iac_azure::KEY_VAULT,
        ];
        here.map(str::to_owned).into_iter().chain(self.added.keys().cloned()).collect()
    }

    async fn resolve(&self, reference: &str) -> Result<SecretValue> {
        self.resolve_in(reference, None).await
    }

    async fn resolve_in(&self, reference: &str, region: Option<&str>) -> Result<SecretValue> {
        let scheme = reference.split_once(':').map(|(scheme, _)| scheme);
        if let Some(resolver) = scheme.and_then(|scheme| self.added.get(scheme)) {
            return resolver.resolve_in(reference, region).await;
        }
        #[cfg(feature = "aws")]
        if let Some((semantest_iac_aws::SECRETS_MANAGER | semantest_iac_aws::PARAMETER_STORE, _)) =
            reference.split_once(':')
        {
            return self.aws.look_up(reference, region).await;
        }
        #[cfg(feature = "azure")]
        if let Some((semantest_iac_azure::KEY_VAULT, _)) = reference.split_once(':') {
            return self.azure.look_up(reference).await;
        }
        self.look_up(reference)
    }

    async fn digest(&self, value: &SecretValue) -> Result<String> {
        Ok(keyed_digest(&self.key()?, value))
    }
}

fn unresolved(reference: &str, advice: String) -> Error {
    let text = format!("secret `{reference}` has no value: {advice}");
    Error::new(ErrorKind::SecretUnresolved, "secret.resolve", text).with("reference", reference)
}
