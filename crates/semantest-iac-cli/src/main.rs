//! The `semantest-iac` program.

fn main() -> std::process::ExitCode {
    semantest_iac_cli::run(std::env::args_os(), None).into()
}
