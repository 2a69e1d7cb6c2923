//! Definitions on disk: what a restarted host restores. Never holds a secret's value.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::definition::{ApiDefinition, FunctionDefinition};
use crate::host::service_definition::ServiceDefinition;

/// What stands for definitions that cannot be read, once they are moved aside.
const DAMAGED: &str = "damaged";

/// Definitions under a host's state folder. One that is damaged counts as gone, and the others do not suffer.
#[derive(Clone, Debug)]
pub struct Registry {
    state_dir: PathBuf,
}

impl Registry {
    /// The registry of `state_dir`; nothing is created before something is saved.
    pub fn new(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.to_owned() }
    }

    fn functions_folder(&self) -> PathBuf {
        self.state_dir.join("functions")
    }

    fn apis_folder(&self) -> PathBuf {
        self.state_dir.join("apis")
    }

    fn services_folder(&self) -> PathBuf {
        self.state_dir.join("services")
    }

    /// Functions by name.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn functions(&self) -> io::Result<Vec<FunctionDefinition>> {
        Ok(load_all(&self.functions_folder())?.filter_map(|(_, read)| read.ok()).collect())
    }

    /// APIs by id.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn apis(&self) -> io::Result<Vec<ApiDefinition>> {
        Ok(load_all(&self.apis_folder())?.filter_map(|(_, read)| read.ok()).collect())
    }

    /// Container services by name.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn services(&self) -> io::Result<Vec<ServiceDefinition>> {
        Ok(load_all(&self.services_folder())?.filter_map(|(_, read)| read.ok()).collect())
    }

    /// Whether there is nothing, not even something damaged.
    ///
    /// # Errors
    /// Where a folder cannot be read.
    pub fn is_empty(&self) -> io::Result<bool> {
        for folder in [self.functions_folder(), self.apis_folder(), self.services_folder()] {
            if !paths(&folder)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves what cannot be read out of the way, and says what that was: for the host, before it restores the rest.
    pub(crate) fn set_damaged_aside(&self) -> io::Result<Vec<String>> {
        let mut damaged = damaged::<FunctionDefinition>(&self.functions_folder())?;
        damaged.extend(self::damaged::<ApiDefinition>(&self.apis_folder())?);
        damaged.extend(self::damaged::<ServiceDefinition>(&self.services_folder())?);
        let aside = |(path, why): (PathBuf, String)| match set_aside(&path) {
            Ok(()) => format!("{} is damaged ({why}); it was moved aside", path.display()),
            Err(error) => {
                format!("{} is damaged ({why}) and cannot be moved aside: {error}", path.display())
            }
        };
        Ok(damaged.into_iter().map(aside).collect())
    }

    pub(crate) fn save_function(&self, function: &FunctionDefinition) -> io::Result<()> {
        save(&self.functions_folder(), &function.name, function)
    }

    pub(crate) fn save_api(&self, api: &ApiDefinition) -> io::Result<()> {
        save(&self.apis_folder(), api.id(), api)
    }

    pub(crate) fn save_service(&self, service: &ServiceDefinition) -> io::Result<()> {
        save(&self.services_folder(), &service.name, service)
    }

    pub(crate) fn remove_service(&self, name: &str) -> io::Result<()> {
        remove(&self.services_folder(), name)
    }

    pub(crate) fn remove_function(&self, name: &str) -> io::Result<()> {
        remove(&self.functions_folder(), name)
    }

    pub(crate) fn remove_api(&self, id: &str) -> io::Result<()> {
        remove(&self.apis_folder(), id)
    }
}

fn is_definition(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

fn paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| at(folder, error))?,
    };
    let entries = entries.collect::<io::Result<Vec<_>>>().map_err(|error| at(folder, error))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| is_definition(path));
    paths.sort();
    Ok(paths)
}

type Loaded<T> = (PathBuf, Result<T, String>);

fn load_all<T: DeserializeOwned>(folder: &Path) -> io::Result<impl Iterator<Item = Loaded<T>> + use<T>> {
    Ok(paths(folder)?.into_iter().map(|path| {
        let read = fs::read(&path).map_err(|error| error.to_string());
        let read = read.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
        (path, read)
    }))
}

/// What cannot be read, and why.
fn damaged<T: DeserializeOwned>(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let all = load_all::<T>(folder)?;
    Ok(all.filter_map(|(path, read)| Some((path, read.err()?))).collect())
}

fn set_aside(path: &Path) -> io::Result<()> {
    let aside = path.with_extension(DAMAGED);
    remove_whatever(&aside)?;
    fs::rename(path, aside)
}

/// Written beside its place, synced and moved there: a crash leaves the old or the new, never half.
fn save(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}.json"));
    if path.is_dir() {
        // No file can be put in its place.
        set_aside(&path)?;
    }
    write_atomically(&path, &serde_json::to_vec_pretty(value)?)
}

/// What is there under that name, and what was moved aside.
fn remove(folder: &Path, name: &str) -> io::Result<()> {
    let path = folder.join(format!("{name}.json"));
    remove_whatever(&path.with_extension(DAMAGED))?;
    remove_whatever(&path)
}

fn remove_whatever(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The same error with the path it is about.
pub(crate) fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Replaces the file at `path`, readable by its owner only.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file: File = options.open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|error| at(path, error))
}
