//! What a function takes at least: its worker alone, and behind a gateway that looks at nothing.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::http_load::{Load, Target, load};
use crate::process_tree::{Tree, processor_us};
use crate::{cold_start, handlers, root};

/// Events of the bare loop.
const EVENTS: usize = 5000;

/// A function's worker, and how it is reached.
pub struct Least {
    folder: tempfile::TempDir,
    over: &'static str,
    command: Vec<PathBuf>,
    handler: &'static str,
}

impl Least {
    /// Of one of the functions; nothing without the handler in Rust, where that is meant.
    pub fn of(function: &str, rust: Option<&Path>) -> Option<Self> {
        let bootstraps = root().join("crates/semantest-iac-core/src/domain/compute/bootstrap");
        let (over, command, handler) = match function {
            "python" => ("pipes", vec![cold_start::python(), bootstraps.join("python.py")], "app.handler"),
            "node" => ("pipes", vec!["node".into(), bootstraps.join("node.mjs")], "node.handler"),
            _ => ("tcp", vec![rust?.to_owned()], "bootstrap"),
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("app.py"), handlers::PYTHON).expect("a file");
        std::fs::write(folder.path().join("node.js"), handlers::NODE).expect("a file");
        Some(Self { folder, over, command, handler })
    }

    /// This program in that role, with the worker's environment.
    fn program(&self, role: &str, what: &str) -> Command {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        program.args([role, self.over, what]).args(&self.command).current_dir(self.folder.path());
        let variables = [
            ("LAMBDA_TASK_ROOT", self.folder.path().display().to_string()),
            ("_HANDLER", self.handler.to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
        ];
        let others = ["FUNCTION_NAME", "FUNCTION_VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME"];
        program.envs(variables).envs(others.map(|name| (format!("AWS_LAMBDA_{name}"), "bench")));
        program.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
        program
    }

    /// Processor microseconds of an event that is given to the worker without any gateway: what more events take of what few
    /// take, so that the start does not count.
    pub fn bare_loop(&self) -> f64 {
        let spent = |count: usize| {
            let before = processor_us(std::process::id());
            Tree::start(&mut self.program("runtime-loop", &count.to_string())).wait();
            (processor_us(std::process::id()) - before) as f64
        };
        let (few, many) = (spent(1), spent(1 + EVENTS));
        (many - few) / EVENTS as f64
    }

    /// Processor microseconds of a request through the least gateway, and how long they took, over one connection.
    pub fn gateway(&self, time: Duration) -> (f64, Load) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a port").to_string();
        let tree = Tree::start(&mut self.program("least-gateway", &address));
        while TcpStream::connect(&address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let target = Target { address, path: "/".to_owned() };
        let before = processor_us(tree.pid());
        let load = load(&target, 1, time);
        let spent = processor_us(tree.pid()).saturating_sub(before) as f64 / load.times.len() as f64;
        (spent, load)
    }
}
