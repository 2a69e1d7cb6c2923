//! `completions`

use clap::CommandFactory;

use crate::Exit;
use crate::arguments::{Cli, CompletionsArguments};

pub(super) fn run(arguments: &CompletionsArguments) -> Exit {
    let mut command = Cli::command();
    clap_complete::generate(arguments.shell, &mut command, "semantest-iac", &mut std::io::stdout());
    Exit::DONE
}
