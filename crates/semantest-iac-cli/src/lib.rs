//! The command line. [`run`] is the whole of it: the program, `python -m semantest_iac` and `npx semantest-iac` call
//! the same function.

mod arguments;
mod interrupt;
mod log_line;
mod names;
mod options;
mod output;
mod printable;
mod progress;
mod render;
mod schemas;
mod session;
mod several;
mod verbs;

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::parser::ValueSource;
use semantest_iac::ports::provider::NOTICE;
use semantest_iac::{CancellationToken, Error, ErrorKind};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Cli, Format, LocalAction, Verb};
use interrupt::Interrupts;
use output::Output;
use printable::printable;
use session::Session;

pub use schemas::documents as schemas;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Done, or nothing to do.
    pub const DONE: Self = Self(0);
    /// Failed.
    pub const FAILED: Self = Self(1);
    /// Wrong usage or project file.
    pub const USAGE: Self = Self(2);
    /// `plan --detailed-exitcode` found changes.
    pub const CHANGES: Self = Self(3);
    /// Held by another deployment.
    pub const HELD: Self = Self(4);
    /// Interrupted.
    pub const INTERRUPTED: Self = Self(130);

    /// The exit code an error calls for.
    pub fn of(error: &Error) -> Self {
        Self::of_kind(error.kind())
    }

    /// The exit code a kind of error calls for.
    fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput | ErrorKind::InvalidProject => Self::USAGE,
            ErrorKind::Held => Self::HELD,
            ErrorKind::Cancelled => Self::INTERRUPTED,
            _ => Self::FAILED,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// Runs the command line `arguments` (the program's name first). `host_command` runs this command line again in the
/// background, as the local host; default: this very program.
pub fn run(arguments: impl IntoIterator<Item = OsString>, host_command: Option<Vec<OsString>>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match read(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    let output = Output::new(cli.global.output, cli.global.quiet);
    start_logging(&cli, &output);
    let mut builder = match &cli.verb {
        // The host serves many connections at once; everything else waits for one thing at a time.
        Verb::Local(local) if matches!(local.action, LocalAction::Host) => {
            tokio::runtime::Builder::new_current_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let exit = match builder.enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(interruptible(cli, host_command, output.clone()));
            // A question that was never answered must not keep the program.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            let text = format!("the program cannot start: {error}");
            output.error(&Error::new(ErrorKind::Internal, "cli.start", text))
        }
    };
    output.finish(exit)
}

/// The command line, read; options that the verb has no use for are refused.
fn read(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = options::command();
    let matches = command.try_get_matches_from_mut(arguments).map_err(options::suggest)?;
    options::check(&mut command, &matches)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let source = matches.value_source("environment");
    if source == Some(ValueSource::EnvVariable) && cli.global.environment.is_empty() {
        cli.global.environment = "dev".to_owned();
    } else {
        cli.global.environment_given = source != Some(ValueSource::DefaultValue);
    }
    Ok(cli)
}

/// The first Ctrl-C (SIGTERM, SIGHUP) asks for an orderly end, the second one ends at once. Where nothing is under way
/// that could be left half done, the first one does.
async fn interruptible(cli: Cli, host_command: Option<Vec<OsString>>, output: Output) -> Exit {
    let cancel = CancellationToken::new();
    let changes = cli.verb.changes_something();
    // The host ends by itself when it is told to.
    let ends_by_itself = matches!(&cli.verb, Verb::Local(local) if matches!(local.action, LocalAction::Host));
    let asking = Cell::new(false);
    let session = Session { global: cli.global, host_command, output, cancel: cancel.clone(), asking };
    let mut interrupts = (!ends_by_itself).then(Interrupts::listen);
    let working = verbs::carry_out(&session, cli.verb);
    let interrupted = async {
        let Some(interrupts) = &mut interrupts else { return std::future::pending().await };
        interrupts.next().await;
        if changes {
            if !session.asking.get() {
                session
                    .output
                    .note("stopping: what is under way is finished first; Ctrl-C again stops at once");
            }
            cancel.cancel();
            interrupts.next().await;
        }
    };
    tokio::select! {
        done = working => match done {
            Ok(exit) => exit,
            Err(error) => session.output.error(&error),
        },
        () = interrupted => Exit::INTERRUPTED,
    }
}

/// Help goes to standard output, a wrong command line to standard error, or, where JSON was asked for, to standard
/// output as JSON.
fn refuse(arguments: &[OsString], error: &clap::Error) -> Exit {
    let json = arguments.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--output=json");
    let output = Output::new(if json { Format::Json } else { Format::Text }, true);
    let text = error.render().to_string();
    if !error.use_stderr() {
        output.note_write(error.print());
        return output.finish(Exit::DONE);
    }
    if json {
        let text = text.trim().trim_start_matches("error: ").to_owned();
        return output.finish(output.error(&Error::new(ErrorKind::InvalidInput, "cli.read", text)));
    }
    // What the command line holds is shown as it is only where it cannot act on the terminal.
    match printable(&text) {
        Cow::Borrowed(_) => drop(error.print()),
        Cow::Owned(text) => drop(write!(std::io::stderr(), "{text}")),
    }
    Exit::USAGE
}

/// Crates that write what they send and are sent into their finer messages: values of secrets too.
const TALKATIVE: [&str; 7] = ["aws_", "azure_", "hyper", "h2", "reqwest", "rustls", "typespec"];

/// Logs to standard error where that was asked for; else only for what one has to wait longer.
fn start_logging(cli: &Cli, output: &Output) {
    let asked = std::env::var("SEMANTEST_LOG").ok().filter(|text| !text.is_empty());
    if !cli.global.verbose && asked.is_none() {
        if !cli.global.quiet {
            let lines = tracing_subscriber::fmt::layer().without_time().with_level(false).with_target(false);
            let waits = Targets::new().with_target(NOTICE, tracing::Level::INFO);
            let lines = lines.with_writer(std::io::stderr).with_filter(waits);
            let _ = tracing_subscriber::registry().with(lines).try_init();
        }
        return;
    }
    let asked = asked.and_then(|text| match text.parse::<Targets>() {
        Ok(targets) => Some(targets),
        Err(error) => {
            let example = "write it like `info` or `semantest_iac_core=debug`";
            output.warning(&format!("SEMANTEST_LOG=`{text}` is passed over: {error}; {example}"));
            None
        }
    });
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let harmless = filter_fn(|message| {
        *message.level() <= tracing::Level::INFO
            || !TALKATIVE.iter().any(|name| message.target().starts_with(name))
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second call in one process (from a binding) finds it done.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter.and(harmless))).try_init();
}
