//! The npm packages, and their tests in a project in which they are installed.

mod declarations;
mod package;
mod platform;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::{cargo, program, target, workspace};
use crate::files::{copied, entries, fresh};
use crate::tools;
use package::Packages;
use platform::{PLATFORMS, Platform};

/// What needs no native module: the package in JavaScript, and a project that has what the tests need.
pub(crate) struct Prepared {
    packages: Packages,
    project: PathBuf,
}

/// Compiles the package and sets up the project.
pub(crate) fn prepare(root: &Path) -> Result<Prepared, String> {
    let packages = Packages::lay_out(root, &root.join("target/node/packages"))?;
    Ok(Prepared { packages, project: project(root, "project")? })
}

/// A project below `target/node` with what the tests need but the packages themselves.
fn project(root: &Path, name: &str) -> Result<PathBuf, String> {
    let project = fresh(&root.join("target/node").join(name))?;
    tools::npm(&root.join("tests/node"), &project, "Node: what the package's tests need")?;
    Ok(project)
}

/// A project in which what is uploaded is installed, and nothing of the source tree is.
struct Installed {
    project: PathBuf,
    packed: PathBuf,
}

/// The native module of the gate, as the workspace's libraries are built.
fn build_as_tested(root: &Path, platform: &Platform) -> Result<PathBuf, String> {
    // Among tests, because other crates come with the features that those give them; one is enough for that.
    workspace(root, &["build", "--quiet", "--lib", "--test", "architecture"]).run("Node: native module")?;
    Ok(target(root).join("debug").join(platform.library()))
}

/// The native module as it is released, but for its size.
fn build_released(root: &Path, platform: &Platform) -> Result<PathBuf, String> {
    cargo(root, &["build", "--release", "--quiet", "--package", "semantest-iac-node"])
        .run("Node: native module")?;
    Ok(target(root).join("release").join(platform.library()))
}

impl Installed {
    /// The project, with what is `packed` installed in it.
    fn new(root: &Path, project: PathBuf, packed: PathBuf) -> Result<Self, String> {
        // Offline: the packages of other platforms are in no registry, and one that is there is not ours.
        let install =
            ["install", "--silent", "--no-save", "--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
        entries(&packed)?
            .iter()
            .fold(program("npm", &project, &install), |npm, tarball| npm.arg(tarball))
            .run("Node: a project with the packages in it")?;
        copied(&root.join("tests/node"), &project)?;
        Ok(Self { project, packed })
    }

    fn compile(&self, tests: &str) -> Outcome {
        program(self.project.join("node_modules/.bin/tsc"), &self.project, &["--project", tests])
            .run(&format!("Node: types of the tests ({tests})"))
    }

    fn run(&self, root: &Path, tools: &Path, tests: &[PathBuf], what: &str) -> Outcome {
        tests
            .iter()
            .fold(program("node", &self.project, &RUN), |node, test| node.arg(test))
            .env("SEMANTEST_ROOT", root)
            .env("SEMANTEST_TOOLS", tools)
            .env("SEMANTEST_PACKED", &self.packed)
            .run(what)
    }
}

fn install(root: &Path, prepared: &Prepared, module: &Path) -> Result<Installed, String> {
    let platform = Platform::of_this_machine()?;
    prepared.packages.add(root, platform, Some(module))?;
    Installed::new(root, prepared.project.clone(), prepared.packages.pack(platform)?)
}

/// What the tests are compiled with: those of decorators twice.
const COMPILED: [&str; 3] =
    ["tsconfig.json", "decorators/tsconfig.stage3.json", "decorators/tsconfig.legacy.json"];

/// All tests of the packages.
pub(crate) fn test(root: &Path, tools: &Path, prepared: &Prepared) -> Outcome {
    let module = build_as_tested(root, Platform::of_this_machine()?)?;
    let installed = install(root, prepared, &module)?;
    COMPILED.iter().try_for_each(|tests| installed.compile(tests))?;
    let mut tests = Vec::new();
    for folder in ["built", "decorators/out/stage3", "decorators/out/legacy"] {
        tests.extend(compiled_tests(&installed.project.join(folder))?);
    }
    installed.run(root, tools, &tests, "Node: tests")
}

/// A test that hangs is to fail; ten minutes is what none of them takes.
const RUN: [&str; 4] = ["--test", "--test-reporter=spec", "--test-concurrency=2", "--test-timeout=600000"];

fn compiled_tests(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = entries(folder)?;
    let is_test = |name: &OsStr| name.to_string_lossy().ends_with(".test.js");
    found.retain(|path| path.file_name().is_some_and(is_test));
    Ok(found)
}

/// Tests that show whether what is packed can be installed, loaded and deployed with.
const RELEASED: [&str; 2] = ["built/package.test.js", "built/package-examples.test.js"];

/// The packages as they are released: this machine's platform built small, the others laid out for machines that can build them.
pub(crate) fn release(root: &Path) -> Outcome {
    let here = Platform::of_this_machine()?;
    cargo(root, &["build", "--profile", "dist", "--quiet", "--package", "semantest-iac-node"])
        .env("CARGO_TARGET_DIR", root.join("target"))
        .run("Node: native module, small")?;
    let module = root.join("target/dist").join(here.library());
    let folder = root.join("target/node/dist");
    let packages = Packages::lay_out(root, &folder)?;
    for platform in &PLATFORMS {
        let module = (platform.name == here.name).then_some(module.as_path());
        packages.add(root, platform, module)?;
    }
    let packed = packages.pack(here)?;
    small(&packed)?;
    // Built in another way than what all tests run with.
    let installed = Installed::new(root, project(root, "released")?, packed.clone())?;
    installed.compile("tsconfig.json")?;
    let tests = RELEASED.map(|test| installed.project.join(test));
    installed.run(root, &root.join("target/tools"), &tests, "Node: the packages, deployed with")?;
    println!("packed, in {}: {} and semantest-iac", packed.display(), here.package());
    println!("not built, as this machine is {}; each needs a machine of its own:", here.target);
    for other in PLATFORMS.iter().filter(|other| other.name != here.name) {
        println!(
            "  {:<32} {} is missing in {}",
            other.package(),
            other.module(),
            folder.join(other.name).display()
        );
    }
    println!(
        "publish semantest-iac last: as long as one of these is in no registry, `npm ci` of its users fails"
    );
    Ok(())
}

const ROOT_TARBALL: &str = concat!("semantest-iac-", env!("CARGO_PKG_VERSION"), ".tgz");

/// What is downloaded has a limit. The tests' own native module is larger: it is made to be built fast.
fn small(packed: &Path) -> Outcome {
    for tarball in entries(packed)? {
        let size = fs::metadata(&tarball).map_err(|error| format!("{}: {error}", tarball.display()))?.len();
        println!("{size:>11} bytes  {}", tarball.display());
        let limit = if tarball.ends_with(ROOT_TARBALL) { 100_000 } else { 12_000_000 };
        if size > limit {
            return Err(format!("{} is over {limit} bytes", tarball.display()));
        }
    }
    Ok(())
}

/// What an event costs on its way between Rust and JavaScript, beside JavaScript alone.
pub(crate) fn bench(root: &Path) -> Outcome {
    let module = build_released(root, Platform::of_this_machine()?)?;
    let installed = install(root, &prepare(root)?, &module)?;
    installed.compile("bench/tsconfig.json")?;
    program("node", &installed.project, &["--expose-gc", "built/bench/bench.js"])
        .env("SEMANTEST_BENCH_FOLDER", root.join("target"))
        .run("benchmark node")
}
