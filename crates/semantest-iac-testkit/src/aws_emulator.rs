//! AWS on this machine: ministack, and moto for what ministack has not got, as processes on free loopback ports.
//!
//! Both are installed by `cargo xtask tools`; `SEMANTEST_TOOLS` says where. ministack runs functions itself: Python
//! ones with its own interpreter whatever their runtime's version says, Node ones with the `node` on the path.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The account that everything in an emulator belongs to.
pub const ACCOUNT: &str = "123456789012";
/// The region that programs are told to use.
pub const REGION: &str = "eu-west-1";

/// How long a process may take until it answers, on a machine that does other things too.
const READY: Duration = Duration::from_secs(60);

/// Runs a command until it ends or nobody holds our standard input any more, then ends everything it started.
///
/// So nothing is left also where the tests are killed: the kernel closes the pipe.
const LEASH: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
(cat <&3 >/dev/null; kill -KILL 0) &
wait $child
kill -KILL 0
"#;

/// On AWS a function reaches `https://ID.execute-api.…` by DNS and TLS; here this preloaded script of Node's leads there.
const NODE_PRELOAD: &str = r#"
const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (!url.hostname.endsWith(".execute-api.localhost")) return fetch(input, init);
  const api = url.hostname.split(".")[0];
  const place = `http://127.0.0.1:${process.env.GATEWAY_PORT}/_aws/execute-api/${api}`;
  return fetch(`${place}${url.pathname}${url.search}`, init);
};
"#;

/// moto looks the services that are to scale up in its own ECS, but they are in ministack's.
const MOTO: &str = "
import sys
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
from moto.server import main
Backend._ecs_service_exists_for_target = lambda self, resource: True
main(sys.argv[1:])
";

/// Running emulators; they and the functions they run end when this is dropped, or the test's process does.
#[derive(Debug)]
pub struct AwsEmulator {
    ministack: Emulator,
    moto: OnceLock<Emulator>,
}

impl AwsEmulator {
    /// Starts ministack and waits until it answers.
    ///
    /// # Panics
    ///
    /// Where the tools are missing, or nothing answers in time.
    pub fn start() -> Self {
        Self { ministack: Emulator::start(ministack, "/_ministack/health"), moto: OnceLock::new() }
    }

    /// One for all tests of a test binary; each of them uses a project of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<AwsEmulator> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Where ministack listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.ministack.url()
    }

    /// ministack's port, which endpoints such as `ID.execute-api.localhost:PORT` name.
    pub fn port(&self) -> u16 {
        self.ministack.port
    }

    /// Where moto listens, which is started by the first who asks; for Application Auto Scaling only.
    pub fn scaling_url(&self) -> String {
        self.moto.get_or_init(|| Emulator::start(moto, "/moto-api/")).url()
    }

    /// As [`Self::scaling_url`], if somebody asked before.
    pub fn scaling_url_if_started(&self) -> Option<String> {
        self.moto.get().map(Emulator::url)
    }

    /// What a program's environment needs so that it speaks to `url` (an emulator, or a proxy in front of one).
    pub fn environment(url: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", url.into()),
            ("AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING", url.into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_REGION", REGION.into()),
            ("AWS_DEFAULT_REGION", REGION.into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ]
    }
}

/// The folder that `cargo xtask tools` filled.
///
/// # Panics
///
/// Where `SEMANTEST_TOOLS` does not name it.
pub fn tools() -> PathBuf {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`")
}

#[derive(Debug)]
struct Emulator {
    port: u16,
    process: Child,
    leash: Option<ChildStdin>,
}

impl Emulator {
    fn start(command: fn(u16) -> Command, health: &str) -> Self {
        // Somebody else can take a free port before the emulator does.
        (0..3)
            .find_map(|_| Self::try_start(command, health))
            .expect("no emulator answers; `cargo xtask test` installs them anew")
    }

    fn try_start(command: fn(u16) -> Command, health: &str) -> Option<Self> {
        let port = free_port();
        let mut process = command(port).spawn().expect("sh runs");
        let mut emulator = Self { port, leash: process.stdin.take(), process };
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = emulator.process.try_wait() {
                return None;
            }
            if answers(port, health) {
                return Some(emulator);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.process.wait();
    }
}

fn ministack(port: u16) -> Command {
    let tools = tools();
    let preload = tools.join("execute-api.cjs");
    std::fs::write(&preload, NODE_PRELOAD).expect("a script beside the tools");
    let mut command = leashed("ministack");
    command
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        // Whoever calls an endpoint does not say in which region; load balancers are looked for in this one.
        .env("MINISTACK_REGION", REGION)
        .env("LAMBDA_EXECUTOR", "local")
        .env("IOT_MTLS_ENABLED", "false")
        .env("NODE_OPTIONS", format!("--require {}", preload.display()));
    command
}

fn moto(port: u16) -> Command {
    let mut command = leashed("python");
    command.args(["-c", MOTO, "-H", "127.0.0.1", "-p", &port.to_string()]).env("MOTO_ACCOUNT_ID", ACCOUNT);
    command
}

fn leashed(program: &str) -> Command {
    let program = tools().join("emulators/bin").join(program);
    assert!(program.exists(), "{} is missing: run these tests with `cargo xtask test`", program.display());
    let mut command = Command::new("sh");
    command.args(["-c", LEASH, "sh"]).arg(program);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // What the caller's shell says about AWS is not for the emulator, nor for the functions it runs.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn answers(port: u16, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulators_answer_and_end_with_everything_they_started() {
        let emulator = AwsEmulator::start();
        assert!(emulator.scaling_url().starts_with("http://127.0.0.1:"));
        let ports = [emulator.port(), emulator.moto.get().expect("moto").port];
        drop(emulator);
        let deadline = Instant::now() + READY;
        for port in ports {
            while TcpStream::connect(("127.0.0.1", port)).is_ok() {
                assert!(Instant::now() < deadline, "{port} still listens");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
