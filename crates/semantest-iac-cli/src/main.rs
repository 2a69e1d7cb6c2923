//! The `semantest-iac` program.
fn main() {}
