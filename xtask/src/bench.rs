//! Benchmarks, as ratios in one run.

use std::path::Path;

use crate::Outcome;
use crate::command::cargo;
use crate::{python, tools};

/// Every benchmark of Rust by its name, with the example that is it.
const BENCHMARKS: [(&str, &str, &str); 5] = [
    ("store", "semantest-iac-sqlite", "store_bench"),
    ("engine", "semantest-iac-tests", "engine_bench"),
    ("deploy", "semantest-iac-tests", "deploy_bench"),
    ("local", "semantest-iac-tests", "local_bench"),
    ("aws", "semantest-iac-tests", "aws_bench"),
];

/// The benchmark of the Python package, which is a program in Python.
const PYTHON: &str = "python";

/// Runs the named benchmarks, or all.
pub(crate) fn run(root: &Path, names: &[&str]) -> Outcome {
    let known: Vec<&str> = BENCHMARKS.iter().map(|(name, ..)| *name).chain([PYTHON]).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no benchmark `{unknown}`; there are {}", known.join(", ")));
    }
    if names != [PYTHON] {
        examples(root, names)?;
    }
    if names.is_empty() || names.contains(&PYTHON) {
        python::bench(root)?;
    }
    Ok(())
}

fn examples(root: &Path, names: &[&str]) -> Outcome {
    let tools = tools::set_up(root)?;
    let program = ["build", "--release", "--quiet", "--package", "semantest-iac-cli"];
    cargo(root, &program).run("the program to measure")?;
    for (name, package, example) in BENCHMARKS {
        if names.is_empty() || names.contains(&name) {
            cargo(root, &["run", "--release", "--quiet", "--package", package, "--example", example])
                .env("SEMANTEST_TOOLS", &tools)
                .run(&format!("benchmark {name}"))?;
        }
    }
    Ok(())
}
