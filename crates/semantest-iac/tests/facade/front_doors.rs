//! What bindings stand on: events and questions as JSON, and who is told of handlers that failed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use semantest_iac::events::envelope::Envelope;
use semantest_iac::ports::event_bus::{EventFilter, EventHandler};
use semantest_iac::{CancellationToken, Error, ErrorKind, Iac, Result};
use serde_json::{Value, json};

const PROJECT: &str = r#"
project = "shop"

[environments.dev]
provider = "local"

[components.rest-api]
code = "code"
runtime = "python3.12"
handler = "hello.handler"
"#;

async fn open() -> (tempfile::TempDir, Arc<Iac>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("semantest.toml"), PROJECT).expect("a file");
    std::fs::create_dir(folder.path().join("code")).expect("a folder");
    std::fs::write(folder.path().join("code/hello.py"), "def handler(event, context): pass\n")
        .expect("a file");
    let iac = Iac::open(folder.path()).await.expect("a project");
    (folder, Arc::new(iac))
}

/// Fails on the events of one name, after having published another one where it was told to.
struct Failing {
    on: &'static str,
    publishes: Option<(&'static str, Arc<Iac>)>,
    told: Mutex<Vec<usize>>,
}

impl Failing {
    fn on(name: &'static str) -> Self {
        Self { on: name, publishes: None, told: Mutex::default() }
    }
}

#[async_trait]
impl EventHandler for Failing {
    fn name(&self) -> &str {
        self.on
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        if let Some((name, iac)) = &self.publishes {
            let mut next = noted(iac, name);
            next.correlation_id = Some(event.correlation_id.clone().unwrap_or_else(|| event.id.clone()));
            let (answer, failed) = iac.publish_and_report(next, &CancellationToken::new()).await;
            answer.expect("it is recorded");
            self.told.lock().expect("no panic").push(failed.len());
        }
        Err(Error::new(ErrorKind::HandlerFailed, "handler", "out of paper"))
    }
}

fn noted(iac: &Iac, name: &str) -> Envelope {
    let event = json!({ "type": format!("org.example.{name}"), "data": {} });
    iac.read_event(event.to_string().as_bytes()).expect("an event")
}

async fn subscribe(iac: &Iac, handler: Arc<Failing>) {
    iac.subscribe(EventFilter::names([handler.on]), handler.clone()).await.expect("subscribed");
}

async fn publish(iac: &Iac, name: &str) -> Vec<String> {
    let (answer, failed) = iac.publish_and_report(noted(iac, name), &CancellationToken::new()).await;
    answer.expect("it is recorded");
    failed.into_iter().map(|failed| failed.handler).collect()
}

#[tokio::test]
async fn whoever_publishes_is_told_of_the_handlers_that_failed_and_nobody_else() {
    let (_folder, iac) = open().await;
    subscribe(&iac, Arc::new(Failing::on("First"))).await;
    assert_eq!(publish(&iac, "First").await, ["First"]);
    assert_eq!(publish(&iac, "Second").await, Vec::<String>::new(), "what failed before is not told again");
    assert_eq!(iac.events(0, 10).await.expect("a log").len(), 2, "the event is not lost");
}

#[tokio::test]
async fn what_fails_for_an_event_that_a_handler_published_is_told_to_that_handler() {
    let (_folder, iac) = open().await;
    let first = Failing { publishes: Some(("Second", iac.clone())), ..Failing::on("First") };
    let first = Arc::new(first);
    subscribe(&iac, first.clone()).await;
    subscribe(&iac, Arc::new(Failing::on("Second"))).await;
    assert_eq!(publish(&iac, "First").await, ["First"]);
    assert_eq!(*first.told.lock().expect("no panic"), [1]);
}

#[tokio::test]
async fn questions_are_answered_as_json() {
    let (_folder, iac) = open().await;
    let ask = async |question: Value| -> Result<Value> {
        let answer = iac.query(&question.to_string()).await?;
        Ok(serde_json::from_str(&answer).expect("JSON"))
    };
    let event = json!({ "type": "DeploymentRequested", "data": { "component": "rest-api" } });
    let plan = ask(json!({ "plan": { "event": event } })).await.expect("a plan");
    assert_eq!(plan["changes"]["created"], 2);
    let removal = json!({ "type": "RemovalRequested", "data": { "component": "rest-api" } });
    let plan = ask(json!({ "plan": { "event": removal } })).await.expect("a plan");
    assert_eq!(plan["changes"]["deleted"], 0);
    let status =
        ask(json!({ "status": { "environment": null, "component": null } })).await.expect("a status");
    assert_eq!(status, json!({ "deployments": [] }));

    let scaling = json!({ "type": "ScalingRequested", "data": { "component": "rest-api" } });
    for (question, kind) in [
        (json!({ "plan": { "event": scaling } }), ErrorKind::InvalidInput),
        (json!({ "plan": { "event": 5 } }), ErrorKind::InvalidInput),
        (json!({ "nothing": {} }), ErrorKind::InvalidInput),
        (json!({ "status": { "environment": 5 } }), ErrorKind::InvalidInput),
        (json!([]), ErrorKind::InvalidInput),
        (json!({ "refresh": { "environment": "dev", "component": "rest-api" } }), ErrorKind::NotFound),
        (json!({ "state": { "environment": "dev", "component": "rest-api" } }), ErrorKind::InvalidInput),
    ] {
        let error = ask(question.clone()).await.expect_err("refused");
        assert_eq!(error.kind(), kind, "{question}: {error:?}");
    }
}

#[tokio::test]
async fn a_published_request_is_judged_like_one_that_is_called_for() {
    let (_folder, iac) = open().await;
    let publish = async |data: Value| {
        let event = json!({ "type": "DeploymentRequested", "data": data }).to_string();
        let event = iac.read_event(event.as_bytes()).expect("an event");
        iac.publish(event, &CancellationToken::new()).await.expect_err("refused")
    };
    let error = publish(json!({ "component": "rest-api", "provider": "azur" })).await;
    assert!(error.message().contains("azure"), "{error:?}");
    let error = publish(json!({ "component": "rest-api", "environment": "prod" })).await;
    assert!(error.context().iter().any(|(key, _)| key == "file"), "{error:?} says where");
}
