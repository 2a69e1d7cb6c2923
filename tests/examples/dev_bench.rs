//! From a save to the first answer of the saved code, under `dev`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SAVES: usize = 30;

/// How often the endpoint is asked meanwhile.
const LOOK: Duration = Duration::from_millis(5);

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SEMANTEST_PROGRAM") {
        return program.into();
    }
    let own = std::env::current_exe().expect("this program");
    own.parent().and_then(Path::parent).expect("target/release").join("semantest-iac")
}

fn code(language: &str, number: usize) -> (&'static str, String) {
    match language {
        "python" => ("app.py", format!("def handler(event, context):\n    return 'answer {number}.'\n")),
        _ => ("index.mjs", format!("export const handler = async () => 'answer {number}.';\n")),
    }
}

/// `dev`, ready; where it answers.
fn dev(folder: &Path) -> (Child, String) {
    let mut command = Command::new(program());
    command.args(["dev", "--output", "json"]).current_dir(folder);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("`dev`");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines().map_while(Result::ok);
    let ready = lines.find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        (line["kind"] == "ready").then(|| line["endpoints"][0].as_str().map(str::to_owned))?
    });
    let endpoint = ready.expect("an endpoint").trim_start_matches("http://").to_owned();
    // Its lines have to be read: a pipe would fill up, and hold it.
    std::thread::spawn(move || lines.for_each(drop));
    (child, endpoint)
}

fn ask(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the endpoint");
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("response");
    text
}

fn measure(language: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut init = Command::new(program());
    init.args(["init", ".", "--runtime", language, "--name", "bench", "--quiet"]).current_dir(folder.path());
    assert!(init.status().expect("the program").success());
    let save = |number| {
        let (file, text) = code(language, number);
        std::fs::write(folder.path().join("rest-api").join(file), text).expect("saved");
    };
    save(0);
    let (mut child, address) = dev(folder.path());
    let mut times: Vec<f64> = (1..=SAVES)
        .map(|number| {
            let wanted = format!("answer {number}.");
            let start = Instant::now();
            save(number);
            while !ask(&address).contains(&wanted) {
                std::thread::sleep(LOOK);
            }
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let [least, median, most] = [times[0], times[SAVES / 2], times[SAVES - 1]];
    println!(
        "{language}: saved and served within {median:.0} ms (median of {SAVES}; {least:.0} to {most:.0})"
    );
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

fn main() {
    measure("python");
    measure("node");
}
