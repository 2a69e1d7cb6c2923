//! How many invocations of one function run at once.

use crate::program::{Project, get};
use serde_json::Value;

const PYTHON: &str = r#"
import os, time, urllib.request

def handler(event, context):
    if event.get("rawPath") == "/outer":
        with urllib.request.urlopen("http://" + event["headers"]["host"] + "/inner", timeout=30) as answer:
            return answer.read().decode()
    if event.get("rawPath") == "/hold":
        folder = os.environ["HOLD"]
        open(os.path.join(folder, f"begun-{os.getpid()}"), "w").close()
        while not os.path.exists(os.path.join(folder, "release")):
            time.sleep(0.02)
        return "held"
    if event.get("rawPath") == "/slow":
        time.sleep(1.2)
    return f"inner {os.getpid()}"
"#;

fn deployed(settings: &str) -> (Project, String) {
    let project = Project::init("python");
    project.write("rest-api/app.py", PYTHON);
    let old = "runtime = \"python3.12\"";
    project.replace("semantest.toml", old, &format!("{old}\n{settings}"));
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

/// The answers to so many requests at once.
fn at_once(count: usize, endpoint: &str, path: &str) -> Vec<(u16, String)> {
    std::thread::scope(|threads| {
        let asking: Vec<_> = (0..count).map(|_| threads.spawn(|| get(endpoint, path))).collect();
        asking.into_iter().map(|asking| asking.join().expect("an answer")).collect()
    })
}

/// The lines of the log that speak of a limit.
fn complaints(project: &Project) -> Vec<String> {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines").clone();
    let texts = lines.iter().filter_map(|line: &Value| line["message"].as_str());
    texts.filter(|text| text.contains("concurrency")).map(str::to_owned).collect()
}

#[test]
fn a_function_that_calls_its_own_api_is_answered_however_many_do_so_at_once() {
    let (_project, endpoint) = deployed("timeout_s = 30");
    // More than are started without waiting.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (status, text) in at_once((cores * 2).max(2) + 8, &endpoint, "/outer") {
        assert!(status == 200 && text.starts_with("inner "), "{status} {text}");
    }
}

#[test]
fn a_reserved_concurrency_is_kept_to_and_named_where_it_makes_requests_wait() {
    let (project, endpoint) = deployed("timeout_s = 30\nreserved_concurrency = 2");
    let answers = at_once(6, &endpoint, "/slow");
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let workers: std::collections::BTreeSet<_> = answers.into_iter().map(|(_, worker)| worker).collect();
    assert!(workers.len() <= 2, "{workers:?}");
    let said = complaints(&project);
    assert!(said.len() == 1 && said[0].contains("reserved_concurrency lets no more than 2"), "{said:?}");
}

#[test]
fn a_function_with_a_concurrency_of_0_is_throttled() {
    let (project, endpoint) = deployed("reserved_concurrency = 0");
    for answer in at_once(3, &endpoint, "/inner") {
        assert_eq!(answer, (503, r#"{"message":"Service Unavailable"}"#.to_owned()));
    }
    let said = complaints(&project);
    assert!(said.len() == 1 && said[0].contains("concurrency is 0"), "{said:?}");
}

#[test]
fn what_comes_beyond_a_reserved_concurrency_is_rejected_where_that_is_asked_for() {
    let hold = tempfile::tempdir().expect("a folder");
    let keys = "timeout_s = 300\nreserved_concurrency = 2\nwhen_busy = \"reject\"";
    let (project, endpoint) = deployed(keys);
    project.replace("semantest.toml", "GREETING = \"hello\"", &format!("HOLD = {:?}", hold.path()));
    project.json(&["deploy"]).ok();
    std::thread::scope(|threads| {
        let held: Vec<_> = (0..2).map(|_| threads.spawn(|| get(&endpoint, "/hold"))).collect();
        while std::fs::read_dir(hold.path()).expect("a folder").count() < 2 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        for (status, body) in at_once(3, &endpoint, "/inner") {
            assert_eq!((status, body.as_str()), (503, r#"{"message":"Service Unavailable"}"#));
        }
        let invoked = project.json(&["invoke"]).json();
        assert_eq!(invoked["error_type"], "TooManyRequestsException", "{invoked}");
        std::fs::write(hold.path().join("release"), "").expect("released");
        for answer in held {
            assert_eq!(answer.join().expect("an answer"), (200, "held".to_owned()));
        }
    });
    // One after the other there is always room.
    for _ in 0..20 {
        assert_eq!(get(&endpoint, "/inner").0, 200);
    }
    let said = complaints(&project);
    assert!(said.len() == 1 && said[0].contains("rejected (when_busy)"), "{said:?}");
    project.replace("semantest.toml", "reserved_concurrency = 2", "");
    let refused = project.json(&["plan"]).json()["error"]["message"].as_str().expect("words").to_owned();
    assert!(refused.contains("set `reserved_concurrency`") && refused.contains("line"), "{refused}");
    project.replace("semantest.toml", "\"reject\"", "\"refuse\"");
    let refused = project.json(&["plan"]).json()["error"]["message"].as_str().expect("words").to_owned();
    assert!(refused.contains("queue") && refused.contains("reject"), "{refused}");
}
