//! `logs --follow`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::{Project, get};

#[test]
fn following_a_log_shows_every_line_however_many_come_at_once() {
    let project = Project::init("python");
    let code = "def handler(event, context):\n    for number in range(3000): print('line', number)\n    return 'ok'\n";
    project.write("rest-api/app.py", code);
    let deployed = project.json(&["deploy"]).ok();
    let endpoint = deployed["endpoint"].as_str().expect("an endpoint");
    assert_eq!(get(endpoint, "/first").0, 200);
    let mut command = project.command(&["logs", "--follow", "--limit", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
    let last = lines.next().expect("the last line there is").expect("a line");
    assert!(last.contains("REPORT"), "it follows from here: {last}");
    assert_eq!(get(endpoint, "/second").0, 200);
    let word = |line: std::io::Result<String>| line.expect("a line").rsplit(' ').next().map(str::to_owned);
    let mut numbers = lines.by_ref().filter_map(word).filter_map(|last| last.parse::<u32>().ok());
    for number in 0..3000 {
        assert_eq!(numbers.next(), Some(number));
    }
    child.kill().expect("ended");
    child.wait().expect("its end");
}
