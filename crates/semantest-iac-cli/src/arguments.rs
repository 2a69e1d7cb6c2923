//! The command line: verbs and their options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Infrastructure as code for event-driven systems.
#[derive(Debug, Parser)]
#[command(
    name = "semantest-iac",
    version,
    about = "Infrastructure as code for event-driven systems",
    long_about = "Plans and applies what semantest.toml defines, to this machine or a cloud, and records every change \
                  as an event: the log is the state, the audit trail, and what a crashed run is resumed from.",
    after_help = "Examples:\n  semantest-iac init --runtime node\n  semantest-iac deploy --component rest-api \
                  --provider local\n  semantest-iac plan --component rest-api --set memory_mb=512\n  \
                  semantest-iac history --component rest-api --at 1\n\n\
                  Exit codes: 0 done or unchanged, 1 failed, 2 wrong usage or project file,\n\
                  3 `plan --detailed-exitcode` found changes, 4 held by another deployment, 130 interrupted.",
    propagate_version = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// Exactly one JSON object on standard output.
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub output: Format,
    /// Folder of semantest.toml [default: this folder, or the nearest one around it that has one].
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Environment.
    #[arg(long, global = true, default_value = "dev", env = "SEMANTEST_ENVIRONMENT", value_name = "NAME")]
    pub environment: String,
    /// Whether the environment was named, on the command line or in SEMANTEST_ENVIRONMENT.
    #[arg(skip)]
    pub environment_given: bool,
    /// Component; several where that makes sense: a,b or repeated [default: all, or the only one].
    #[arg(long = "component", global = true, value_name = "NAME", value_delimiter = ',')]
    pub components: Vec<String>,
    /// Provider: local, aws, azure, pulumi [default: the environment's].
    #[arg(long, global = true, value_name = "NAME")]
    pub provider: Option<String>,
    /// Lays a setting over the component's definition, e.g. memory_mb=512; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Waits this many seconds for a deployment that another run holds.
    #[arg(long, global = true, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
    /// Prints no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Prints what the program does (standard error); SEMANTEST_LOG filters it.
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a new project with a working REST API.
    Init(InitArguments),
    /// Deploys components as they are defined.
    #[command(after_help = "Example: semantest-iac deploy --component rest-api --provider local")]
    Deploy,
    /// Deploys to this machine, shows the logs, and deploys again what is saved.
    #[command(
        after_help = "What is under way when something is saved ends with the old code. Ctrl-C ends `dev`, and the \
                            local host with it, unless that ran before. With --output json, one JSON object a line."
    )]
    Dev(DevArguments),
    /// Shows what deploy would do; changes nothing.
    Plan(PlanArguments),
    /// Shows deployments, as the log says.
    Status,
    /// Prints endpoints and functions of deployed components.
    Outputs,
    /// Shows the event stream of a deployment, or its state as it was.
    History(HistoryArguments),
    /// Shows, follows and publishes events.
    Events(EventsArguments),
    /// Shows a function's log.
    Logs(LogsArguments),
    /// Calls a function directly.
    #[command(
        after_help = "Examples:\n  semantest-iac invoke --event http-get --path '/orders/7?full=1'\n  \
                            semantest-iac invoke --component websocket --event websocket-message --data \
                            '{\"action\": \"sendMessage\"}'\n  semantest-iac invoke --function list --data '{\"id\": 7}'\n\n\
                            Ready-made events are what the component's API would make of such a request; without \
                            --function, the function whose route it takes is called.\nWith --async, a function on this machine that \
                            fails is tried again twice, after one and two seconds; on AWS after one and two minutes."
    )]
    Invoke(InvokeArguments),
    /// Looks for what is not as the log says (drift).
    Refresh(RefreshArguments),
    /// Goes back to an earlier version, code and settings included.
    Rollback(RollbackArguments),
    /// Changes environment variables of a deployed component.
    #[command(after_help = "Example: semantest-iac configure --component rest-api LOG_LEVEL=debug --secret \
                            DB_PASSWORD=env:DB_PASSWORD --unset OLD")]
    Configure(ConfigureArguments),
    /// Changes how many run at once.
    #[command(after_help = "Example: semantest-iac scale --component rest-api --reserved-concurrency 3")]
    Scale(ScaleArguments),
    /// Takes a component away, or with --orphans what is not in the log.
    Destroy(DestroyArguments),
    /// Lists what carries this project's tags in a cloud and is not in the log (orphans).
    Discover,
    /// The host that runs functions on this machine.
    Local(LocalArguments),
    /// Says what is missing on this machine, or with --provider for a cloud.
    Doctor,
    /// Prints JSON Schemas and the AsyncAPI description of all events.
    Schema(SchemaArguments),
    /// Prints completions for a shell.
    Completions(CompletionsArguments),
}

impl Verb {
    /// Whether it may be in the middle of something when it is asked to stop.
    pub fn changes_something(&self) -> bool {
        match self {
            Self::Deploy | Self::Dev(_) | Self::Refresh(_) | Self::Rollback(_) => true,
            Self::Configure(_) | Self::Scale(_) | Self::Destroy(_) => true,
            Self::Events(events) => events.action.is_some(),
            _ => false,
        }
    }
}

/// Language of a new project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Python 3.
    Python,
    /// Node.js.
    Node,
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Folder to make the project in [default: this folder].
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Language of the REST API.
    #[arg(long, value_enum, default_value = "node")]
    pub runtime: Language,
    /// Name of the project [default: the folder's].
    #[arg(long)]
    pub name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Deploys once and shows the logs: for tests.
    #[arg(long)]
    pub no_watch: bool,
    /// Lets debuggers in, on 127.0.0.1: into all functions or one, from a port on [default: 9229 for Node.js, 5678 for
    /// Python]. Each has one process meanwhile, and no time limit.
    #[arg(
        long,
        value_name = "FUNCTION|PORT|FUNCTION:PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = inspect
    )]
    pub inspect: Option<InspectOption>,
    /// With --inspect: functions wait, at their start, until a debugger has come.
    #[arg(long, requires = "inspect")]
    pub inspect_wait: bool,
}

/// Where debuggers are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectOption {
    /// A component, or a function of one; `None`: all.
    pub function: Option<String>,
    /// The first port.
    pub port: Option<u16>,
}

fn inspect(text: &str) -> Result<InspectOption, String> {
    let (function, port) = match text.rsplit_once(':') {
        Some((function, port)) => (function, Some(port)),
        None if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => ("", Some(text)),
        None => (text, None),
    };
    let read = |port: &str| match port.parse() {
        Ok(port @ 1024..) => Ok(port),
        _ => Err(format!("`{port}` is no port: give a number from 1024 to 65535, such as 9229")),
    };
    let function = Some(function.to_owned()).filter(|function| !function.is_empty());
    Ok(InspectOption { function, port: port.map(read).transpose()? })
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Ends with exit code 3 where something would change.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Shows what destroy would do.
    #[arg(long)]
    pub destroy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RefreshArguments {
    /// Ends with exit code 3 where something differs.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The state as it was: at a version (3), or at a time (2026-11-24T09:00:00Z, 2026-11-24; UTC where it says
    /// nothing else).
    #[arg(long, value_name = "TIME|VERSION", allow_hyphen_values = true)]
    pub at: Option<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct EventsArguments {
    #[command(subcommand)]
    pub action: Option<EventsAction>,
    /// Goes on as events are recorded; with --output json, one JSON object a line.
    #[arg(long, short)]
    pub follow: bool,
    /// Only events after this position, or since this time (UTC where it says nothing else) [default: the last ones].
    #[arg(long, value_name = "POSITION|TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// At most this many: the last ones, with --from the first ones; --follow ends after them.
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<usize>,
    /// CloudEvents, one JSON object a line, whatever --output says.
    #[arg(long)]
    pub jsonl: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsAction {
    /// Publishes an event: a request is carried out, another one is recorded.
    #[command(
        after_help = "FILE holds a CloudEvents 1.0 event, or only {\"type\": \"DeploymentRequested\", \
                            \"data\": {\"component\": \"rest-api\"}}."
    )]
    Publish {
        /// A file, or - for standard input.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// Function, where the component has several.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Goes on as lines are written; with --output json, one JSON object a line.
    #[arg(long, short)]
    pub follow: bool,
    /// Only lines since this time (UTC where it says nothing else).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// At most this many lines (the last ones).
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct InvokeArguments {
    /// Function, where the component has several.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// A ready-made event (http-get, http-post, websocket-connect, websocket-message, websocket-disconnect), a file, or -
    /// for standard input.
    #[arg(long, conflicts_with = "file", value_name = "NAME|FILE")]
    pub event: Option<String>,
    /// Path and query of a ready-made HTTP event [default: one that a route takes].
    #[arg(long, requires = "event", value_name = "PATH")]
    pub path: Option<String>,
    /// The event, as JSON; with --event http-post or websocket-message, the body or the message.
    #[arg(long, conflicts_with = "file", value_name = "JSON")]
    pub data: Option<String>,
    /// Does not wait: what comes of it stands in the function's log.
    #[arg(long = "async")]
    pub asynchronous: bool,
    /// Prints the response as it comes, byte for byte.
    #[arg(long, conflicts_with = "asynchronous")]
    pub stream: bool,
    /// A file with the event, or - for standard input [default: {}].
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// Version to go back to [default: the one before the current].
    #[arg(long, value_name = "VERSION", value_parser = version, allow_hyphen_values = true)]
    pub to: Option<u64>,
}

/// A version of a deployment.
fn version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a version is a number, such as 3: `history` shows them".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ConfigureArguments {
    /// Variables to set.
    #[arg(value_name = "KEY=VALUE")]
    pub variables: Vec<String>,
    /// Variables to set to a secret, e.g. DB_PASSWORD=env:DB_PASSWORD.
    #[arg(long = "secret", value_name = "KEY=REFERENCE")]
    pub secrets: Vec<String>,
    /// Variables that should be as defined again.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    /// One function of the component [default: all].
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Functions: at most this many at once.
    #[arg(long, value_name = "COUNT")]
    pub reserved_concurrency: Option<u32>,
    /// Functions: this many kept warm.
    #[arg(long, value_name = "COUNT")]
    pub provisioned_concurrency: Option<u32>,
    /// Container services: never fewer replicas.
    #[arg(long, value_name = "COUNT")]
    pub min: Option<u32>,
    /// Container services: never more replicas.
    #[arg(long, value_name = "COUNT")]
    pub max: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyArguments {
    /// Takes away only what carries this project's tags and is not in the log: `discover` lists it.
    #[arg(long)]
    pub orphans: bool,
    /// Does not ask.
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct LocalArguments {
    #[command(subcommand)]
    pub action: LocalAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LocalAction {
    /// Stops the host; the next deploy starts it again with everything it ran.
    Stop,
    /// Runs the host in the foreground.
    #[command(hide = true)]
    Host,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// One event, `envelope` or `asyncapi` [default: all].
    pub name: Option<String>,
    /// The schema of a verb's JSON answer.
    #[arg(long, value_name = "VERB", conflicts_with = "name")]
    pub verb: Option<String>,
    /// The schema of semantest.toml.
    #[arg(long, conflicts_with_all = ["name", "verb"])]
    pub project_file: bool,
    /// Writes all schemas into this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["name", "verb", "project_file"])]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    pub shell: clap_complete::Shell,
}
