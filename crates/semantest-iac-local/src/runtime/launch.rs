//! Starting a worker: its Runtime API, its command, its environment.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::cgroup::memory_cgroup::MemoryCgroup;
use crate::runtime::environment;
use crate::runtime::interpreter::{self, RuntimeFamily};
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

fn command(pool: &Pool, runtime_api: &str) -> Result<(Command, RuntimeFamily), String> {
    let mut function = pool.function.clone();
    let debugging = pool.debugging.as_ref();
    if let Some(source) = debugging.and_then(|debugging| debugging.source.clone()) {
        function.code_dir = source;
    }
    let function = &function;
    let stream = format!("local/[$LATEST]{}", uuid::Uuid::new_v4().simple());
    let certificate = pool.certificate.as_deref();
    let variables = environment::variables(function, &pool.secrets, runtime_api, &stream, certificate)
        .map_err(|secret| format!("secret `{secret}` has no value here: set it and deploy again"))?;
    let Some(family) = RuntimeFamily::parse(&function.runtime) else {
        return Err(format!("runtime `{}` is not known here", function.runtime));
    };
    let (program, script): (PathBuf, Option<PathBuf>) = match family {
        RuntimeFamily::Provided => (function.code_dir.join("bootstrap"), None),
        ref family => {
            let found = interpreter::find(&function.runtime, &function.search_path)?;
            if let Some(warning) = found.warning {
                pool.log.write(None, &format!("WARNING: {warning}"));
            }
            let script = if matches!(family, RuntimeFamily::Python(_)) { "python.py" } else { "node.mjs" };
            (found.program, Some(pool.bootstraps.join(script)))
        }
    };
    if script.is_none() && !program.exists() {
        return Err(
            "the package has no executable `bootstrap` at its top, which provided.* runtimes run".into()
        );
    }
    let mut command = Command::new(program);
    command.args(debugging.iter().flat_map(|debugging| debugging.arguments())).args(script);
    command.env_clear().envs(variables).current_dir(&function.code_dir);
    command.envs(debugging.iter().flat_map(|debugging| debugging.variables()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok((command, family))
}
