//! Benchmarks, as ratios in one run.

use std::path::Path;

use crate::Outcome;
use crate::command::{cargo, program};
use crate::{node, peers, pulumi, python, tools};

/// Every benchmark of Rust by its name, with the example that is it, or one after the other those that are.
const BENCHMARKS: [(&str, &str, &str); 7] = [
    ("store", "semantest-iac-sqlite", "store_bench"),
    ("engine", "semantest-iac-tests", "engine_bench"),
    ("deploy", "semantest-iac-tests", "deploy_bench"),
    ("local", "semantest-iac-tests", "local_bench"),
    ("local", "semantest-iac-tests", "peers_bench"),
    ("dev", "semantest-iac-tests", "dev_bench"),
    ("aws", "semantest-iac-tests", "aws_bench"),
];

type Benchmark = fn(&Path) -> Outcome;

/// The benchmarks of what is made for other languages, which are programs in these.
const PACKAGES: [(&str, Benchmark); 3] =
    [("python", python::bench), ("node", node::bench), ("pulumi", pulumi::bench)];

/// Runs the named benchmarks, or all.
pub(crate) fn run(root: &Path, names: &[&str]) -> Outcome {
    let packages = PACKAGES.iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = BENCHMARKS.iter().map(|(name, ..)| *name).chain(packages).collect();
    known.dedup();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no benchmark `{unknown}`; there are {}", known.join(", ")));
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    if BENCHMARKS.iter().any(|(name, ..)| wanted(name)) {
        examples(root, names)?;
    }
    PACKAGES.iter().filter(|(name, _)| wanted(name)).try_for_each(|(_, bench)| bench(root))
}

fn examples(root: &Path, names: &[&str]) -> Outcome {
    let tools = tools::set_up(root)?;
    // All at once: apart, cargo would compile half of it twice, with other features.
    let mut build =
        cargo(root, &["build", "--release", "--quiet", "--bins", "--package", "semantest-iac-cli"]);
    for (name, package, example) in BENCHMARKS {
        if names.is_empty() || names.contains(&name) {
            build = build.args(&["--package", package, "--example", example]);
        }
    }
    build.run("the programs to measure")?;
    for (name, _, example) in BENCHMARKS {
        if names.is_empty() || names.contains(&name) {
            program(root.join("target/release/examples").join(example), root, &[])
                .env("SEMANTEST_TOOLS", &tools)
                .env("SEMANTEST_PEERS", peers::installed(root).unwrap_or_default())
                .run(&format!("benchmark {name}"))?;
        }
    }
    Ok(())
}
