//! `completions`

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Exit;
use crate::arguments::CompletionsArguments;
use crate::options;
use crate::session::Session;

/// The answer of `completions`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompletionsAnswer {
    /// The shell they are for.
    shell: String,
    /// The script that the shell reads.
    completions: String,
}

pub(super) fn run(session: &Session, arguments: &CompletionsArguments) -> Exit {
    // Into memory first: a reader that goes away in the middle is no failure.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut options::command(), "semantest-iac", &mut script);
    let completions = String::from_utf8_lossy(&script).into_owned();
    let shell = arguments.shell.to_possible_value().map(|value| value.get_name().to_owned());
    match session.output.is_json() {
        true => {
            let answer = CompletionsAnswer { shell: shell.unwrap_or_default(), completions };
            session.output.result(&answer, "");
        }
        false => session.output.raw(&completions),
    }
    Exit::DONE
}
