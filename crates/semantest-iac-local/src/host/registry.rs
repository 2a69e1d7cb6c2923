//! Definitions on disk: what a restarted host restores. Never holds a secret's value.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::definition::{ApiDefinition, FunctionDefinition};

/// Definitions under a host's state folder.
#[derive(Clone, Debug)]
pub struct Registry {
    state_dir: PathBuf,
}

impl Registry {
    /// The registry of `state_dir`; nothing is created before something is saved.
    pub fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned() }
    }

    /// Functions by name.
    ///
    /// # Errors
    /// Where a file cannot be read or is damaged.
    pub fn functions(&self) -> io::Result<Vec<FunctionDefinition>> {
        load_all(&self.state_dir.join("functions"))
    }

    /// APIs by id.
    ///
    /// # Errors
    /// Where a file cannot be read or is damaged.
    pub fn apis(&self) -> io::Result<Vec<ApiDefinition>> {
        load_all(&self.state_dir.join("apis"))
    }

    pub(crate) fn save_function(&self, function: &FunctionDefinition) -> io::Result<()> {
        save(&self.state_dir.join("functions"), &function.name, function)
    }

    pub(crate) fn save_api(&self, api: &ApiDefinition) -> io::Result<()> {
        save(&self.state_dir.join("apis"), api.id(), api)
    }

    pub(crate) fn remove_function(&self, name: &str) -> io::Result<()> {
        remove(&self.state_dir.join("functions"), name)
    }

    pub(crate) fn remove_api(&self, id: &str) -> io::Result<()> {
        remove(&self.state_dir.join("apis"), id)
    }
}

fn is_definition(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn load_all<T: DeserializeOwned>(folder: &Path) -> io::Result<Vec<T>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths: Vec<PathBuf> =
        entries.collect::<io::Result<Vec<_>>>()?.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| is_definition(path));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let damaged = |error| io::Error::other(format!("{}: {error}", path.display()));
            serde_json::from_slice(&fs::read(&path)?).map_err(damaged)
        })
        .collect()
}

/// Written beside its place, synced and moved there: a crash leaves the old or the new, never half.
fn save(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}.json"));
    write_atomically(&path, &serde_json::to_vec_pretty(value)?)
}

fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(format!("{name}.json"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Replaces the file at `path`, readable by its owner only.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, path)
}
