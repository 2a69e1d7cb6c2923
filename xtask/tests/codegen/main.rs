//! What is generated from the Rust types: `schemas/`, and what a language's package makes of them.
//!
//! `cargo xtask codegen` runs this with `SEMANTEST_CODEGEN=write`; else files are compared. It is a test because it needs the
//! command line's types: so xtask itself is built in seconds, and nothing is compiled twice for it.

mod families;
mod layout;
mod model;
mod places;
mod python;
mod reading;
mod typescript;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Nothing, or words that say what failed.
type Outcome = Result<(), String>;

/// Texts by their path under the root.
type Files = BTreeMap<PathBuf, String>;

#[test]
fn generated_files_are_what_the_types_say() {
    // This manifest's folder is `xtask`, right under the root.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    let writes = std::env::var_os("SEMANTEST_CODEGEN").is_some_and(|what| what == "write");
    let done = if writes { write(root) } else { check(root) };
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// Writes every file, and takes away those that nothing stands behind any more.
fn write(root: &Path) -> Outcome {
    let wanted = files()?;
    for (path, text) in &wanted {
        let target = root.join(path);
        let made = target.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&target, text))
            .map_err(|error| format!("{}: {error}", target.display()))?;
    }
    for stale in generated(root).difference(&wanted.keys().cloned().collect()) {
        fs::remove_file(root.join(stale)).map_err(|error| format!("{}: {error}", stale.display()))?;
    }
    println!("{} files generated", wanted.len());
    Ok(())
}

/// Fails where a file is not as it would be written, and names each.
fn check(root: &Path) -> Outcome {
    let wanted = files()?;
    let differs = |path: &&PathBuf| fs::read_to_string(root.join(path)).ok().as_ref() != wanted.get(*path);
    let known: BTreeSet<PathBuf> = generated(root).into_iter().chain(wanted.keys().cloned()).collect();
    let stale: Vec<String> = known.iter().filter(differs).map(|path| path.display().to_string()).collect();
    match stale.as_slice() {
        [] => Ok(()),
        _ => Err(format!("out of date: {} (mend it with `cargo xtask codegen`)", stale.join(", "))),
    }
}

fn files() -> Result<Files, String> {
    let documents = semantest_iac_cli::schemas();
    let model = reading::read(&documents)?;
    let mut files = python::files(&model)?;
    files.extend(typescript::files(&model)?);
    for (path, document) in documents {
        let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())? + "\n";
        files.insert(Path::new("schemas").join(path), text);
    }
    Ok(files)
}

/// What is there of an earlier run: everything in `schemas/`, and the packages' files that say so.
fn generated(root: &Path) -> BTreeSet<PathBuf> {
    let packages = [(python::PACKAGE, python::FIRST_LINE), (typescript::PACKAGE, typescript::FIRST_LINE)];
    let packaged = packages.into_iter().flat_map(|(folder, first_line)| {
        let says_so = move |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.lines().next() == Some(first_line)
        };
        below(&root.join(folder)).into_iter().filter(says_so)
    });
    let all = below(&root.join("schemas")).into_iter().chain(packaged);
    all.filter_map(|path| path.strip_prefix(root).map(Path::to_owned).ok()).collect()
}

fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => below(&path),
            path => BTreeSet::from([path]),
        })
        .collect()
}
