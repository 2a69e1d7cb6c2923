//! A simulated Azure Resource Manager to try things at: prints what programs are given, and runs until it is stopped.
//!
//! `cargo run -p semantest-iac-testkit --example arm_simulator [POLLS | SECONDSs]`: operations are done at the POLLS-th look, or
//! after so many seconds (`2s`); without, at once.

use std::time::Duration;

use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay, LOCATION, SUBSCRIPTION, TOKEN};

fn main() {
    let azure = ArmSimulator::start();
    let asked = std::env::args().nth(1).unwrap_or_default();
    let time = asked.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs_f64);
    azure.operations_take(match (time, asked.parse()) {
        (Some(time), _) => Delay::Time(time),
        (None, Ok(polls)) => Delay::Polls(polls),
        (None, Err(_)) => Delay::None,
    });
    println!("export SEMANTEST_AZURE_ENDPOINT={}", azure.url());
    println!("export SEMANTEST_AZURE_TOKEN={TOKEN}");
    println!("export AZURE_SUBSCRIPTION_ID={SUBSCRIPTION}");
    println!("export AZURE_LOCATION={LOCATION}");
    loop {
        std::thread::park();
    }
}
