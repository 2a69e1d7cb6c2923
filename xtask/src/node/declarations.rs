//! Which declarations of types belong into the package: those that users can come to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::Outcome;
use crate::files::{entries, read};

const ENDING: &str = ".d.ts";

/// Removes declarations that none of those that the manifest names imports, directly or through others.
pub(crate) fn keep_public(dist: &Path, manifest: &Map<String, Value>) -> Outcome {
    let mut ahead: Vec<PathBuf> = entry_points(manifest).map(|path| dist.join(path)).collect();
    let mut public = BTreeSet::new();
    while let Some(file) = ahead.pop() {
        // One that is not there is in a comment's example; else it is missed where the tests are compiled.
        if public.contains(&file) || !file.is_file() {
            continue;
        }
        let folder = file.parent().unwrap_or(dist);
        ahead.extend(imported(&read(&file)?).map(|module| normal(&folder.join(module))));
        public.insert(file);
    }
    for file in below(dist)? {
        let declares = file.to_string_lossy().ends_with(ENDING);
        if declares && !public.contains(&file) {
            fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}

/// The declarations that `exports` names, in `dist`.
fn entry_points(manifest: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let exports = manifest.get("exports").and_then(Value::as_object);
    let types =
        exports.into_iter().flat_map(|exports| exports.values()).filter_map(|one| one["types"].as_str());
    types.filter_map(|path| path.strip_prefix("./dist/"))
}

/// The declarations of the package's own modules that a text imports: `from "./x.js"` and `import("./x.js")`.
fn imported(text: &str) -> impl Iterator<Item = String> {
    let after = ["from \"", "import(\""].into_iter().flat_map(|before| text.split(before).skip(1));
    let named = after.filter_map(|rest| rest.split('"').next());
    let own = named.filter(|name| name.starts_with("./") || name.starts_with("../"));
    own.filter_map(|name| name.strip_suffix(".js")).map(|name| format!("{name}{ENDING}"))
}

/// The same path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut so_far, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(so_far.pop()),
            other => so_far.push(other),
        }
        so_far
    })
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { found.extend(below(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
