//! Other programs that run functions on this machine, which the benchmark of the local provider is measured beside.
//!
//! They are some 900 MB and no test needs them: they are set up when they are asked for, and used where they are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::cargo;
use crate::files::read;
use crate::tools;

/// Where they are put, under the root.
const FOLDER: &str = "target/tools/peers";

/// Installs serverless-offline (on osls, the free continuation of Serverless Framework 3) and cargo-lambda, each in the
/// version that is checked in, and builds the handler in Rust that is measured.
pub(crate) fn set_up(root: &Path) -> Outcome {
    let (source, folder) = (root.join("tests/tools/peers"), root.join(FOLDER));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    tools::npm(&source, &folder.join("node"), "peers: serverless-offline")?;
    tools::python(&source, &folder, "cargo-lambda", "venv")?;
    let manifest = source.join("handler/Cargo.toml");
    cargo(root, &["build", "--release", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .run("peers: the handler in Rust")
}

/// Where they are; nothing where one of them is not, or not in the version that is checked in.
pub(crate) fn installed(root: &Path) -> Option<PathBuf> {
    let (source, folder) = (root.join("tests/tools/peers"), root.join(FOLDER));
    let stamps = [
        ("package-lock.json", "node/package-lock.installed"),
        ("cargo-lambda.txt", "cargo-lambda.installed"),
    ];
    let same = |wanted: &str, stamp: &str| {
        read(&source.join(wanted)).is_ok_and(|wanted| read(&folder.join(stamp)).is_ok_and(|is| is == wanted))
    };
    let built = folder.join("target/release/peer-handler").is_file();
    (built && stamps.iter().all(|(wanted, stamp)| same(wanted, stamp))).then_some(folder)
}
