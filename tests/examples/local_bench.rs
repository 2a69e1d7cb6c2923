//! CPU per request of a local REST API: the host and all its workers, over kept connections.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const REQUESTS: usize = 4000;

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SEMANTEST_PROGRAM") {
        return program.into();
    }
    let own = std::env::current_exe().expect("this program");
    own.parent().and_then(Path::parent).expect("target/release").join("semantest-iac")
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program()).args(arguments).current_dir(folder).output();
    let output = output.expect("the program: build it with `cargo build --release`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Processor microseconds of each process, and its parent.
fn processes() -> BTreeMap<u32, (u32, u64)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        // In ticks of 1/100 s.
        Some((pid, (fields.get(1)?.parse().ok()?, ticks * 10_000)))
    });
    stats.collect()
}

/// Processor microseconds of a process and its children.
fn tree(root: u32) -> u64 {
    let all = processes();
    all.iter().filter(|(pid, (parent, _))| **pid == root || *parent == root).map(|(_, (_, cpu))| cpu).sum()
}

/// One request over a kept connection.
fn request(stream: &mut BufReader<TcpStream>, address: &str) {
    let text = format!("GET /health HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.get_mut().write_all(text.as_bytes()).expect("request");
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        stream.read_line(&mut line).expect("response");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("body");
}

fn measure(language: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["init", ".", "--runtime", language, "--name", "bench", "--quiet"]);
    run(folder.path(), &["deploy", "--quiet"]);
    let outputs = run(folder.path(), &["outputs"]);
    let address = outputs.lines().find_map(|line| line.strip_prefix("rest-api.endpoint=http://"));
    let address = address.expect("an endpoint").to_owned();
    let about = std::fs::read_to_string(folder.path().join(".semantest/local/host.json")).expect("host.json");
    let about: serde_json::Value = serde_json::from_str(&about).expect("JSON");
    let host = about["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    let stream = TcpStream::connect(&address).expect("the endpoint");
    stream.set_nodelay(true).expect("nodelay");
    let mut stream = BufReader::new(stream);
    for _ in 0..200 {
        request(&mut stream, &address);
    }
    let (before, start) = (tree(host), Instant::now());
    let mut times: Vec<Duration> = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let one = Instant::now();
        request(&mut stream, &address);
        times.push(one.elapsed());
    }
    let wall = start.elapsed().as_secs_f64();
    let cpu = (tree(host) - before) as f64 / REQUESTS as f64;
    times.sort();
    println!(
        "{language}: {cpu:.0} us CPU a request (host and workers), p50 {:.2} ms, {:.0} requests/s on one connection",
        times[times.len() / 2].as_secs_f64() * 1000.0,
        REQUESTS as f64 / wall
    );
    run(folder.path(), &["destroy", "--yes", "--quiet"]);
}

fn main() {
    measure("python");
    measure("node");
}
