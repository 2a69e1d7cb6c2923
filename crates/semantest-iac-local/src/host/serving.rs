//! `serving.json`: what the running host can do, for whoever only wants to know. Reading it asks nobody anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api;
use crate::control::messages::HostState;
use crate::host::lock::is_running;
use crate::host::process::real;

/// What the host of a project serves now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Serving {
    process: u32,
    folder: PathBuf,
    /// Digests of packages by function.
    pub packages: BTreeMap<String, String>,
    /// Functions that lack a secret.
    pub lacking: BTreeSet<String>,
    /// Where APIs are really called.
    pub endpoints: BTreeSet<String>,
    /// Deployments of which the log was seen to tell the same.
    pub confirmed: BTreeSet<String>,
}

impl Serving {
    /// What `state`, of this process for `state_dir`, comes to.
    pub fn of(state: &HostState, confirmed: BTreeSet<String>, state_dir: &Path) -> Self {
        let functions = state.functions.iter();
        Self {
            process: std::process::id(),
            folder: real(state_dir),
            packages: functions.map(|one| (one.name.clone(), one.package_sha256.clone())).collect(),
            lacking: state.lacking.iter().map(|lacking| lacking.function.clone()).collect(),
            endpoints: state.apis.iter().filter_map(api::endpoint).collect(),
            confirmed,
        }
    }

    /// As the host of `state_dir` has written it; nothing where none runs, or where another one has written it,
    /// or the same one before the folder was moved.
    pub fn read(state_dir: &Path, host: Option<u32>) -> Option<Self> {
        let text = is_running(state_dir).then(|| fs::read(path(state_dir)).ok()).flatten()?;
        let serving: Self = serde_json::from_slice(&text).ok()?;
        (Some(serving.process) == host && serving.folder == real(state_dir)).then_some(serving)
    }

    /// Writes it for as long as this host lives: it need not outlast a power loss.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        let draft = path(state_dir).with_extension("draft");
        fs::write(&draft, serde_json::to_vec(self)?)?;
        fs::rename(draft, path(state_dir))
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("serving.json")
}
