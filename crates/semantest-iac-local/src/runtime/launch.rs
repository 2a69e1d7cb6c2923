//! Starting a worker: its Runtime API, its command, its environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::cgroup::memory_cgroup::MemoryCgroup;
use crate::host::definition::FunctionDefinition;
use crate::program_path::is_executable;
use crate::runtime::environment::{self, Settings};
use crate::runtime::interpreter::{self, RuntimeFamily};
use crate::runtime::layers_place::LayersPlace;
use crate::runtime::link;
use crate::runtime::pool::Pool;
use crate::runtime::runtime_api;
use crate::runtime::spawn::spawn;
use crate::runtime::worker::Worker;

/// Starts the process of `worker` and the Runtime API that it talks to; its cgroup, where it has one.
///
/// # Errors
/// Why it cannot be started, in words for the function's log.
pub(crate) async fn launch(
    worker: &Arc<Worker>,
) -> Result<(Child, JoinHandle<()>, Option<MemoryCgroup>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (mut command, family) = command(&worker.pool, &address.to_string())?;
    let link = match family {
        // It brings a client of its own.
        RuntimeFamily::Provided => None,
        _ => Some(link::inherited_by(&mut command).map_err(|error| error.to_string())?),
    };
    let api = tokio::spawn(runtime_api::serve(worker.clone(), listener, link));
    match spawn(command, worker.pool.limits.group(worker.pool.function.memory_mb)) {
        Ok((child, group)) => Ok((child, api, group)),
        Err(error) => {
            api.abort();
            Err(format!("the function's process cannot be started: {error}"))
        }
    }
}

/// The variable that names a program to start the runtime with.
///
/// Source: AWS Lambda developer guide, "Modifying the runtime environment: wrapper scripts".
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

fn command(pool: &Pool, runtime_api: &str) -> Result<(Command, RuntimeFamily), String> {
    let mut function = pool.function.clone();
    let debugging = pool.debugging.as_ref();
    if let Some(source) = debugging.and_then(|debugging| debugging.source.clone()) {
        function.code_dir = source;
    }
    let function = &function;
    let Some(family) = RuntimeFamily::parse(&function.runtime) else {
        return Err(format!("runtime `{}` is not known here", function.runtime));
    };
    let (program, script) = program(pool, function, &family)?;
    let needs = [program.as_path(), &function.code_dir, &pool.bootstraps];
    let layers = function.layers_dir.as_deref().map(|folder| {
        // A program in a layer is hidden by nothing.
        let needs = if program.starts_with(folder) { &needs[1..] } else { &needs[..] };
        LayersPlace::of(folder, needs)
    });
    if let Some(warning) = layers.as_ref().and_then(LayersPlace::warning) {
        pool.log.write(None, &format!("WARNING: {warning}"));
    }
    let stream = format!("local/[$LATEST]{}", uuid::Uuid::new_v4().simple());
    let settings = Settings { runtime_api, log_stream: &stream, certificate: pool.certificate.as_deref() };
    let variables = environment::variables(function, &pool.secrets, &settings, layers.as_ref())
        .map_err(|secret| format!("secret `{secret}` has no value here: set it and deploy again"))?;
    let mut words: Vec<OsString> = Vec::new();
    let wrapper = variables.get(WRAPPER).filter(|wrapper| script.is_some() && !wrapper.is_empty());
    words.extend(wrapper.map(|told| OsString::from(wrapper_path(told, function, layers.as_ref()))));
    words.push(layers.as_ref().map_or(program.clone(), |layers| layers.as_seen(&program)).into());
    words.extend(debugging.iter().flat_map(|debugging| debugging.arguments()).map(OsString::from));
    words.extend(script.map(OsString::from));
    let first = Path::new(&words[0]);
    let mut command =
        layers.as_ref().map_or_else(|| Command::new(first), |layers| layers.command(first).into());
    command.args(&words[1..]);
    command.env_clear().envs(variables).current_dir(&function.code_dir);
    command.envs(debugging.iter().flat_map(|debugging| debugging.variables()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok((command, family))
}

/// What runs the function on this machine, and the bootstrap that it is given.
fn program(
    pool: &Pool,
    function: &FunctionDefinition,
    family: &RuntimeFamily,
) -> Result<(PathBuf, Option<PathBuf>), String> {
    if *family == RuntimeFamily::Provided {
        return Ok((bootstrap(function)?, None));
    }
    let found = interpreter::find(&function.runtime, &function.search_path)?;
    if let Some(warning) = found.warning {
        pool.log.write(None, &format!("WARNING: {warning}"));
    }
    let script = if matches!(family, RuntimeFamily::Python(_)) { "python.py" } else { "node.mjs" };
    Ok((found.program, Some(pool.bootstraps.join(script))))
}

/// The program of a `provided.*` runtime: the package's own, or else a layer's.
///
/// Source: AWS Lambda developer guide, "Building a custom runtime for AWS Lambda".
fn bootstrap(function: &FunctionDefinition) -> Result<PathBuf, String> {
    let folders = [Some(&function.code_dir), function.layers_dir.as_ref()];
    let mut found = folders.into_iter().flatten().map(|folder| folder.join("bootstrap"));
    let found = found
        .find(|program| program.exists())
        .ok_or("the package has no executable `bootstrap` at its top, which provided.* runtimes run")?;
    // Said here: what starts it within mounts of its own would not say what to do.
    if function.layers_dir.is_some() && !is_executable(&found) {
        return Err(format!(
            "`{}` cannot be run: make it executable (chmod +x) and deploy again",
            found.display()
        ));
    }
    Ok(found)
}

/// The program to start the runtime with, wherever what it names on AWS is here.
fn wrapper_path(told: &str, function: &FunctionDefinition, layers: Option<&LayersPlace<'_>>) -> String {
    match told.strip_prefix("/var/task/") {
        Some(inside) => function.code_dir.join(inside).to_string_lossy().into_owned(),
        None => layers.map_or_else(|| told.to_owned(), |layers| layers.translated(told)),
    }
}
