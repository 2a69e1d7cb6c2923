//! Writes what is generated from the Rust types: `schemas/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Outcome;

/// Writes every schema, and takes away those that no type stands behind any more.
pub(crate) fn run(root: &Path) -> Outcome {
    let folder = root.join("schemas");
    let documents = semantest_iac_cli::schemas();
    for (path, document) in &documents {
        let target = folder.join(path);
        let text = serde_json::to_string_pretty(document).map_err(|error| error.to_string())? + "\n";
        let written = target.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&target, text))
            .map_err(|error| format!("{}: {error}", target.display()))?;
    }
    let wanted: BTreeSet<_> = documents.keys().map(|path| folder.join(path)).collect();
    for stale in files(&folder).difference(&wanted) {
        fs::remove_file(stale).map_err(|error| format!("{}: {error}", stale.display()))?;
    }
    println!("{} schemas in {}", documents.len(), folder.display());
    Ok(())
}

fn files(folder: &Path) -> BTreeSet<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => BTreeSet::from([path]),
        })
        .collect()
}
