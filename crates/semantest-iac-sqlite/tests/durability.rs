//! What a returned append is worth: kill -9, several processes, damaged and foreign files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use semantest_iac_core::ErrorKind;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::event_store::{Append, EventStore, ExpectedVersion};
use semantest_iac_core::ports::lease::{LeaseAnswer, LeaseStore};
use semantest_iac_sqlite::{SCHEMA_VERSION, SqliteStore};
use semantest_iac_testkit::event_store::append;

const WRITER: &str = "SEMANTEST_TEST_WRITER";

/// Not a test of its own: what the tests below run as another process (this very program with [`WRITER`] set).
/// Appends for ever, and prints each version once it is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn writing_process() {
    let Ok(task) = std::env::var(WRITER) else { return };
    let (name, folder) = task.split_once('|').expect("name and folder");
    let store = SqliteStore::open(folder).expect("the store");
    if name == "lease" {
        let taken = store.acquire("lease", "the dead", Timestamp::now(), Duration::from_secs(3600)).await;
        assert!(matches!(taken, Ok(LeaseAnswer::Acquired(_))), "{taken:?}");
        println!("ack 0");
        std::thread::sleep(Duration::from_secs(600));
    }
    for at in 0.. {
        let id = format!("{name}-{}-{at}", std::process::id());
        let appended =
            store.append(append(name, ExpectedVersion::Any, &[id.as_str()])).await.expect("append");
        println!("ack {}", appended.version);
    }
}

fn start(name: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["writing_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(WRITER, format!("{name}|{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("another process")
}

/// Reads acknowledgements until there are `count`, kills the process, and returns the last version it was told of.
fn kill_after(mut child: Child, count: usize) -> u64 {
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let acks = lines.map_while(Result::ok).filter_map(|line| {
        line.rsplit_once("ack ").and_then(|(_, version)| version.trim().parse::<u64>().ok())
    });
    let mut acks = acks;
    let mut last = acks.by_ref().take(count).last().expect("acknowledgements");
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    // What it had printed before it died was acknowledged as well.
    last = acks.last().unwrap_or(last).max(last);
    last
}

#[tokio::test]
async fn an_acknowledged_append_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..12 {
        let acknowledged = kill_after(start("killed", folder.path()), 1 + round * 3);
        let store = SqliteStore::open(folder.path()).expect("the store opens again");
        let events = store.read_stream("killed", 0, usize::MAX).await.expect("read");
        assert!(events.len() as u64 >= acknowledged, "{} of {acknowledged} acknowledged", events.len());
        for (at, event) in events.iter().enumerate() {
            assert_eq!((event.version, event.position), (at as u64 + 1, at as u64 + 1), "dense");
            event.envelope().expect("whole");
        }
    }
}

#[tokio::test]
async fn three_writing_processes_all_get_on() {
    let folder = tempfile::tempdir().expect("a folder");
    SqliteStore::open(folder.path())
        .expect("a store")
        .append(append("first", ExpectedVersion::Any, &["0"]))
        .await
        .expect("append");
    let names = ["one", "two", "three"];
    let children = names.map(|name| start(name, folder.path()));
    // Whoever reads its 40 acknowledgements first waits for the others: nobody starves.
    let threads = children.map(|child| std::thread::spawn(move || kill_after(child, 40)));
    for thread in threads {
        assert!(thread.join().expect("a writer") >= 40);
    }
    let store = SqliteStore::open(folder.path()).expect("the store");
    let all = store.read_all(0, usize::MAX).await.expect("read");
    assert!(all.iter().enumerate().all(|(at, event)| event.position == at as u64 + 1), "no gaps");
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for event in &all {
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!(event.version, *version, "{}", event.stream);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_commits() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(SqliteStore::open(folder.path()).expect("a store"));
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for at in 0..8 {
                    let (stream, id) = (format!("s{task}"), format!("{task}-{at}"));
                    store
                        .append(append(&stream, ExpectedVersion::Exact(at), &[id.as_str()]))
                        .await
                        .expect("append");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task");
    }
    let commits = store.commits();
    assert!(commits <= 512 / 5, "{commits} commits for 512 appends");
}

#[tokio::test]
async fn the_lease_of_a_killed_process_is_free_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    let child = start("lease", folder.path());
    let mut output = child;
    let mut line = String::new();
    let mut reader = BufReader::new(output.stdout.take().expect("its output"));
    while !line.contains("ack") {
        line.clear();
        assert!(reader.read_line(&mut line).expect("a line") > 0, "it ended early");
    }
    let now = Timestamp::now();
    let held = store.acquire("lease", "heir", now, Duration::from_secs(60)).await.expect("acquire");
    assert!(matches!(held, LeaseAnswer::HeldBy(_)), "{held:?}");
    output.kill().expect("kill -9");
    output.wait().expect("its end");
    assert_eq!(store.holder("lease", now).await.expect("holder"), None);
    let taken = store.acquire("lease", "heir", now, Duration::from_secs(60)).await.expect("acquire");
    let LeaseAnswer::Acquired(lease) = taken else { panic!("{taken:?}") };
    let fenced = Append {
        fence: Some(("lease".into(), lease.token - 1)),
        ..append("s", ExpectedVersion::Any, &["x"])
    };
    assert_eq!(store.append(fenced).await.expect_err("fenced off").kind(), ErrorKind::Held);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_advice() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    store.append(append("s", ExpectedVersion::Any, &["1"])).await.expect("append");
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join("events.db")).expect("the file");
    connection.execute_batch(&format!("PRAGMA user_version={}", SCHEMA_VERSION + 1)).expect("pragma");
    drop(connection);
    let error = SqliteStore::open(folder.path()).map(drop).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::StorageTooNew);
    assert!(error.message().contains("upgrade"), "{error}");
}

/// `tests/fixtures/v<n>.sql` is a file of every earlier version, as it was written then.
#[tokio::test]
async fn every_earlier_schema_is_brought_up_to_date_and_backed_up() {
    for version in 1..SCHEMA_VERSION {
        let folder = tempfile::tempdir().expect("a folder");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.sql"));
        let sql = std::fs::read_to_string(&fixture).expect("a fixture for each earlier version");
        let connection = rusqlite::Connection::open(folder.path().join("events.db")).expect("a file");
        connection.execute_batch(&sql).expect("the fixture");
        drop(connection);
        let store = SqliteStore::open(folder.path()).expect("it opens");
        let events = store.read_stream("shop/dev/rest-api", 0, 10).await.expect("read");
        assert_eq!(events[0].envelope().expect("an event").name(), "DeploymentRequested");
        store.put(b"abc".to_vec()).await.expect("what is newer works");
        store.append(append("new", ExpectedVersion::Any, &["n"])).await.expect("append");
        assert!(folder.path().join(format!("events.db.v{version}.backup")).exists());
    }
}

#[test]
fn what_is_not_a_log_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("events.db"), "this is no database, whatever its name says".repeat(50))
        .expect("write");
    let error = SqliteStore::open(folder.path()).map(drop).expect_err("refused");
    assert!(error.message().contains("events.db"), "{error}");

    for marks in ["PRAGMA user_version=1;", "PRAGMA user_version=-1;", ""] {
        let other = tempfile::tempdir().expect("a folder");
        let connection = rusqlite::Connection::open(other.path().join("events.db")).expect("a file");
        connection.execute_batch(&format!("CREATE TABLE theirs(x); {marks}")).expect("sql");
        drop(connection);
        let error = SqliteStore::open(other.path()).map(drop).expect_err("refused");
        assert!(error.message().contains("no log of semantest-iac"), "{marks}: {error}");
    }

    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = SqliteStore::open(file.path()).map(drop).expect_err("a file is no folder");
    assert_eq!(error.kind(), ErrorKind::Storage);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("events.db")).expect("a folder");
    SqliteStore::open(folder.path()).map(drop).expect_err("a folder is no file");
}

#[tokio::test]
async fn a_store_ends_although_another_process_never_lets_it_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    store.append(append("s", ExpectedVersion::Any, &["a"])).await.expect("append");
    let gate = std::fs::File::open(folder.path().join("events.lock")).expect("the gate");
    gate.lock().expect("taken");
    let asked = store.append(append("s", ExpectedVersion::Any, &["b"]));
    tokio::time::timeout(Duration::from_millis(100), asked).await.expect_err("it has to wait");
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(store);
        ended.send(()).ok();
    });
    end.recv_timeout(Duration::from_secs(20)).expect("it does not wait for the other process");
}

/// Who looks while the file comes into being sees nothing, or all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_just_being_made_is_nobody_elses() {
    for round in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let folder = folder.path().to_owned();
                tokio::spawn(async move {
                    while SqliteStore::open(&folder).expect("a store").head().await.expect("the log") == 0 {}
                })
            })
            .collect();
        let writer = SqliteStore::open(folder.path()).expect("a store");
        let appended = writer.append(append("first", ExpectedVersion::Any, &["0"])).await;
        appended.unwrap_or_else(|error| panic!("round {round}: {error}"));
        for reader in readers {
            reader.await.expect("a reader");
        }
    }
}

#[test]
fn opening_to_read_creates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    SqliteStore::open(&state).expect("a store");
    assert!(!state.exists());
}

#[tokio::test]
async fn a_damaged_package_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    let address = store.put(b"abc".to_vec()).await.expect("put");
    let path = folder.path().join("artifacts").join(&address[..2]).join(&address);
    std::fs::write(&path, b"abd").expect("write");
    let error = store.get(&address).await.expect_err("damaged");
    assert!(error.message().contains("damaged"), "{error}");
    store.put(b"abc".to_vec()).await.expect("put mends it");
    assert_eq!(store.get(&address).await.expect("get"), b"abc");
    let error = store.get("../../../etc/passwd").await.expect_err("no address");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn what_a_killed_run_left_of_a_package_is_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(folder.path()).expect("a store");
    store.put(b"one".to_vec()).await.expect("put");
    let drafts = folder.path().join("artifacts/drafts");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(600);
    let draft = |name: &str| {
        let file = std::fs::File::create(drafts.join(name)).expect("a draft");
        file.set_modified(long_ago).expect("a time");
        file
    };
    drop(draft("left"));
    let written = draft("written");
    written.lock().expect("locked, as by whoever writes it");
    std::fs::write(drafts.join("young"), "").expect("a draft");
    store.put(b"two".to_vec()).await.expect("put");
    let mut there: Vec<_> =
        std::fs::read_dir(&drafts).expect("drafts").flatten().map(|entry| entry.file_name()).collect();
    there.sort();
    assert_eq!(there, ["written", "young"]);
}
