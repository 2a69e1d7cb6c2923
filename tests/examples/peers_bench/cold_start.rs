//! What starting takes: the host, and a Python function's first request.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::handlers;
use crate::http_load::Connection;
use crate::ours::Ours;
use crate::process_tree::{memory_mb, threads_us};
use crate::setting;

/// The interpreter itself, not a shim in front of it.
pub fn python() -> PathBuf {
    let said = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    PathBuf::from(String::from_utf8_lossy(&said.expect("python3").stdout).trim())
}

fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    values[values.len() / 2]
}

/// Measures and prints.
pub fn measure(ours: &Ours) {
    let (mut starts, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        ours.stop();
        ours.json(&["deploy"]);
        std::thread::sleep(Duration::from_millis(300));
        starts.push(threads_us(ours.host()) / 1000.0);
        idle.push(memory_mb(ours.host()));
    }
    let (start, idle) = (median(&mut starts), median(&mut idle));
    println!("The host's start, its functions restored: {start:.1} ms CPU; idle {idle:.1} MB.");
    let (mut cold, mut bare): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("app.py"), handlers::PYTHON).expect("a file");
    let python = python();
    for round in 0..setting("SEMANTEST_BENCH_STARTS", 21) {
        // Other code, so that no worker lives that could answer.
        ours.write("python/app.py", &format!("{}# {round}\n", handlers::PYTHON));
        ours.json(&["deploy", "--component", "python"]);
        let mut connection = Connection::open(&ours.target("python"));
        let begun = Instant::now();
        assert_eq!(connection.ask().expect("an answer"), 200);
        cold.push(begun.elapsed());
        let begun = Instant::now();
        let mut command = Command::new(&python);
        command.args(["-c", "import app"]).current_dir(folder.path()).env("PYTHONDONTWRITEBYTECODE", "1");
        assert!(command.status().expect("an interpreter").success());
        bare.push(begun.elapsed());
    }
    let (cold, bare) = (median(&mut cold).as_secs_f64() * 1000.0, median(&mut bare).as_secs_f64() * 1000.0);
    println!(
        "First request of a cold Python function: {cold:.1} ms; the interpreter and the import alone: {bare:.1} ms; ratio {:.2}.\n",
        cold / bare
    );
}
