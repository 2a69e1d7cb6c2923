//! `dev`, running in a project.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Project, get};

/// How long anything that is waited for may take, on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// `dev --output json`, running.
pub struct Dev {
    pub child: Child,
    lines: Receiver<String>,
}

impl Dev {
    /// Begins it.
    pub fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command(&[&["dev", "--output", "json"], arguments].concat());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let output = BufReader::new(child.stdout.take().expect("output"));
        let (sender, lines) = channel();
        // Read as they come: a full pipe would hold it while the test waits for something else.
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line).ok())
        });
        Self { child, lines }
    }

    /// The next line for which `look` finds something.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        for line in self.lines.iter() {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line} is one object"));
            if let Some(found) = look(&line) {
                return found;
            }
        }
        panic!("it ended before {what}");
    }

    pub fn ready(&mut self) -> String {
        self.until("it was ready", |line| {
            (line["kind"] == "ready").then(|| line["endpoints"][0].as_str().unwrap_or_default().to_owned())
        })
    }

    pub fn log(&mut self, text: &str) -> Value {
        let is_it = |line: &Value| {
            line["kind"] == "log" && line["message"].as_str().is_some_and(|message| message.contains(text))
        };
        self.until(text, |line| is_it(line).then(|| line.clone()))
    }

    /// Ends it as `kill` does; its exit code.
    pub fn end(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        self.child.wait().expect("its end").code().unwrap_or(-1)
    }
}

/// Asks until the answer has `text` in it.
pub fn wait_for(endpoint: &str, text: &str) {
    let begun = Instant::now();
    while !get(endpoint, "/").1.contains(text) {
        assert!(begun.elapsed() < PATIENCE, "{text} never came: {:?}", get(endpoint, "/"));
        std::thread::sleep(Duration::from_millis(5));
    }
}
