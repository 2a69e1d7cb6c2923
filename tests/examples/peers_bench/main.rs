//! The local provider beside serverless-offline and cargo-lambda: the same handlers, one run, in turns.
//!
//! Peers run where `SEMANTEST_PEERS` names the folder they are installed in (`cargo xtask tools peers`). How long a point is measured
//! and how often is told by `SEMANTEST_BENCH_SECONDS` (2) and `SEMANTEST_BENCH_ROUNDS` (6), how often the cold start by
//! `SEMANTEST_BENCH_STARTS` (21).

mod cold_start;
mod handlers;
mod http_load;
mod ours;
mod peers;
mod process_tree;
mod report;
mod runtime_loop;
mod websocket_load;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http_load::Target;
use ours::Ours;
use peers::{Peer, warmed};
use process_tree::{Tree, processor_us};
use report::Samples;

/// Connections at once where there is more than one.
const MANY: usize = 16;
/// Events of the bare loop.
const EVENTS: usize = 5000;

/// A function of somebody's that is measured.
struct Contestant {
    who: &'static str,
    function: &'static str,
    target: Target,
    process: u32,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}

fn setting(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(or)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, over, count, command @ ..] = arguments.as_slice()
        && word == "runtime-loop"
    {
        return runtime_loop::run(over, count.parse().expect("a count"), command);
    }
    let installed = std::env::var_os("SEMANTEST_PEERS").map(PathBuf::from).filter(|folder| folder.is_dir());
    if installed.is_none() {
        println!("No peers: install them with `cargo xtask tools peers`. What follows is ours alone.\n");
    }
    let rust = installed.as_ref().map(|folder| folder.join("target/release/peer-handler"));
    let ours = Ours::start(rust.as_deref());
    cold_start::measure(&ours);
    let mut contestants: Vec<Contestant> = Vec::new();
    let mut take =
        |who, function, target, process| contestants.push(Contestant { who, function, target, process });
    let mut kept = Vec::new();
    for function in ["python", "node", "chat", "rust"] {
        if function != "rust" || rust.is_some() {
            take("ours", function, ours.target(function), ours.host());
        }
    }
    if let Some(folder) = &installed {
        let peer = Peer::serverless_offline(folder);
        for function in ["python", "node", "chat"] {
            take("serverless-offline", function, peer.target(function), peer.tree.pid());
        }
        kept.push(peer);
        let peer = Peer::cargo_lambda(folder, &root().join("tests/tools/peers/handler"));
        take("cargo-lambda", "rust", peer.target("rust"), peer.tree.pid());
        kept.push(peer);
    }
    let samples = in_turns(&contestants, rust.as_deref());
    report::print(&samples);
}

/// Every contestant once a round, each round in another order.
fn in_turns(contestants: &[Contestant], rust: Option<&Path>) -> Samples {
    let time = Duration::from_secs(setting("SEMANTEST_BENCH_SECONDS", 2));
    let mut samples = Samples::default();
    for one in contestants.iter().filter(|one| one.function != "chat") {
        warmed(&one.target);
        http_load::load(&one.target, MANY, time);
    }
    for round in 0..setting("SEMANTEST_BENCH_ROUNDS", 6) as usize {
        let mut order: Vec<&Contestant> = contestants.iter().collect();
        order.rotate_left(round % contestants.len());
        if round % 2 == 1 {
            order.reverse();
        }
        for one in order {
            for connections in [1, MANY] {
                let before = processor_us(one.process);
                let load = match one.function {
                    "chat" => websocket_load::load(&one.target, connections, time),
                    _ => http_load::load(&one.target, connections, time),
                };
                let spent = processor_us(one.process).saturating_sub(before) as f64 / load.times.len() as f64;
                samples.add(one.who, one.function, connections, spent, load.p50_ms(), load.rate());
            }
        }
        for function in ["python", "node", "rust"] {
            if let Some(spent) = bare_loop(function, rust) {
                samples.add("bare loop", function, 1, spent, 0.0, 0.0);
            }
        }
    }
    samples
}

/// Processor microseconds of an event that is given to the function's worker without any gateway: what more events take
/// of what few take, so that the start does not count.
fn bare_loop(function: &str, rust: Option<&Path>) -> Option<f64> {
    let bootstraps = root().join("crates/semantest-iac-core/src/domain/compute/bootstrap");
    let folder = tempfile::tempdir().expect("a folder");
    let (command, handler) = match function {
        "python" => (vec![cold_start::python(), bootstraps.join("python.py")], "app.handler"),
        "node" => (vec!["node".into(), bootstraps.join("node.mjs")], "node.handler"),
        _ => (vec![rust?.to_owned()], "bootstrap"),
    };
    std::fs::write(folder.path().join("app.py"), handlers::PYTHON).expect("a file");
    std::fs::write(folder.path().join("node.js"), handlers::NODE).expect("a file");
    let spent = |count: usize| {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        let over = if function == "rust" { "tcp" } else { "pipes" };
        program.args(["runtime-loop", over]).arg(count.to_string()).args(&command).current_dir(folder.path());
        let variables = [
            ("LAMBDA_TASK_ROOT", folder.path().display().to_string()),
            ("_HANDLER", handler.to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
        ];
        let others = ["FUNCTION_NAME", "FUNCTION_VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME"];
        program.envs(variables).envs(others.map(|name| (format!("AWS_LAMBDA_{name}"), "bench")));
        program.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        let before = processor_us(std::process::id());
        Tree::start(&mut program).wait();
        (processor_us(std::process::id()) - before) as f64
    };
    let (few, many) = (spent(1), spent(1 + EVENTS));
    Some((many - few) / EVENTS as f64)
}
