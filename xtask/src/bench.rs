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

/// Those of the local provider: of the program as it is shipped, without the clouds.
const OF_LOCAL: [&str; 2] = ["local", "dev"];

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
    let wanted: Vec<_> =
        BENCHMARKS.iter().filter(|(name, ..)| names.is_empty() || names.contains(name)).collect();
    // All at once: apart, cargo would compile half of it twice, with other features.
    let mut build =
        cargo(root, &["build", "--release", "--quiet", "--bins", "--package", "semantest-iac-cli"]);
    for (_, package, example) in &wanted {
        build = build.args(&["--package", package, "--example", example]);
    }
    build.run("the programs to measure")?;
    if wanted.iter().any(|(name, ..)| OF_LOCAL.contains(name)) {
        let shipped = ["build", "--profile", "dist", "--quiet", "--no-default-features"];
        cargo(root, &shipped)
            .args(&["--package", "semantest-iac-cli"])
            .run("the program as it is shipped")?;
    }
    for (name, _, example) in wanted {
        let profile = if OF_LOCAL.contains(name) { "dist" } else { "release" };
        let measured = root.join("target").join(profile).join("semantest-iac");
        program(root.join("target/release/examples").join(example), root, &[])
            .env("SEMANTEST_PROGRAM", measured.as_os_str())
            .env("SEMANTEST_TOOLS", &tools)
            .env("SEMANTEST_PEERS", peers::installed(root).unwrap_or_default())
            .run(&format!("benchmark {name}"))?;
    }
    Ok(())
}
