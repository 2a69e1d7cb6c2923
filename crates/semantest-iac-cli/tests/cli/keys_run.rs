//! `dev` in a terminal: its keys, and the terminal as it was once it has ended.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::program::{self, Project, get};
use serde_json::{Value, json};

const CODE: &str = "import os\ndef handler(event, context):\n    return str(os.getpid())\n";

/// A program in a terminal of its own.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Terminal {
    fn dev(project: &Project) -> Self {
        let program = project.command(&["dev"]);
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/terminal.py"));
        command.arg(program.get_program()).args(program.get_args()).current_dir(project.path());
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a terminal");
        let keys = child.stdin.take().expect("keys");
        let lines = BufReader::new(child.stdout.take().expect("output")).lines();
        Self { child, keys, lines }
    }

    /// The next line with `text` in it.
    fn until(&mut self, text: &str) -> String {
        let found = self.lines.by_ref().find(|line| line.as_ref().is_ok_and(|line| line.contains(text)));
        found.unwrap_or_else(|| panic!("no {text}")).expect("a line").trim_end().to_owned()
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).and_then(|()| self.keys.flush()).expect("pressed");
    }

    /// How it ended.
    fn end(mut self) -> Value {
        let last = self.until("put_back");
        assert!(self.child.wait().expect("its end").success());
        serde_json::from_str(&last).expect("JSON")
    }
}

fn ready() -> (Project, Terminal, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", CODE);
    let mut terminal = Terminal::dev(&project);
    let endpoint = terminal.until("endpoint").rsplit(' ').next().expect("an address").to_owned();
    terminal.until("keys: r restart");
    (project, terminal, endpoint)
}

#[test]
fn keys_restart_clear_help_and_quit_and_the_terminal_is_put_back() {
    let (project, mut terminal, endpoint) = ready();
    let first = get(&endpoint, "/").1;
    assert_eq!(get(&endpoint, "/").1, first, "one process answers");
    terminal.press(b"r");
    terminal.until("restarted: 1");
    assert_ne!(get(&endpoint, "/").1, first, "another process answers");
    terminal.press(b"h");
    terminal.until("keys: r restart");
    terminal.press(b"?");
    terminal.until("keys: r restart");
    // Nothing is a key that nobody knows, and upper case is the same.
    terminal.press(b"xR");
    terminal.until("restarted: 1");
    terminal.press(b"c");
    terminal.press(b"h");
    let cleared = terminal.until("\u{1b}[2J");
    if !cleared.contains("keys: r restart") {
        terminal.until("keys: r restart");
    }
    terminal.press(b"q");
    assert_eq!(terminal.end(), json!({ "code": 0, "put_back": true }));
    assert_eq!(project.json(&["local", "stop"]).ok()["stopped"], false, "the host has ended with it");
}

#[test]
fn control_c_and_control_d_end_it_and_the_terminal_is_put_back() {
    for (key, code) in [(3, 130), (4, 0)] {
        let (_project, mut terminal, _) = ready();
        terminal.press(&[key]);
        assert_eq!(terminal.end(), json!({ "code": code, "put_back": true }));
    }
}

#[test]
fn a_terminal_that_goes_away_takes_dev_and_its_host_with_it() {
    let (project, mut terminal, endpoint) = ready();
    assert_eq!(get(&endpoint, "/").0, 200);
    terminal.child.kill().expect("killed");
    terminal.child.wait().expect("its end");
    let begun = std::time::Instant::now();
    while project.file(".semantest/local/host.json").exists() {
        assert!(begun.elapsed() < program::dev::PATIENCE, "the host goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
