//! Medians and ratios as tables.

use std::collections::BTreeMap;

/// Who, of which function, over how many connections.
type Point = (&'static str, String, usize);

/// What was measured in all rounds: processor microseconds, p50 in milliseconds, requests a second.
#[derive(Default)]
pub struct Samples(BTreeMap<Point, Vec<[f64; 3]>>);

impl Samples {
    /// One round's.
    pub fn add(
        &mut self,
        who: &'static str,
        function: &str,
        connections: usize,
        cpu: f64,
        p50: f64,
        rate: f64,
    ) {
        self.0.entry((who, function.to_owned(), connections)).or_default().push([cpu, p50, rate]);
    }

    fn median(&self, who: &'static str, function: &str, connections: usize, value: usize) -> Option<f64> {
        let mut values: Vec<f64> =
            self.0.get(&(who, function.to_owned(), connections))?.iter().map(|all| all[value]).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// Prints what was measured, and ours as a multiple of the peer's.
pub fn print(samples: &Samples) {
    println!(
        "| function | who | CPU a request, 1 / 16 connections | p50 at 1 | requests a second at 16 |\n|---|---|---|---|---|"
    );
    for (who, function, connections) in samples.0.keys() {
        let value = |connections, value| samples.median(who, function, connections, value);
        if let (1, Some(one), Some(many), Some(p50), Some(rate)) =
            (connections, value(1, 0), value(16, 0), value(1, 1), value(16, 2))
        {
            println!("| {function} | {who} | {one:.0} / {many:.0} us | {p50:.2} ms | {rate:.0} |");
        }
    }
    println!(
        "\n| ours to the peer's | CPU a request, 1 / 16 | p50 at 1: times faster | requests a second at 16: times more |\n|---|---|---|---|"
    );
    for (function, peer) in [
        ("python", "serverless-offline"),
        ("node", "serverless-offline"),
        ("rust", "cargo-lambda"),
        ("chat", "serverless-offline"),
    ] {
        let ratio = |connections, value| {
            let ours = samples.median("ours", function, connections, value)?;
            Some(ours / samples.median(peer, function, connections, value)?)
        };
        if let (Some(one), Some(many), Some(p50), Some(rate)) =
            (ratio(1, 0), ratio(16, 0), ratio(1, 1), ratio(16, 2))
        {
            println!("| {function}: {peer} | {one:.2} / {many:.2} | {:.1} | {rate:.1} |", 1.0 / p50);
        }
    }
    println!();
    for function in ["python", "node", "rust"] {
        let value = |who, value| samples.median(who, function, 1, value);
        let spent = (value("bare loop", 0), value("least gateway", 0), value("ours", 0));
        let (Some(bare), Some(least), Some(ours)) = spent else { continue };
        println!(
            "{function}: the bare loop takes {bare:.0} us CPU an event; a gateway that looks at nothing {:.0} us more, p50 {:.2} ms; \
             ours {:.0} us more, p50 {:.2} ms.",
            least - bare,
            value("least gateway", 1).unwrap_or_default(),
            ours - bare,
            value("ours", 1).unwrap_or_default()
        );
    }
}
