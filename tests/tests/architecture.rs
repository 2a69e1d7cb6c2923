//! The architecture rules, read off `cargo metadata` and the module tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

const ADAPTERS: [&str; 6] = [
    "semantest-iac-aws",
    "semantest-iac-azure",
    "semantest-iac-foreign",
    "semantest-iac-local",
    "semantest-iac-pulumi-stack",
    "semantest-iac-sqlite",
];
const FRONT_DOORS: [&str; 4] =
    ["semantest-iac-cli", "semantest-iac-node", "semantest-iac-pulumi", "semantest-iac-python"];

/// Crates that talk to networks, disks, databases or clouds.
const OUTSIDE: [&str; 14] = [
    "hyper",
    "hyper-util",
    "reqwest",
    "ureq",
    "rusqlite",
    "rustix",
    "nix",
    "libc",
    "tempfile",
    "zip",
    "notify",
    "tokio-rustls",
    "aws-config",
    "azure_core",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stand right under the root").to_owned()
}

/// Direct dependencies by crate of the workspace: (normal and build, dev).
fn dependencies() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let packages = metadata.packages.into_iter().map(|package| {
        let of = |dev: bool| {
            let chosen =
                package.dependencies.iter().filter(|d| (d.kind == DependencyKind::Development) == dev);
            chosen.map(|dependency| dependency.name.clone()).collect()
        };
        (package.name.to_string(), (of(false), of(true)))
    });
    packages.collect()
}

fn ours(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).filter(|name| name.starts_with("semantest-iac")).collect()
}

#[test]
fn core_depends_on_no_crate_of_ours_and_on_nothing_outside() {
    let (normal, _) = &dependencies()["semantest-iac-core"];
    assert!(ours(normal).is_empty(), "{normal:?}");
    let outside: Vec<_> = OUTSIDE.iter().filter(|name| normal.contains(**name)).collect();
    assert!(outside.is_empty(), "core must not know {outside:?}");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("manifest");
    let tokio = manifest.lines().find(|line| line.starts_with("tokio = ")).expect("tokio is pinned");
    assert!(tokio.contains("features = [\"sync\"]"), "core's tokio has no timers, sockets or files: {tokio}");
}

#[test]
fn adapters_depend_on_core_only() {
    let all = dependencies();
    for adapter in ADAPTERS {
        let (normal, dev) = &all[adapter];
        assert_eq!(ours(normal), BTreeSet::from(["semantest-iac-core"]), "{adapter}");
        let allowed = BTreeSet::from(["semantest-iac-core", "semantest-iac-testkit"]);
        assert!(ours(dev).is_subset(&allowed), "{adapter}: {dev:?}");
    }
}

#[test]
fn front_doors_depend_on_the_facade_only() {
    let all = dependencies();
    for door in FRONT_DOORS {
        let mut known = ours(&all[door].0);
        // Bindings host the command line: `python -m semantest_iac` and `npx semantest-iac` are the very same.
        if ["semantest-iac-node", "semantest-iac-python"].contains(&door) {
            assert!(known.remove("semantest-iac-cli"), "{door} has the command line");
        }
        assert_eq!(known, BTreeSet::from(["semantest-iac"]), "{door}");
    }
}

#[test]
fn only_the_facade_names_several_adapters() {
    for (name, (normal, _)) in dependencies() {
        let named = ours(&normal).into_iter().filter(|other| ADAPTERS.contains(other)).count();
        assert!(named < 2 || name == "semantest-iac", "{name} names {named} adapters");
    }
}

/// Bindings drive the suites against adapters of their language, and know the facade only: so it hands them on. Nobody else
/// gets them, nor the emulators' HTTP server.
#[test]
fn the_testkit_reaches_users_as_an_optional_feature_of_the_facade_and_without_the_emulators() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let mut named = BTreeSet::new();
    for package in &metadata.packages {
        let normal = package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal);
        for dependency in normal.filter(|one| one.name == "semantest-iac-testkit") {
            named.insert(package.name.as_str());
            assert!(dependency.optional, "{} brings the testkit to everybody", package.name);
            assert!(!dependency.uses_default_features, "{} brings the emulators", package.name);
            assert!(dependency.features.is_empty(), "{:?}", dependency.features);
        }
        let default = package.features.get("default").into_iter().flatten();
        assert!(default.clone().all(|feature| feature != "conformance"), "{}", package.name);
    }
    assert_eq!(named, BTreeSet::from(["semantest-iac"]));
}

#[test]
fn only_the_composition_names_adapters_inside_the_facade() {
    let facade = root().join("crates/semantest-iac/src");
    for file in rust_files(&facade) {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let text = code(&file);
        let allowed: &[&str] = match name {
            "composition.rs" => &[
                "semantest_iac_aws",
                "semantest_iac_azure",
                "semantest_iac_local",
                "semantest_iac_pulumi_stack",
                "semantest_iac_sqlite",
            ],
            // The clouds' stores of secrets.
            "secrets.rs" => &["semantest_iac_aws", "semantest_iac_azure"],
            // Handed on to the bindings, which know nobody else; the facade itself puts no foreign port together.
            "lib.rs" => &["semantest_iac_foreign"],
            // The local host is stopped and revived through the facade.
            "iac.rs" => &["semantest_iac_local"],
            _ => &[],
        };
        for adapter in ADAPTERS {
            let adapter = adapter.replace('-', "_");
            assert!(
                allowed.contains(&adapter.as_str()) || !text.contains(&adapter),
                "{} names {adapter}",
                file.display()
            );
        }
    }
}

/// What the modules of core may name: values know nobody, events know values, ports know both, the application
/// knows all (docs/decisions/0002).
#[test]
fn inside_core_the_arrows_point_one_way() {
    let core = root().join("crates/semantest-iac-core/src");
    let value = |path: &str| {
        !path.starts_with("domain/deployment/")
            || ["plan.rs", "resource.rs"].iter().any(|name| path.ends_with(name))
    };
    for file in rust_files(&core) {
        let path = file.strip_prefix(&core).expect("inside core").to_string_lossy().replace('\\', "/");
        let text = code(&file);
        let forbidden: &[&str] = match path.split('/').next().unwrap_or_default() {
            "events" => &[
                "crate::ports",
                "crate::application",
                "crate::memory",
                "deployment::aggregate",
                "deployment::state",
                "deployment::planner",
            ],
            "domain" if value(&path) => {
                &["crate::events", "crate::ports", "crate::application", "crate::memory"]
            }
            "domain" => &["crate::ports", "crate::application", "crate::memory"],
            "ports" => &["crate::application", "crate::memory"],
            "application" => &["crate::memory"],
            "memory" => &["crate::application"],
            _ => &[],
        };
        for arrow in forbidden {
            assert!(!text.contains(arrow), "{path} names {arrow}");
        }
    }
}

#[test]
fn the_domain_is_pure() {
    for file in rust_files(&root().join("crates/semantest-iac-core/src/domain")) {
        let text = code(&file);
        for word in
            ["async fn", ".await", "Timestamp::now", "SystemTime", "Instant::now", "getrandom", "Uuid::new"]
        {
            assert!(!text.contains(word), "{} holds `{word}`", file.display());
        }
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let empty = ["common", "utils", "util", "shared", "helpers", "helper", "types", "manager", "misc"];
    for file in rust_files(&root()) {
        for part in file.strip_prefix(root()).expect("inside").components() {
            let name = part.as_os_str().to_string_lossy();
            let name = name.strip_suffix(".rs").unwrap_or(&name);
            assert!(!empty.contains(&name), "{}", file.display());
        }
    }
}

#[test]
fn no_source_file_is_over_600_lines() {
    for file in rust_files(&root()) {
        let lines = std::fs::read_to_string(&file).expect("a source file").lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
    }
}

/// The text of a source file without its comments.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("a source file");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "target" && name != "node_modules" && !name.to_string_lossy().starts_with('.') {
                    left.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {}", folder.display());
    found
}

/// Crates of others with their features, as Cargo chooses them for what `selection` builds.
fn crates_of_others(selection: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = std::process::Command::new(cargo);
    tree.current_dir(root()).arg("tree").args(selection).args(["--prefix", "none", "--format", "{p} {f}"]);
    let told = tree.output().expect("cargo tree");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("text");
    let others = text.lines().filter(|line| !line.is_empty() && !line.starts_with("semantest-iac"));
    others.map(|line| line.trim_end_matches(" (*)").replace(" (proc-macro)", "")).collect()
}

/// Else the gate compiles them twice: docs/decisions/0028.
#[test]
fn the_tested_wheel_takes_the_crates_of_others_as_the_tests_have_them() {
    let tests = crates_of_others(&["--workspace", "--edges", "normal,build,dev"]);
    let wheel = ["--package", "semantest-iac-python", "--features", "as-tested", "--edges", "normal,build"];
    let wheel = crates_of_others(&wheel);
    let other: Vec<&String> = wheel.difference(&tests).collect();
    assert!(other.is_empty(), "`as-tested` in bindings/python/Cargo.toml does not lead to these: {other:?}");
}
