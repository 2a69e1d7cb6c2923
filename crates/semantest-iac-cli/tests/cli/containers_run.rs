//! Container services on this machine: replicas of a command behind a load balancer.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::container::{
    Client, SERVER, ask, await_processes, await_that, endpoint, logged, processes, project, running_in,
};
use crate::program::{Project, files, get};
use serde_json::{Value, json};

fn names(project: &Project) -> Vec<String> {
    let events = project.json(&["history"]).ok();
    let events = events["events"].as_array().expect("events");
    let name = |event: &Value| event["type"].as_str().expect("a type").rsplit('.').next().map(str::to_owned);
    events.iter().filter_map(name).collect()
}

fn host(project: &Project) -> u32 {
    let text = std::fs::read_to_string(project.file(".semantest/local/host.lock")).expect("host.lock");
    text.trim().parse().expect("a process id")
}

#[test]
fn requests_are_spread_over_replicas_and_one_that_crashes_comes_back() {
    let project = project("replicas = { min = 3, max = 3 }");
    let deployed = project.json(&["deploy"]).ok();
    assert_eq!((&deployed["status"], &deployed["changes"]["created"]), (&json!("deployed"), &json!(2)));
    let endpoint = endpoint(&deployed);
    let before = processes(&endpoint);
    assert_eq!(before.len(), 3, "{before:?}");
    for fact in ["ContainerServiceDeployed", "LoadBalancerDeployed"] {
        let events = project.json(&["history"]).ok();
        let events = events["events"].as_array().expect("events").clone();
        let told =
            events.iter().find(|event| event["type"].as_str().is_some_and(|name| name.ends_with(fact)));
        assert_eq!(told.expect(fact)["data"]["endpoint"], deployed["endpoint"], "{fact}");
    }
    assert_eq!(get(&endpoint, "/crash").0, 502, "what was lost is told");
    await_that("another process", || {
        let now = processes(&endpoint);
        now.len() == 3 && now.difference(&before).count() == 1
    });
    let log = logged(&project);
    let says = |text: &str| log.iter().any(|line| line.contains(text));
    assert!(
        says("crashing on purpose") && says("it ended with exit code 7; it is started again"),
        "{log:#?}"
    );
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    assert_eq!(project.json(&["refresh"]).ok()["drift"], json!([]));
}

#[test]
fn scale_changes_replicas_in_place() {
    let project = project("replicas = { min = 1, max = 4 }");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let one = processes(&endpoint);
    assert_eq!(one.len(), 1);
    let scaled = project.json(&["scale", "--min", "3"]).ok();
    assert_eq!((&scaled["status"], &scaled["endpoint"]), (&json!("deployed"), &json!(endpoint)));
    let three = await_processes(&endpoint, 3);
    assert!(one.is_subset(&three), "who was there is there: {one:?} {three:?}");
    project.json(&["scale", "--min", "1", "--max", "2"]).ok();
    let two = await_processes(&endpoint, 2);
    assert!(two.is_subset(&three), "{two:?} {three:?}");
    let triggered = names(&project).iter().filter(|name| *name == "ScalingTriggered").count();
    assert_eq!(triggered, 2);
    let refused = project.json(&["scale", "--min", "5"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stdout.contains("at least 5 replicas and at most 2"), "{}", refused.stdout);
    let rolled_back = project.json(&["rollback", "--to", "1"]).ok();
    assert_eq!(rolled_back["status"], "deployed");
    await_processes(&endpoint, 2);
}

#[test]
fn a_redeploy_under_load_fails_no_request() {
    let project = project("replicas = { min = 2, max = 2 }");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let (over, failed, asked) =
        (AtomicBool::new(false), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let before = processes(&endpoint);
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (over, failed, asked, endpoint) = (&over, failed.clone(), asked.clone(), &endpoint);
            scope.spawn(move || {
                let path = if client == 0 { "/slow" } else { "/who" };
                let mut kept = Client::connect(endpoint);
                while !over.load(Ordering::SeqCst) {
                    let status = match client % 2 {
                        // The connection to the load balancer outlives the replicas.
                        0 => {
                            kept.send(&format!("GET {path} HTTP/1.1"), b"");
                            let head = kept.head();
                            kept.body(&head);
                            head.starts_with("HTTP/1.1 200")
                        }
                        _ => get(endpoint, path).0 == 200,
                    };
                    failed.fetch_add(usize::from(!status), Ordering::SeqCst);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        project.write("web/server.py", &SERVER.replace("\"one\"", "\"two\""));
        let again = project.json(&["deploy"]).ok();
        assert_eq!((&again["status"], &again["endpoint"]), (&json!("deployed"), &json!(endpoint)));
        assert_eq!(ask(&endpoint, "/who")["version"], "two", "from now on");
        project.json(&["configure", "COLOUR=red"]).ok();
        assert_eq!(ask(&endpoint, "/who")["environment"]["COLOUR"], "red");
        over.store(true, Ordering::SeqCst);
    });
    assert_eq!(failed.load(Ordering::SeqCst), 0, "of {}", asked.load(Ordering::SeqCst));
    assert!(asked.load(Ordering::SeqCst) > 20);
    assert!(before.is_disjoint(&processes(&endpoint)));
    await_that("the old ones end", || {
        before.iter().all(|process| !std::path::Path::new(&format!("/proc/{process}")).exists())
    });
    project.json(&["rollback", "--to", "1"]).ok();
    assert_eq!(ask(&endpoint, "/who")["version"], "one", "rollback brings code back");
}

#[test]
fn a_replica_has_its_variables_and_secrets_and_nothing_else() {
    const CANARY: &str = "canary-7d1f0c2be4";
    let variables = "{ COLOUR = \"blue\", PORT = \"1\", PASSWORD = { secret = \"env:WEB_PASSWORD\" } }";
    let project = project(&format!("environment_variables = {variables}"));
    let knowing = |arguments: &[&str]| {
        let mut command = project.command(&[arguments, &["--output", "json"]].concat());
        command.env("WEB_PASSWORD", CANARY).env("STRAY", "stray").output().expect("the program runs")
    };
    let ran = knowing(&["deploy"]);
    let deployed: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let endpoint = endpoint(&deployed);
    let who = ask(&endpoint, "/who");
    let environment = who["environment"].as_object().expect("an environment");
    assert_eq!((&environment["COLOUR"], &environment["PASSWORD"]), (&json!("blue"), &json!(CANARY)));
    let mut names: Vec<&str> = environment.keys().map(String::as_str).collect();
    // What interpreters and shims set for themselves.
    let of_shims = |name: &str| name.trim_start_matches('_').starts_with("PYENV");
    names.retain(|name| !["LC_CTYPE", "PWD", "SHLVL", "_", "OLDPWD"].contains(name) && !of_shims(name));
    names.sort_unstable();
    let documented = [
        "COLOUR",
        "HOME",
        "LANG",
        "PASSWORD",
        "PATH",
        "PORT",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "SEMANTEST_REPLICA",
        "SEMANTEST_SERVICE",
        "SEMANTEST_STATE_DIR",
    ];
    names.retain(|name| *name != "TMPDIR");
    assert_eq!(names, documented);
    let process = who["pid"].as_u64().expect("a process id");
    for process in [process, host(&project).into()] {
        let listing = std::fs::read(format!("/proc/{process}/cmdline")).expect("arguments");
        assert!(!String::from_utf8_lossy(&listing).contains(CANARY));
    }
    for file in files(&project.file(".semantest")) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{}", file.display());
    }
    // A host that was started anew has not got it, until somebody brings it.
    project.json(&["local", "stop"]).ok();
    let drift = project.json(&["refresh"]).ok()["drift"].clone();
    assert_eq!(drift[0]["diff"][0]["property"], "environment_variables.PASSWORD", "{drift}");
    assert_eq!(get(&endpoint, "/who").0, 503);
    let again: Value = serde_json::from_slice(&knowing(&["deploy"]).stdout).expect("JSON");
    assert_eq!((&again["error"], &again["endpoint"]), (&Value::Null, &json!(endpoint)));
    assert_eq!(ask(&endpoint, "/who")["environment"]["PASSWORD"], CANARY);
}

#[test]
fn replicas_and_their_children_end_with_the_service_and_with_a_host_that_is_killed() {
    let project = project("environment_variables = { CHILDREN = \"1\" }\nreplicas = { min = 2, max = 2 }");
    let first = endpoint(&project.json(&["deploy"]).ok());
    let state = project.file(".semantest");
    assert!(running_in(&state).len() >= 6, "two servers, two children each");
    let killed = Command::new("kill").args(["-KILL", &host(&project).to_string()]).status();
    assert!(killed.expect("kill").success());
    await_that("nothing is left", || running_in(&state).is_empty());

    let back = project.json(&["deploy"]).ok();
    assert_eq!(endpoint(&back), first, "its port is kept");
    assert_eq!(processes(&first).len(), 2, "an answer comes at once");
    let service = project.file(".semantest/local/services/shop-dev-web.json");
    std::fs::remove_file(&service).expect("a definition");
    project.json(&["local", "stop"]).ok();
    await_that("nothing is left", || running_in(&state).is_empty());
    let drift = project.json(&["refresh"]).ok()["drift"].clone();
    assert_eq!((&drift[0]["address"], &drift[0]["missing"]), (&json!("service"), &json!(true)), "{drift}");
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
    assert_eq!(ask(&first, "/who")["version"], "one");

    assert_eq!(project.json(&["destroy", "--yes"]).ok()["status"], "removed");
    await_that("nothing is left", || running_in(&state).is_empty());
    assert!(std::net::TcpStream::connect(first.trim_start_matches("http://")).is_err());
}

#[test]
fn a_replica_is_asked_to_end_and_killed_where_it_does_not() {
    let polite = project("replicas = { min = 2, max = 2 }");
    polite.json(&["deploy"]).ok();
    polite.json(&["scale", "--min", "1", "--max", "1"]).ok();
    await_that("it heard", || logged(&polite).iter().any(|line| line == "asked to end"));

    let gate = polite.file("never");
    let variables = format!("{{ STUBBORN = \"1\", GATE = {:?} }}", gate.to_string_lossy());
    let stubborn = project(&format!("environment_variables = {variables}"));
    let endpoint = endpoint(&stubborn.json(&["deploy"]).ok());
    let mut client = Client::connect(&endpoint);
    client.send("GET /stream HTTP/1.1", b"");
    client.head();
    assert_eq!(
        stubborn.json(&["destroy", "--yes"]).ok()["status"],
        "removed",
        "an answer without end is no hindrance"
    );
    assert_eq!(running_in(&stubborn.file(".semantest")), Vec::<u32>::new());
}

#[test]
fn what_takes_too_much_memory_is_killed_and_started_again() {
    let project = project("memory_mb = 128");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let before = processes(&endpoint);
    assert_eq!(get(&endpoint, "/hog").0, 502);
    await_that("another process", || get(&endpoint, "/who").0 == 200);
    assert!(before.is_disjoint(&processes(&endpoint)));
    assert!(logged(&project).iter().any(|line| line.contains("memory is above memory_mb = 128")));
}

#[test]
fn a_replica_that_is_unwell_gets_no_requests() {
    let project = project("replicas = { min = 2, max = 2 }");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let sick = ask(&endpoint, "/sick")["pid"].as_u64().expect("a process id");
    await_that("the other one alone", || {
        let left = processes(&endpoint);
        left.len() == 1 && !left.contains(&sick)
    });
    // Where all of them are, that is what clients hear.
    get(&endpoint, "/sick");
    await_that("none is left", || get(&endpoint, "/who").0 == 503);
    let (_, body) = get(&endpoint, "/who");
    assert!(body.contains("no replica of shop-dev-web is well"), "{body}");
    await_that("they are started anew", || get(&endpoint, "/who").0 == 200);
    assert!(!processes(&endpoint).contains(&sick));
}

#[test]
fn replicas_are_added_where_their_cpus_are_used_up() {
    let project = project("cpu = 0.1\nreplicas = { min = 1, max = 2, target_cpu_percent = 20 }");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    assert_eq!(processes(&endpoint).len(), 1);
    ask(&endpoint, "/burn");
    let two: BTreeSet<u64> = await_processes(&endpoint, 2);
    assert_eq!(two.len(), 2);
    assert!(logged(&project).iter().any(|line| line.starts_with("2 replicas instead of 1: their CPUs")));
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged", "how many there are is no drift");
}

#[test]
fn bodies_and_upgraded_connections_pass_as_they_come() {
    let mut project = project("");
    let gate = project.file("gate");
    let variables = format!("environment_variables = {{ GATE = {:?} }}\n", gate.to_string_lossy());
    let file = std::fs::read_to_string(project.file("semantest.toml")).expect("a file");
    project.write("semantest.toml", &(file + &variables));
    project.environment.push(("UNUSED", String::new()));
    let endpoint = endpoint(&project.json(&["deploy"]).ok());

    let mut client = Client::connect(&endpoint);
    client.send("GET /stream HTTP/1.1", b"");
    let head = client.head();
    assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
    for number in 0..3 {
        assert_eq!((client.line().trim(), client.line().trim()), ("2", number.to_string().as_str()));
        client.line();
        std::fs::write(format!("{}{number}", gate.display()), "").expect("the gate opens");
    }
    assert_eq!((client.line().trim(), client.line().trim()), ("0", ""));

    let large = vec![b'x'; 3 << 20];
    client.send(&format!("POST /up HTTP/1.1\r\ncontent-length: {}", large.len()), &large);
    let head = client.head();
    assert!(client.body(&head).contains(&format!("\"size\": {}", large.len())), "the same connection");
    client.send("POST /up HTTP/1.1\r\ntransfer-encoding: chunked", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let head = client.head();
    assert!(client.body(&head).contains("\"size\": 5"));

    client
        .send("GET /who?a=%20b HTTP/1.1\r\nx-forwarded-for: 10.0.0.9\r\nconnection: x-hop\r\nx-hop: 1", b"");
    let head = client.head();
    let who: Value = serde_json::from_str(&client.body(&head)).expect("JSON");
    assert_eq!(
        (&who["path"], &who["headers"]["x-forwarded-for"]),
        (&json!("/who?a=%20b"), &json!("10.0.0.9, 127.0.0.1"))
    );
    assert_eq!(
        (&who["headers"]["x-hop"], &who["headers"]["x-forwarded-proto"]),
        (&Value::Null, &json!("http"))
    );

    assert_eq!(get(&endpoint, "/old"), (200, "until the end".to_owned()), "as an old server answers");

    let mut socket = Client::connect(&endpoint);
    let upgrade = "GET /ws HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    socket.send(upgrade, b"");
    let head = socket.head().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    for text in [b"hello", b"again"] {
        socket.write(text);
        let mut echo = [0; 5];
        socket.read(&mut echo);
        assert_eq!(&echo, text);
    }

    let mut elsewhere = Client::connect(&endpoint);
    elsewhere.write(b"GET /who HTTP/1.1\r\nhost: evil.example\r\n\r\n");
    assert!(elsewhere.head().starts_with("HTTP/1.1 403"), "only what is addressed to this machine");
}
