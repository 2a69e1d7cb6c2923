//! A simulated Azure Resource Manager to try things at: prints what programs are given, and runs until it is stopped.
//!
//! `cargo run -p semantest-iac-testkit --example arm_simulator [POLLS]`

use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay, LOCATION, SUBSCRIPTION, TOKEN};

fn main() {
    let azure = ArmSimulator::start();
    let polls = std::env::args().nth(1).and_then(|text| text.parse().ok());
    azure.operations_take(polls.map_or(Delay::None, Delay::Polls));
    println!("export SEMANTEST_AZURE_ENDPOINT={}", azure.url());
    println!("export SEMANTEST_AZURE_TOKEN={TOKEN}");
    println!("export AZURE_SUBSCRIPTION_ID={SUBSCRIPTION}");
    println!("export AZURE_LOCATION={LOCATION}");
    loop {
        std::thread::park();
    }
}
