//! The local provider beside serverless-offline and cargo-lambda: the same handlers, one run, in turns.
//!
//! Peers run where `SEMANTEST_PEERS` names the folder they are installed in (`cargo xtask tools peers`). How long a point is measured
//! and how often is told by `SEMANTEST_BENCH_SECONDS` (2) and `SEMANTEST_BENCH_ROUNDS` (6), how often the cold start by
//! `SEMANTEST_BENCH_STARTS` (21).

mod cold_start;
mod handlers;
mod http_load;
mod least;
mod ours;
mod peers;
mod process_tree;
mod report;
mod runtime_loop;
mod websocket_load;

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_load::Target;
use ours::Ours;
use peers::{Peer, warmed};
use process_tree::processor_us;
use report::Samples;

/// Connections at once where there is more than one.
const MANY: usize = 16;

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
    if let [word, over, what, command @ ..] = arguments.as_slice() {
        match word.as_str() {
            "runtime-loop" => return runtime_loop::run(over, what.parse().expect("a count"), command),
            "least-gateway" => return runtime_loop::gateway(over, what, command),
            _ => {}
        }
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
            let Some(least) = least::Least::of(function, rust) else { continue };
            samples.add("bare loop", function, 1, least.bare_loop(), 0.0, 0.0);
            let (spent, load) = least.gateway(time);
            samples.add("least gateway", function, 1, spent, load.p50_ms(), load.rate());
        }
    }
    samples
}
