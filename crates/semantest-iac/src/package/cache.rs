//! Remembers which files gave which package, so that an untouched folder is not packed again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use semantest_iac_core::Result;
use semantest_iac_core::ports::artifact_store::Sha256Hex;
use semantest_iac_core::ports::project::Package;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::listing::{list, listed};
use super::{LeftOut, Source, source, zip_names};
use crate::composition::create_private;

/// Part of every fingerprint: another way of packing must not be taken for the same.
const FORMAT: &str = "semantest-iac package 1";

/// Files must have been left alone for this long for their times to be trusted.
const SETTLED_AFTER_S: i64 = 2;

/// Code as it is now.
pub(super) struct Look {
    pub fingerprint: String,
    pub settled: bool,
    /// Names of the files in the package.
    pub files: Vec<String>,
    /// How many bytes they take, where that is known.
    unzipped: Option<u64>,
}

impl Look {
    /// The package that this has become.
    pub fn package(self, address: Sha256Hex) -> Package {
        Package { address, files: Some(self.files), unzipped: self.unzipped }
    }
}

/// Digest of the names, sizes, times, modes and inodes of what would be packaged. Reads no file.
///
/// # Errors
/// As [`package`](super::package).
pub fn fingerprint(root: &Path, code: &str) -> Result<String> {
    look(root, code, &LeftOut::new()).map(|look| look.fingerprint)
}

pub(super) fn look(root: &Path, code: &str, left_out: &LeftOut) -> Result<Look> {
    let (files, zip) = match source(root, code)? {
        Source::Folder(folder) => (list(code, &folder, left_out)?, None),
        Source::Zip(file) => {
            let zip = zip_names(code, &file)?;
            (vec![listed(file, code.to_owned())?], Some(zip))
        }
    };
    let mut digest = Sha256::new();
    digest.update(FORMAT);
    for file in &files {
        digest.update(format!("\0{}\0{}", file.name, file.stamp));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
    let settled = files.iter().all(|file| file.changed_s + SETTLED_AFTER_S < now);
    let (files, unzipped) = zip.unwrap_or_else(|| {
        let size = files.iter().map(|file| file.size).sum();
        (files.into_iter().map(|file| file.name).collect(), Some(size))
    });
    Ok(Look { fingerprint: hex::encode(digest.finalize()), settled, files, unzipped })
}

/// `packages.json` in the cache folder. It may be lost or wrong: then things are packed again.
pub(super) struct Cache {
    file: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    packages: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    fingerprint: String,
    sha256: Sha256Hex,
}

impl Cache {
    pub fn of(folder: &Path) -> Self {
        Self { file: folder.join("packages.json") }
    }

    pub fn get(&self, code: &str, fingerprint: &str) -> Option<Sha256Hex> {
        let mut kept = self.read();
        let entry = kept.packages.remove(code)?;
        (entry.fingerprint == fingerprint).then_some(entry.sha256)
    }

    /// Of two that write at once one is forgotten, and packs again the next time.
    pub fn put(&self, code: &str, fingerprint: &str, sha256: &str) {
        let mut kept = self.read();
        let entry = Entry { fingerprint: fingerprint.to_owned(), sha256: sha256.to_owned() };
        kept.packages.insert(code.to_owned(), entry);
        if let Err(error) = self.write(&kept) {
            tracing::debug!(%error, file = %self.file.display(), "the package cache was not written");
        }
    }

    fn read(&self) -> Kept {
        let text = fs::read(&self.file).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, kept: &Kept) -> std::io::Result<()> {
        let draft = self.file.with_extension(format!("json.{}", std::process::id()));
        self.file.parent().map_or(Ok(()), create_private)?;
        fs::write(&draft, serde_json::to_vec(kept)?)?;
        fs::rename(&draft, &self.file)
    }
}
