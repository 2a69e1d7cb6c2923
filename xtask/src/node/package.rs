//! The npm packages: the one that users name, and for each platform one with the native module.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::Outcome;
use crate::command::program;
use crate::files::{copied, fresh, read, write};
use crate::node::declarations;
use crate::node::platform::{PLATFORMS, Platform};
use crate::tools;

const SOURCE: &str = "bindings/node";

/// What is laid out for packing, in `folder`.
pub(crate) struct Packages {
    folder: PathBuf,
    manifest: Map<String, Value>,
}

impl Packages {
    /// The root package in `folder`, its TypeScript compiled.
    pub fn lay_out(root: &Path, folder: &Path) -> Result<Self, String> {
        let source = root.join(SOURCE);
        let compiled = compile(root, &source)?;
        let mut manifest = manifest(&source)?;
        // These are needed to build it. Those of the platforms are added here because `npm ci` would look for them in the registry,
        // where those of a new version are not yet.
        manifest.remove("devDependencies");
        manifest.remove("scripts");
        let version = manifest.get("version").cloned().unwrap_or_default();
        let platforms: Map<String, Value> =
            PLATFORMS.iter().map(|platform| (platform.package(), version.clone())).collect();
        manifest.insert("optionalDependencies".into(), platforms.into());
        let packages = Self { folder: fresh(folder)?, manifest };
        let package = fresh(&packages.folder.join("semantest-iac"))?;
        write_manifest(&package, &packages.manifest)?;
        copied(&compiled.join("dist"), &package.join("dist"))?;
        for file in ["native.cjs", "native.d.cts", "README.md"] {
            copied(&source.join(file), &package.join(file))?;
        }
        licences(root, &package)?;
        Ok(packages)
    }

    /// A platform's package; without `module`, the native one, it is laid out only.
    pub fn add(&self, root: &Path, platform: &Platform, module: Option<&Path>) -> Outcome {
        let package = fresh(&self.folder.join(platform.name))?;
        write_manifest(&package, &platform.manifest(&self.manifest))?;
        licences(root, &package)?;
        let about = format!(
            "The native module of semantest-iac for {}. Install `semantest-iac`, which brings it.\n",
            platform.target
        );
        write(&package.join("README.md"), &about)?;
        module.map_or(Ok(()), |module| copied(module, &package.join(platform.module())))
    }

    /// Packs the root package and that of the platform: two tarballs in the folder that is returned.
    pub fn pack(&self, platform: &Platform) -> Result<PathBuf, String> {
        let packed = fresh(&self.folder.join("packed"))?;
        for name in ["semantest-iac", platform.name] {
            program("npm", &self.folder.join(name), &["pack", "--silent", "--pack-destination"])
                .arg(&packed)
                .run(&format!("Node: the package {name}"))?;
        }
        Ok(packed)
    }
}

/// A copy of the package's source with the compiled one in it: nothing is written beside the source.
fn compile(root: &Path, source: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/node/source");
    tools::npm(source, &folder, "Node: what the package is compiled with")?;
    for part in ["ts", "modules", "dist"] {
        fresh(&folder.join(part))?;
    }
    for part in ["ts", "package.json", "tsconfig.json", "rollup.config.js", "native.cjs", "native.d.cts"] {
        copied(&source.join(part), &folder.join(part))?;
    }
    program("npm", &folder, &["run", "--silent", "build"]).run("Node: the package, compiled")?;
    declarations::keep_public(&folder.join("dist"), &manifest(source)?)?;
    Ok(folder)
}

fn manifest(source: &Path) -> Result<Map<String, Value>, String> {
    let file = source.join("package.json");
    let parsed = serde_json::from_str(&read(&file)?);
    parsed.map_err(|error| format!("{}: {error}", file.display()))
}

fn write_manifest(package: &Path, manifest: &Map<String, Value>) -> Outcome {
    let text = serde_json::to_string_pretty(manifest).map_err(|error| error.to_string())?;
    write(&package.join("package.json"), &(text + "\n"))
}

fn licences(root: &Path, package: &Path) -> Outcome {
    let names = ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"];
    names.iter().try_for_each(|name| copied(&root.join(name), &package.join(name)))
}
