//! Which of the options that every verb knows a verb has a use for: the others are refused, not passed over, and not
//! shown in its help.

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};

use semantest_iac::domain::component::nearest;

use crate::arguments::Cli;

/// Options that every verb has a use for.
const ALWAYS: [&str; 3] = ["output", "quiet", "verbose"];

/// The options that the verb at `path` has a use for, beside [`ALWAYS`] and its own.
fn used(path: &[&str]) -> &'static [&'static str] {
    match path {
        ["deploy" | "dev"] => &["project", "environment", "components", "provider", "settings", "wait"],
        ["plan"] => &["project", "environment", "components", "provider", "settings"],
        ["rollback" | "scale" | "configure" | "destroy"] => {
            &["project", "environment", "components", "provider", "wait"]
        }
        ["refresh"] => &["project", "environment", "components", "provider", "wait"],
        ["status" | "outputs" | "history" | "events" | "logs" | "invoke"] => {
            &["project", "environment", "components", "provider"]
        }
        ["events", "publish"] => &["project", "wait"],
        ["init" | "schema" | "completions" | "local"] | ["local", _] => &["project"],
        ["discover"] => &["project", "environment", "components", "provider"],
        ["doctor"] => &["project", "environment", "components", "provider"],
        _ => &[],
    }
}

/// The command line with a help for each verb that shows its own options first and, of the others, those it uses.
pub(crate) fn command() -> Command {
    with_used(Cli::command(), &mut Vec::new())
}

fn with_used(command: Command, path: &mut Vec<String>) -> Command {
    let global: Vec<Arg> =
        Cli::command().get_arguments().filter(|one| one.is_global_set()).cloned().collect();
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        path.push(name.clone());
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let options: Vec<Arg> = global
            .iter()
            .map(|option| {
                let id = option.get_id().as_str();
                let shown = ALWAYS.contains(&id) || used(&words).contains(&id);
                option.clone().hide(!shown).help_heading("Global options")
            })
            .collect();
        let command = command.mut_subcommand(&name, |sub| with_used(sub.args(options), path));
        path.pop();
        command
    })
}

/// Refuses an option that was given and that the verb has no use for.
pub(crate) fn check(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let (mut path, mut deepest) = (Vec::new(), matches);
    while let Some((name, inner)) = deepest.subcommand() {
        path.push(name);
        deepest = inner;
    }
    let global = command.get_arguments().filter(|one| one.is_global_set());
    let unused = global.filter(|option| {
        let id = option.get_id().as_str();
        let given = deepest.value_source(id) == Some(ValueSource::CommandLine);
        given && !ALWAYS.contains(&id) && !used(&path).contains(&id)
    });
    let long: Vec<String> = unused.filter_map(|one| one.get_long()).map(|long| format!("--{long}")).collect();
    match long.first() {
        None => Ok(()),
        Some(option) => {
            let verb = path.join(" ");
            let text = format!(
                "`{verb}` has no use for {option}: leave it out (`semantest-iac {verb} --help` shows its options)"
            );
            let found = path.iter().try_fold(command, |command, name| command.find_subcommand_mut(name));
            let mut own = Cli::command();
            Err(found.unwrap_or(&mut own).error(clap::error::ErrorKind::UnknownArgument, text))
        }
    }
}

/// The same complaint; of an unknown verb with the one that was perhaps meant (clap gives none after `help`).
pub(crate) fn suggest(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let command = Cli::command();
    let near = nearest(unknown, command.get_subcommands().map(Command::get_name));
    if let (Some(near), None) = (near, error.get(ContextKind::SuggestedSubcommand)) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![near.to_owned()]));
    }
    error
}
