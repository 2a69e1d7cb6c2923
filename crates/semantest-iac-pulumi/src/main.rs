//! The `pulumi-resource-semantest` program.

fn main() -> std::process::ExitCode {
    semantest_iac_pulumi::run(std::env::args_os())
}
