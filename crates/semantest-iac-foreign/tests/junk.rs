//! Whatever a foreign object answers, the error says what was expected, and shows no value.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::ports::event_bus::{EventBus, EventFilter, EventHandler, SubscriptionId};
use semantest_iac_core::ports::event_store::{EventStore, ExpectedVersion};
use semantest_iac_core::ports::provider::{
    Change, ChangeAction, InvokeRequest, LogQuery, Operation, OwnershipTags, Provider, ProviderSettings,
    ResourceHandle, Scope,
};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};
use semantest_iac_core::{Error, ErrorKind, Result};
use semantest_iac_foreign::{
    Argument, ForeignEventBus, ForeignEventStore, ForeignObject, ForeignProvider, ForeignSecretResolver,
    deliver,
};
use semantest_iac_testkit::event_store::append;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

const CANARY: &str = "canary-91c1f0aa";

/// Answers every call with the same; has all methods but some.
struct Answering {
    answer: Result<Value>,
    lacks: Vec<&'static str>,
    heard: Mutex<Vec<String>>,
}

impl Answering {
    fn with(answer: Result<Value>) -> Arc<Self> {
        Arc::new(Self { answer, lacks: Vec::new(), heard: Mutex::default() })
    }

    fn lacking(lacks: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { answer: Ok(Value::Null), lacks: lacks.to_vec(), heard: Mutex::default() })
    }
}

#[async_trait]
impl ForeignObject for Answering {
    fn has(&self, method: &str) -> bool {
        !self.lacks.contains(&method)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        self.call_blocking(method, arguments)
    }

    fn call_blocking(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        self.heard.lock().expect("no panic").push(format!("{method} {arguments:?}"));
        self.answer.clone()
    }
}

struct Deaf;

#[async_trait]
impl EventHandler for Deaf {
    fn name(&self) -> &str {
        "deaf"
    }

    async fn handle(&self, _event: &Envelope) -> Result<()> {
        Ok(())
    }
}

fn tags() -> OwnershipTags {
    OwnershipTags {
        project: "shop".into(),
        environment: "dev".into(),
        component: "orders".into(),
        address: "api".into(),
    }
}

fn handle() -> ResourceHandle {
    let none = Map::new;
    ResourceHandle { tags: tags(), kind: "x".into(), inputs: none(), id: None, outputs: none() }
}

fn change() -> Change {
    let mut secrets = ResolvedSecrets::default();
    secrets.insert("memory:canary", SecretValue::new(CANARY));
    Change {
        action: ChangeAction::Create,
        resource: handle(),
        previous_inputs: None,
        changed: Default::default(),
        secrets,
    }
}

fn operation() -> Operation {
    Operation { id: "1".into(), attempt: 1 }
}

fn blueprint() -> Blueprint {
    let blueprint =
        json!({ "project": "shop", "environment": "dev", "component": "orders", "kind": "rest-api" });
    serde_json::from_value(blueprint).expect("a blueprint")
}

fn scope() -> Scope {
    Scope { project: "shop".into(), environment: "dev".into(), component: None, region: None }
}

/// Calls every method that has an answer, and gives its name and what came of it.
async fn outcomes(object: Arc<dyn ForeignObject>) -> Vec<(&'static str, Result<String>)> {
    fn shown<T: std::fmt::Debug>(result: Result<T>) -> Result<String> {
        result.map(|answer| format!("{answer:?}"))
    }
    let provider = ForeignProvider::new("elsewhere", object.clone()).expect("a provider");
    let functions = provider.functions().expect("functions");
    let settings = ProviderSettings::default();
    let payload = RawValue::from_string("1".into()).expect("JSON");
    let request = InvokeRequest { function: handle(), payload };
    let query =
        LogQuery { function: handle(), cursor: None, since: None, limit: 5, wait: Duration::from_secs(1) };
    let store = ForeignEventStore::new(object.clone()).expect("a store");
    let bus = ForeignEventBus::new(object.clone()).expect("a bus");
    let secrets = ForeignSecretResolver::new(["memory".to_owned()], object).expect("a resolver");
    let filter = EventFilter::all();
    vec![
        ("provider.lower", shown(provider.lower(&blueprint(), &settings))),
        ("provider.observe", shown(provider.observe(&handle()).await)),
        ("provider.apply", shown(provider.apply(&change(), &operation()).await)),
        ("provider.discover", shown(provider.discover(&scope()).await)),
        ("provider.diagnose", shown(provider.diagnose(&settings).await)),
        ("provider.invoke", shown(functions.invoke(&request).await)),
        ("provider.logs", shown(functions.logs(&query).await)),
        (
            "event_store.append",
            shown(store.append(append("s", ExpectedVersion::Exact(3), &["1", "2"])).await),
        ),
        ("event_store.read_stream", shown(store.read_stream("s", 2, 3).await)),
        ("event_store.read_all", shown(store.read_all(2, 3).await)),
        ("event_store.streams", shown(store.streams("s").await)),
        ("event_store.head", shown(store.head().await)),
        ("event_bus.publish", shown(bus.publish(&[]).await)),
        ("event_bus.subscribe", shown(bus.subscribe(filter, Arc::new(Deaf)).await)),
        ("secret_resolver.resolve", shown(secrets.resolve("memory:canary").await)),
        ("secret_resolver.digest", shown(secrets.digest(&SecretValue::new(CANARY)).await)),
    ]
}

fn kind_of(method: &str) -> ErrorKind {
    match method.split('.').next() {
        Some("provider") => ErrorKind::Provider,
        Some("event_store") => ErrorKind::Storage,
        Some("event_bus") => ErrorKind::HandlerFailed,
        _ => ErrorKind::SecretUnresolved,
    }
}

async fn outcome(method: &str, answer: Value) -> Result<String> {
    let outcomes = outcomes(Answering::with(Ok(answer))).await;
    outcomes.into_iter().find(|(name, _)| *name == method).expect("a method").1
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_is_an_error_that_says_what_was_expected() {
    let told = json!({ "strange": CANARY });
    for junk in [json!(true), json!(-1), json!(1.5), json!([[]]), json!([CANARY]), told] {
        for (method, outcome) in outcomes(Answering::with(Ok(junk.clone()))).await {
            let error = outcome.expect_err(method);
            assert_eq!(error.kind(), kind_of(method), "{method} {junk}: {error:?}");
            assert_eq!(error.operation(), method);
            let of = if method.starts_with("provider.") { " of elsewhere" } else { "" };
            assert!(error.message().starts_with(&format!("{method}{of} returned ")), "{error}");
            assert!(error.message().contains(": expected "), "{error}");
            assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_inside_an_answer_is_named() {
    let handle = |address: &str| json!({ "project": "shop", "environment": "dev", "component": "orders", "address": address });
    let event = |at: u64| json!({ "position": at, "stream": "s", "version": at, "event": {} });
    let resource = |extra: &str| json!({ "address": "a", "kind": "x", "inputs": {}, extra: [] });
    let cases = [
        ("provider.apply", json!({}), "returned an object (missing field `id`): expected {id: text"),
        ("provider.apply", json!({ "id": 5 }), "(at `id`)"),
        ("provider.apply", json!({ "id": "5", "output": {} }), "unknown field `output`"),
        (
            "provider.apply",
            json!({ "id": "5", "outputs": { "url": [format!("x{CANARY}")] } }),
            "`memory:canary`",
        ),
        (
            "provider.discover",
            json!([{ "tags": handle("a"), "kind": "x" }]),
            "(at `[0]`: missing field `id`)",
        ),
        ("provider.discover", json!([{ "tags": {}, "kind": "x", "id": "i" }]), "(at `[0].tags`"),
        ("provider.lower", json!([resource("depend_on")]), "a resource with `depend_on`"),
        ("provider.lower", json!({ "b": resource("depends_on") }), "the resource `a` under the address `b`"),
        ("provider.invoke", json!({ "request_id": "1", "payload": "{" }), "a payload that is no JSON"),
        ("event_store.append", json!({ "position": 9, "version": 2 }), "returned version 2"),
        ("event_store.read_stream", json!([event(3), event(5)]), "missing between them"),
        ("event_store.read_all", json!([event(2)]), "event 2 after 2: expected events in order"),
        ("event_store.read_all", json!([event(4), event(4)]), "event 4 after 4"),
        (
            "event_store.read_all",
            json!([event(3), event(4), event(5), event(6)]),
            "4 events: expected at most 3",
        ),
        (
            "event_store.streams",
            json!([{ "name": "other", "version": 1, "updated": "2026-01-01T00:00:00Z" }]),
            "`other`",
        ),
        ("event_bus.publish", json!([{ "handler": "h", "event_id": "1", "error": 4 }]), "(at `[0].error`)"),
        ("secret_resolver.digest", json!(format!("digest of {CANARY}")), "expected a digest"),
        ("secret_resolver.digest", json!(""), "expected a digest"),
        ("secret_resolver.digest", json!("x".repeat(300)), "expected a digest"),
        ("secret_resolver.resolve", Value::Null, "secret `memory:canary` has no value"),
    ];
    for (method, answer, words) in cases {
        let error = outcome(method, answer).await.expect_err(words);
        assert_eq!(error.kind(), kind_of(method), "{error:?}");
        assert!(error.message().contains(words), "{words}: {error}");
        assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_of_another_project_is_found() {
    for (key, value) in [("project", "bank"), ("environment", "production")] {
        let mut tags = json!(tags());
        tags[key] = json!(value);
        let error = outcome("provider.discover", json!([{ "tags": tags, "kind": "x", "id": "i" }])).await;
        let error = error.expect_err("somebody else's");
        assert!(error.message().contains("outside the scope"), "{error}");
    }
}

#[tokio::test]
async fn a_graph_that_is_none_is_refused() {
    let resource = json!({ "address": "a", "kind": "x", "inputs": { "to": "${b.arn}" } });
    let error = outcome("provider.lower", json!([resource])).await.expect_err("it leads nowhere");
    assert_eq!(error.kind(), ErrorKind::InvalidGraph, "{error:?}");
    outcome("provider.lower", json!([{ "address": "a", "kind": "x", "inputs": {} }])).await.expect("a list");
    let by_address = json!({ "a": { "address": "a", "kind": "x", "inputs": {} } });
    outcome("provider.lower", by_address).await.expect("by address");
}

#[tokio::test]
async fn what_may_be_left_out_may_be_left_out() {
    let cases = [
        ("provider.observe", json!({ "id": "i" })),
        ("provider.apply", json!({ "id": "i" })),
        ("provider.invoke", json!({ "request_id": "1", "payload": "12345678901234567890123" })),
        ("event_bus.publish", json!([{ "handler": "h", "event_id": "1", "error": "it broke" }])),
        (
            "event_store.read_stream",
            json!([{ "position": u64::MAX, "stream": "s", "version": 3, "event": {} }]),
        ),
        ("event_store.head", json!(u64::MAX)),
    ];
    for (method, answer) in cases {
        let answer = outcome(method, answer).await.expect(method);
        assert!(method != "event_store.head" || answer == u64::MAX.to_string(), "no digit is lost");
    }
}

#[tokio::test]
async fn what_a_call_fails_with_is_passed_on_without_secrets() {
    let failure =
        Error::new(ErrorKind::Throttled, "cloud", format!("`{CANARY}`?")).retry_later().with("said", CANARY);
    for (method, outcome) in outcomes(Answering::with(Err(failure.clone()))).await {
        let error = outcome.expect_err(method);
        assert_eq!((error.kind(), error.retry()), (failure.kind(), failure.retry()), "{method}");
        if ["provider.apply", "secret_resolver.digest"].contains(&method) {
            assert!(!format!("{error:?}").contains(CANARY), "{method}: {error:?}");
        }
    }
    let provider = ForeignProvider::new("elsewhere", Answering::with(Err(failure))).expect("a provider");
    assert_eq!(provider.default_region().await, None, "a region that cannot be asked for is not known");
}

#[tokio::test]
async fn arguments_show_no_values() {
    let object = Answering::with(Ok(Value::Null));
    outcomes(object.clone()).await;
    let bus = ForeignEventBus::new(object.clone()).expect("a bus");
    bus.unsubscribe(SubscriptionId(1)).await.expect("whatever is answered");
    let heard = object.heard.lock().expect("no panic").join("\n");
    assert!(heard.contains("apply [Json(an object), Json(an object)]"), "{heard}");
    assert!(heard.contains("subscribe [Json(an object), Handler(\"deaf\")]"), "{heard}");
    assert!(!heard.contains(CANARY), "{heard}");
}

#[test]
fn an_object_that_lacks_methods_is_refused_when_the_port_is_made() {
    let refused = |result: Result<()>, words: &str| {
        let error = result.expect_err(words);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert!(error.message().contains(words), "{error}");
    };
    let lacking = Answering::lacking;
    let of = |scheme: &str| ForeignSecretResolver::new([scheme.to_owned()], lacking(&[])).map(drop);
    refused(ForeignProvider::new("x", lacking(&["apply", "lower"])).map(drop), "lacks lower, apply;");
    refused(ForeignProvider::new("No Name", lacking(&[])).map(drop), "`No Name` is no name for a provider");
    refused(ForeignEventStore::new(lacking(&["wait"])).map(drop), "this is no event store: it lacks wait;");
    refused(ForeignEventBus::new(lacking(&["subscribe"])).map(drop), "lacks subscribe;");
    refused(ForeignSecretResolver::new(["x".into()], lacking(&["resolve"])).map(drop), "lacks resolve;");
    refused(ForeignSecretResolver::new([], lacking(&[])).map(drop), "needs a scheme");
    refused(of("Vault"), "`Vault` is no name for a scheme");
    refused(of("vault:"), "`vault:` is no name for a scheme");
}

#[tokio::test]
async fn what_is_optional_may_be_lacking() {
    let object = Answering::lacking(&["default_region", "diagnose", "logs", "digest"]);
    let provider = ForeignProvider::new("elsewhere", object.clone()).expect("a provider");
    assert_eq!(provider.default_region().await, None);
    assert!(provider.diagnose(&ProviderSettings::default()).await.expect("nothing").is_empty());
    let query = LogQuery { function: handle(), cursor: None, since: None, limit: 5, wait: Duration::ZERO };
    let error = provider.functions().expect("it can invoke").logs(&query).await.expect_err("no logs");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    let secrets = ForeignSecretResolver::new(["memory".to_owned()], object.clone()).expect("a resolver");
    let error = secrets.digest(&SecretValue::new("x")).await.expect_err("no digests");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(object.heard.lock().expect("no panic").is_empty(), "nothing was called");
}

#[tokio::test]
async fn what_is_no_event_is_not_delivered() {
    for junk in [Value::Null, json!({}), json!([1]), json!({ "specversion": "1.0", "id": "" })] {
        let error = deliver(&Deaf, junk).await.expect_err("no event");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    }
}

/// JSON, often with keys that mean something.
fn json_value() -> impl Strategy<Value = Value> {
    let keys = [
        "id",
        "inputs",
        "outputs",
        "adopted",
        "tags",
        "kind",
        "address",
        "position",
        "version",
        "stream",
        "event",
        "handler",
        "event_id",
        "error",
        "request_id",
        "payload",
        "lines",
        "cursor",
        "name",
        "updated",
        "project",
    ];
    let key =
        prop_oneof![4 => proptest::sample::select(keys.to_vec()).prop_map(str::to_owned), 1 => ".{0,300}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..8)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_answered_nothing_panics_and_messages_stay_short(answer in json_value()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (method, outcome) in runtime.block_on(outcomes(Answering::with(Ok(answer.clone())))) {
            if let Err(error) = outcome {
                let words = error.message().chars().count();
                prop_assert!(words < 900, "{} says {} letters: {}", method, words, error);
                prop_assert_eq!(error.operation().split('.').next(), method.split('.').next());
            }
        }
    }
}
