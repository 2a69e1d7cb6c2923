//! The platforms that there is a package with the native module for.

use std::path::Path;

use serde_json::{Map, Value, json};

/// One of them.
pub(crate) struct Platform {
    /// The end of its package's name.
    pub name: &'static str,
    /// Rust's name of it.
    pub target: &'static str,
    os: &'static str,
    cpu: &'static str,
    libc: Option<&'static str>,
}

/// All of them; `bindings/node/native.cjs` looks for the same.
pub(crate) const PLATFORMS: [Platform; 7] = [
    platform("darwin-arm64", "aarch64-apple-darwin", "darwin", "arm64", None),
    platform("darwin-x64", "x86_64-apple-darwin", "darwin", "x64", None),
    platform("linux-arm64-gnu", "aarch64-unknown-linux-gnu", "linux", "arm64", Some("glibc")),
    platform("linux-arm64-musl", "aarch64-unknown-linux-musl", "linux", "arm64", Some("musl")),
    platform("linux-x64-gnu", "x86_64-unknown-linux-gnu", "linux", "x64", Some("glibc")),
    platform("linux-x64-musl", "x86_64-unknown-linux-musl", "linux", "x64", Some("musl")),
    platform("win32-x64-msvc", "x86_64-pc-windows-msvc", "win32", "x64", None),
];

const fn platform(
    name: &'static str,
    target: &'static str,
    os: &'static str,
    cpu: &'static str,
    libc: Option<&'static str>,
) -> Platform {
    Platform { name, target, os, cpu, libc }
}

impl Platform {
    /// The one that this machine is.
    pub fn of_this_machine() -> Result<&'static Self, String> {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        let cpu = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            "x86_64" => "x64",
            other => other,
        };
        let libc = if cfg!(target_env = "musl") { "musl" } else { "glibc" };
        let fits = |one: &&Self| one.os == os && one.cpu == cpu && one.libc.is_none_or(|its| its == libc);
        let found = PLATFORMS.iter().find(fits);
        found.ok_or_else(|| format!("there is no npm package for this machine ({os}, {cpu})"))
    }

    /// What its package is called.
    pub fn package(&self) -> String {
        format!("@semantest/iac-{}", self.name)
    }

    /// What the native module is called in it.
    pub fn module(&self) -> String {
        format!("semantest-iac.{}.node", self.name)
    }

    /// What Cargo calls the native module.
    pub fn library(&self) -> &'static Path {
        Path::new(match self.os {
            "darwin" => "libsemantest_iac_node.dylib",
            "win32" => "semantest_iac_node.dll",
            _ => "libsemantest_iac_node.so",
        })
    }

    /// Its package.json, after the manifest of the root package.
    pub fn manifest(&self, root: &Map<String, Value>) -> Map<String, Value> {
        let mut manifest = Map::new();
        manifest.insert("name".into(), self.package().into());
        for kept in ["version", "license", "repository", "engines"] {
            manifest.extend(root.get(kept).map(|value| (kept.to_owned(), value.clone())));
        }
        let about = format!("The native module of semantest-iac for {}", self.target);
        manifest.insert("description".into(), about.into());
        manifest.insert("main".into(), self.module().into());
        manifest.insert("files".into(), json!([self.module(), "LICENSE-*"]));
        manifest.insert("os".into(), json!([self.os]));
        manifest.insert("cpu".into(), json!([self.cpu]));
        manifest.extend(self.libc.map(|libc| ("libc".to_owned(), json!([libc]))));
        manifest
    }
}
