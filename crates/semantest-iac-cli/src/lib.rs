//! The command line. [`run`] is the whole of it: the program, `python -m semantest_iac` and `npx semantest-iac` call
//! the same function.

mod arguments;
mod output;
mod progress;
mod render;
mod schemas;
mod session;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use semantest_iac::{CancellationToken, Error, ErrorKind};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Cli, Format, LocalAction, Verb};
use output::Output;
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
        match error.kind() {
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
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    if cli.global.verbose || std::env::var_os("SEMANTEST_LOG").is_some() {
        start_logging();
    }
    let mut builder = match &cli.verb {
        // The host serves many connections at once; everything else waits for one thing at a time.
        Verb::Local(local) if matches!(local.action, LocalAction::Host) => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let output = Output::new(cli.global.output, cli.global.quiet);
    match builder.enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(interruptible(cli, host_command, output));
            // A question that was never answered must not keep the program.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            let text = format!("the program cannot start: {error}");
            output.error(&Error::new(ErrorKind::Internal, "cli.start", text))
        }
    }
}

/// The first Ctrl-C asks for an orderly end, the second one ends at once.
async fn interruptible(cli: Cli, host_command: Option<Vec<OsString>>, output: Output) -> Exit {
    let cancel = CancellationToken::new();
    let session = Session { global: cli.global, host_command, output, cancel: cancel.clone() };
    let working = verbs::carry_out(&session, cli.verb);
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        session.output.note("stopping: what is under way is finished first; Ctrl-C again stops at once");
        cancel.cancel();
        let _ = tokio::signal::ctrl_c().await;
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
    if error.use_stderr() && json {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ").to_owned();
        return Output::new(Format::Json, true).error(&Error::new(ErrorKind::InvalidInput, "cli.read", text));
    }
    let _ = error.print();
    if error.use_stderr() { Exit::USAGE } else { Exit::DONE }
}

fn start_logging() {
    let asked = std::env::var("SEMANTEST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second call in one process (from a binding) finds it done.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
