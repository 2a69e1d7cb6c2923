//! The store against the disk beneath it, as ratios in one run.
//!
//! `--events N`: how many events the large file has (default 1,000,000).

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use semantest_iac_core::events::Event;
use semantest_iac_core::events::envelope::{Envelope, UnknownEvent};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::event_store::{Append, EventStore, ExpectedVersion};
use semantest_iac_sqlite::SqliteStore;
use serde_json::json;

/// About 1 KB of JSON.
fn event() -> Envelope {
    Envelope {
        id: uuid::Uuid::now_v7().to_string(),
        source: "/bench".into(),
        subject: "stream".into(),
        time: Timestamp::now(),
        data: Event::Unknown(UnknownEvent {
            event_type: "org.example.Measured".into(),
            attributes: Default::default(),
            dataschema: None,
            data: json!({ "text": "x".repeat(700) }),
        }),
        correlation_id: None,
        causation_id: None,
        previous_event_ids: Vec::new(),
        sequence: None,
        traceparent: None,
    }
}

fn append(stream: &str, count: usize) -> Append {
    let events = (0..count).map(|_| event()).collect();
    Append { stream: stream.to_owned(), expected: ExpectedVersion::Any, events, fence: None }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Appends beside raw writes, one of each in turn; of a store in use, whose write-ahead log has come round once.
async fn latency(folder: &Path) {
    let store = SqliteStore::open(folder.join("latency")).expect("a store");
    for _ in 0..500 {
        store.append(append("warm", 1)).await.expect("append");
    }
    let mut raw = File::create(folder.join("raw.log")).expect("a file");
    let bytes = event().to_json();
    let (mut ours, mut disk) = (Vec::new(), Vec::new());
    for _ in 0..600 {
        let start = Instant::now();
        raw.write_all(&bytes).expect("write");
        raw.sync_data().expect("fdatasync");
        disk.push(start.elapsed());
        let append = append("stream", 1);
        let start = Instant::now();
        store.append(append).await.expect("append");
        ours.push(start.elapsed());
    }
    let (ours, disk) = (median(ours), median(disk));
    println!(
        "durable append p50: {ours:.0} us; raw append+fdatasync p50: {disk:.0} us; ratio {:.2}",
        ours / disk
    );
}

async fn group_commit(folder: &Path) {
    let store = Arc::new(SqliteStore::open(folder.join("group")).expect("a store"));
    store.append(append("warm", 1)).await.expect("append");
    let start = Instant::now();
    for _ in 0..400 {
        store.append(append("one", 1)).await.expect("append");
    }
    let one = 400.0 / start.elapsed().as_secs_f64();
    let commits = store.commits();
    let start = Instant::now();
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    store.append(append(&format!("s{task}"), 1)).await.expect("append");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("an appender");
    }
    let many = 6400.0 / start.elapsed().as_secs_f64();
    let shared = 6400.0 / (store.commits() - commits) as f64;
    println!(
        "one at a time: {one:.0}/s; 64 at once: {many:.0}/s ({shared:.0} a commit); ratio {:.1}",
        many / one
    );
}

async fn replay(folder: &Path, events: usize) {
    let path = folder.join("large");
    let store = SqliteStore::open(&path).expect("a store");
    let mut left = events;
    while left > 0 {
        let count = left.min(2000);
        store.append(append(&format!("stream{}", left % 50), count)).await.expect("append");
        left -= count;
    }
    drop(store);
    let start = Instant::now();
    let store = SqliteStore::open(&path).expect("a store");
    let head = store.head().await.expect("head");
    println!("open of {head} events: {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    let (start, mut after, mut bytes) = (Instant::now(), 0, 0);
    loop {
        let page = store.read_all(after, 4096).await.expect("read");
        let Some(last) = page.last() else { break };
        after = last.position;
        bytes += page.iter().map(|event| event.json.len()).sum::<usize>();
    }
    let rate = events as f64 / start.elapsed().as_secs_f64();
    println!("replay of stored bytes: {rate:.0} events/s ({} MB)", bytes / 1_000_000);
    if let Some(theirs) = python_eventsourcing() {
        println!("Python eventsourcing on SQLite: {theirs:.0} events/s; ratio {:.1}", rate / theirs);
    }
}

/// The same with Python's `eventsourcing`, where it is installed.
fn python_eventsourcing() -> Option<f64> {
    let script = r#"
import tempfile, time, uuid
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
recorder = SQLiteApplicationRecorder(SQLiteDatastore(tempfile.mktemp()))
recorder.create_table()
for batch in range(40):
    stream = uuid.uuid4()
    recorder.insert_events([StoredEvent(originator_id=stream, originator_version=n + 1, topic="t", state=b"x" * 1000) for n in range(500)])
start, seen, after = time.perf_counter(), 0, 1
while True:
    page = recorder.select_notifications(after, 1000)
    if not page: break
    seen, after = seen + len(page), page[-1].id + 1
print(seen / (time.perf_counter() - start))
"#;
    let python = std::env::var("SEMANTEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(python).args(["-c", script]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// What one of three writing processes does: appends until the time is up, then says how many and its longest wait.
async fn write_for_a_while(folder: &str) {
    let store = SqliteStore::open(folder).expect("a store");
    let (start, mut count, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(4) {
        let one = Instant::now();
        store.append(append(&format!("p{}", std::process::id()), 1)).await.expect("append");
        longest = longest.max(one.elapsed());
        count += 1;
    }
    println!("{count} {}", longest.as_secs_f64());
}

fn fairness(folder: &Path) {
    let shared = folder.join("shared");
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.arg("--write").arg(&shared).stdout(Stdio::piped()).spawn().expect("a writer")
        })
        .collect();
    let reports: Vec<(f64, f64)> = children
        .into_iter()
        .filter_map(|child| {
            let output = child.wait_with_output().ok()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let (count, longest) = text.trim().split_once(' ')?;
            Some((count.parse().ok()?, longest.parse().ok()?))
        })
        .collect();
    let sum: f64 = reports.iter().map(|(count, _)| count).sum();
    let squares: f64 = reports.iter().map(|(count, _)| count * count).sum();
    let longest = reports.iter().map(|(_, longest)| *longest).fold(0.0, f64::max);
    let jain = sum * sum / (reports.len() as f64 * squares);
    println!("three writing processes: {sum:.0} appends in 4 s, Jain {jain:.3}, longest wait {longest:.2} s");
}

/// Counts what is really synced, where `strace` is there.
fn syncs(folder: &Path) {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-c", "-e", "trace=fsync,fdatasync"])
        .arg(std::env::current_exe().expect("this program"));
    let Ok(output) = command.arg("--count").arg(folder.join("counted")).output() else {
        println!("fsyncs per commit: strace is not there");
        return;
    };
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let calls = text.lines().filter(|line| line.ends_with("fsync") || line.ends_with("fdatasync"));
    let calls: f64 = calls.filter_map(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok()).sum();
    println!("fsyncs per acknowledged commit: {:.3}", calls / 1000.0);
}

async fn count(folder: &str) {
    let store = SqliteStore::open(folder).expect("a store");
    for _ in 0..1000 {
        store.append(append("stream", 1)).await.expect("append");
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--write", folder] => return write_for_a_while(folder).await,
        ["--count", folder] => return count(folder).await,
        _ => {}
    }
    let events = match arguments.as_slice() {
        [option, number] if option == "--events" => number.parse().expect("a number"),
        _ => 1_000_000,
    };
    let folder = tempfile::tempdir().expect("a folder");
    latency(folder.path()).await;
    group_commit(folder.path()).await;
    fairness(folder.path());
    syncs(folder.path());
    replay(folder.path(), events).await;
}
