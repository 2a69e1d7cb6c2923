//! A whole `deploy` with nothing to do, from the start of the process to its end: four functions, the local provider.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const RUNS: usize = 40;

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("SEMANTEST_PROGRAM") {
        return program.into();
    }
    let own = std::env::current_exe().expect("this program");
    let release = own.parent().and_then(Path::parent).expect("target/release");
    release.join("semantest-iac")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("an example").flatten() {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.ends_with(".semantest") => {}
            path if path.is_dir() => copy(&path, &target),
            path => drop(std::fs::copy(path, target).expect("a copy")),
        }
    }
}

/// Processor seconds of all children that have ended.
fn children_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    // cutime and cstime, in ticks of 1/100 s.
    (ticks(13) + ticks(14)) / 100.0
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/semantest");
    copy(&example, folder.path());
    let run = |arguments: &[&str]| {
        let output =
            Command::new(program()).args(arguments).arg("--quiet").current_dir(folder.path()).output();
        let output = output.expect("the program: build it with `cargo build --release`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let start = Instant::now();
    run(&["deploy"]);
    println!("first deploy of 4 functions and 2 APIs, host start included: {:.0} ms", ms(start.elapsed()));
    // Files written a moment ago are read again until they have settled.
    std::thread::sleep(Duration::from_secs(4));
    run(&["deploy"]);
    for (what, arguments) in [("deploy with nothing to do", &["deploy"][..]), ("--version", &["--version"])] {
        let (start, processor) = (Instant::now(), children_seconds());
        for _ in 0..RUNS {
            let said = run(arguments);
            assert!(arguments[0] != "deploy" || said.matches("unchanged, version 1").count() == 2, "{said}");
        }
        let wall = ms(start.elapsed()) / RUNS as f64;
        let cpu = (children_seconds() - processor) * 1000.0 / RUNS as f64;
        println!("{what}: {cpu:.1} ms CPU, {wall:.1} ms wall, mean of {RUNS}");
    }
    run(&["destroy", "--yes"]);
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
