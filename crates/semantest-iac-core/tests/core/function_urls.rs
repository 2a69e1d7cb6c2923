//! URLs of functions: from the definition to the blueprint and the facts, and what is refused on the way.

use semantest_iac_core::Error;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::networking::function_url::{FunctionUrl, InvokeMode, UrlAuthorization};
use semantest_iac_core::events::Event;
use semantest_iac_testkit::world::{World, deploy_with};
use serde_json::{Value, json};

fn world(definition: Value) -> World {
    let world = World::new();
    world.project.define_component("orders", definition);
    world
}

async fn events(definition: Value) -> Vec<Event> {
    let world = world(definition);
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    events.into_iter().map(|event| event.data).collect()
}

async fn blueprint(definition: Value) -> Blueprint {
    let planned = events(definition).await.into_iter().find_map(|event| match event {
        Event::DeploymentPlanned(planned) => planned.blueprint,
        _ => None,
    });
    *planned.expect("a plan")
}

async fn refusal(definition: Value) -> Error {
    let world = world(definition);
    let refused = deploy_with(&world.service()).await.expect_err("refused");
    let events = world.service().history("dev", "orders").await.unwrap_or_default();
    assert!(events.is_empty(), "nothing was begun: {events:?}");
    refused
}

fn one(more: Value) -> Value {
    let mut whole =
        json!({ "kind": "rest-api", "code": "orders", "runtime": "python3.12", "handler": "orders.create" });
    whole.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
    whole
}

#[tokio::test]
async fn a_function_with_a_url_alone_has_no_api() {
    let made = blueprint(one(json!({ "url": true }))).await;
    assert_eq!((made.api, made.functions[0].url.clone()), (None, Some(FunctionUrl::default())));
    let made = blueprint(one(json!({ "url": false }))).await;
    assert!(made.api.is_some() && made.functions[0].url.is_none());
    let made = blueprint(one(json!({ "url": true, "routes": ["GET /orders"] }))).await;
    assert_eq!(made.api.expect("an API").routes.len(), 1);
}

#[tokio::test]
async fn a_function_among_others_has_its_own_url_and_no_route_unless_it_names_one() {
    let url = json!({ "authorization": "iam", "invoke_mode": "response-stream", "cors": { "allow_origins": ["*"] } });
    let functions = json!({ "list": { "routes": ["GET /orders"] }, "chat": { "url": url }, "both": { "url": true, "routes": ["GET /b"] } });
    let made = blueprint(one(json!({ "functions": functions }))).await;
    let routes: Vec<_> =
        made.api.iter().flat_map(|api| &api.routes).map(|one| one.function.as_str()).collect();
    assert_eq!(routes, ["both", "list"]);
    let chat = made.functions.iter().find(|one| one.role == "chat").and_then(|one| one.url.clone());
    let chat = chat.expect("a URL");
    assert_eq!((chat.authorization, chat.invoke_mode), (UrlAuthorization::Iam, InvokeMode::ResponseStream));
    assert_eq!(chat.cors.expect("settings").allow_origins, ["*"]);
    let websocket = json!({ "connect": {}, "message": {}, "upload": { "url": true } });
    let made = blueprint(one(json!({ "kind": "websocket", "functions": websocket }))).await;
    let keys: Vec<_> =
        made.api.iter().flat_map(|api| &api.routes).map(|one| one.route_key.as_str()).collect();
    assert_eq!(keys, ["$connect", "$default"]);
}

#[tokio::test]
async fn a_function_is_told_of_with_its_url_and_the_others_with_their_api() {
    let functions = json!({ "list": { "routes": ["GET /orders"] }, "chat": { "url": true } });
    let told = events(one(json!({ "functions": functions }))).await;
    let endpoints: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::FunctionDeployed(fact) => fact.endpoint.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(endpoints.len(), 2);
    assert!(endpoints.iter().any(|endpoint| endpoint.ends_with("chat-url.memory")), "{endpoints:?}");
    assert!(endpoints.iter().any(|endpoint| endpoint.ends_with("api.memory")), "{endpoints:?}");
    let world = world(one(json!({ "url": true })));
    let answer = world.deploy().await;
    assert!(
        answer.endpoint.is_some_and(|endpoint| endpoint.ends_with("-url.memory")),
        "the only URL is the component's"
    );
}

#[tokio::test]
async fn what_a_url_cannot_be_is_refused_with_what_to_do() {
    let functions = || json!({ "list": { "url": true }, "chat": { "url": true } });
    let cases = [
        (json!({ "url": "yes" }), "url", "true, false, or a table"),
        (json!({ "url": { "invoke_mod": "buffered" } }), "url.invoke_mod", "did you mean `invoke_mode`?"),
        (json!({ "url": { "invoke_mode": "streaming" } }), "url.invoke_mode", "buffered or response-stream"),
        (json!({ "url": { "authorization": "AWS_IAM" } }), "url.authorization", "none or iam"),
        (json!({ "url": { "cors": { "origins": ["*"] } } }), "url.cors.origins", "unknown key"),
        (
            json!({ "url": { "cors": { "allow_methods": ["OPTIONS"] } } }),
            "url.cors.allow_methods",
            "`OPTIONS`",
        ),
        (json!({ "url": { "cors": { "max_age_s": 90_000 } } }), "url.cors.max_age_s", "from 0 to 86400"),
        (
            json!({ "url": { "cors": { "allow_origins": ["https://*.example"] } } }),
            "url.cors.allow_origins",
            "`https://*.example` matches no origin",
        ),
        (json!({ "url": true, "functions": functions() }), "url", "give each function its own `url`"),
        (json!({ "functions": { "list": { "url": { "crs": {} } } } }), "functions.list.url.crs", "`cors`"),
        (json!({ "url": true, "cors": {} }), "cors", "set it in `url`"),
        (
            json!({ "functions": functions(), "throttling": { "rate": 1, "burst": 1 } }),
            "throttling",
            "add `routes`",
        ),
    ];
    for (more, field, said) in cases {
        let error = refusal(one(more.clone())).await;
        assert!(error.message().contains(said), "{more}: {error}");
        assert!(
            error.context().iter().any(|(key, value)| key == "field" && value == field),
            "{more}: {error:?}"
        );
    }
    let service = json!({ "kind": "container-service", "image": "registry.example/worker:1", "url": true });
    let error = refusal(service).await;
    assert!(error.message().contains("`url` means nothing for a container-service"), "{error}");
}
