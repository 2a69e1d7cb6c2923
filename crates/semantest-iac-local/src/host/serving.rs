//! `serving.json`: what the running host can do, for whoever only wants to know. Reading it asks nobody anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api;
use crate::control::messages::HostState;
use crate::host::lock;
use crate::host::process::real;

/// What the host of a project serves now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serving {
    /// Tells one run of a host from another; process ids come again.
    run: String,
    process: u32,
    folder: PathBuf,
    /// Digests of packages by function: of its code, its layers, and what these come to.
    pub packages: BTreeMap<String, Vec<String>>,
    /// Digests of the packages of container services; none where one has no package.
    #[serde(default)]
    pub services: BTreeMap<String, Option<String>>,
    /// Functions and services that lack a secret.
    pub lacking: BTreeSet<String>,
    /// Where APIs are really called.
    pub endpoints: BTreeSet<String>,
}

impl Serving {
    /// What `state`, of this process for `state_dir`, comes to.
    pub fn of(state: &HostState, run: &str, state_dir: &Path) -> Self {
        let (functions, services) = (state.functions.iter(), state.services.iter());
        Self {
            run: run.to_owned(),
            process: std::process::id(),
            folder: real(state_dir),
            packages: functions.map(|one| (one.name.clone(), one.packages().collect())).collect(),
            services: services.map(|one| (one.name.clone(), one.package().map(str::to_owned))).collect(),
            lacking: state.lacking.iter().map(|lacking| lacking.function.clone()).collect(),
            endpoints: state.apis.iter().filter_map(api::endpoint).collect(),
        }
    }

    /// As the host of `state_dir` has written it; nothing where none runs, or where another one has written it,
    /// or the same one before the folder was moved.
    pub fn read(state_dir: &Path) -> Option<Self> {
        let host = lock::process(state_dir)?;
        let serving: Self = serde_json::from_slice(&fs::read(path(state_dir)).ok()?).ok()?;
        (serving.process == host && serving.folder == real(state_dir)).then_some(serving)
    }

    /// Writes it for as long as this host lives: it need not outlast a power loss.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        let draft = path(state_dir).with_extension("draft");
        fs::write(&draft, serde_json::to_vec(self)?)?;
        fs::rename(draft, path(state_dir))
    }
}

impl Serving {
    /// Whether this run of the host was seen to serve what the log tells of `deployment`.
    pub fn is_confirmed(&self, state_dir: &Path, deployment: &str) -> bool {
        fs::read_to_string(confirmation(state_dir, deployment)).is_ok_and(|run| run == self.run)
    }

    /// Notes that this run of the host serves what the log tells of `deployment`. Another run may have lost it, or have
    /// had to move.
    pub fn confirm(&self, state_dir: &Path, deployment: &str) -> io::Result<()> {
        let path = confirmation(state_dir, deployment);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, &self.run)
    }
}

fn confirmation(state_dir: &Path, deployment: &str) -> PathBuf {
    state_dir.join("confirmed").join(deployment)
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("serving.json")
}
