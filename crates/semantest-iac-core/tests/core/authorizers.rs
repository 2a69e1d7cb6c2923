//! Authorizers and stage variables of a component: from the definition to the blueprint, and what is refused on the way.

use semantest_iac_core::Error;
use semantest_iac_core::domain::networking::api_gateway::ApiGateway;
use semantest_iac_core::events::Event;
use semantest_iac_testkit::world::{World, deploy_with};
use serde_json::{Value, json};

fn world(definition: Value) -> World {
    let world = World::new();
    let key = json!({ "kty": "RSA", "kid": "one", "n": "x".repeat(342), "e": "AQAB", "use": "sig" });
    world.project.write_code("keys.json", json!({ "keys": [key] }).to_string().as_bytes());
    world.project.write_code("private.json", br#"{"keys":[{"kty":"RSA","d":"canary"}]}"#);
    world.project.define_component("orders", definition);
    world
}

async fn api(definition: Value) -> ApiGateway {
    let world = world(definition);
    world.deploy().await;
    let events = world.service().history("dev", "orders").await.expect("a history");
    let planned = events.into_iter().find_map(|event| match event.data {
        Event::DeploymentPlanned(planned) => planned.blueprint,
        _ => None,
    });
    planned.expect("a plan").api.expect("an API")
}

async fn refusal(definition: Value) -> Error {
    let world = world(definition);
    let refused = deploy_with(&world.service()).await.expect_err("refused");
    let events = world.service().history("dev", "orders").await.unwrap_or_default();
    assert!(events.is_empty(), "nothing was begun: {events:?}");
    refused
}

fn laid_over(mut base: Value, over: &Value) -> Value {
    match (base.as_object_mut(), over.as_object()) {
        (Some(map), Some(over)) => {
            for (key, value) in over {
                let inner = laid_over(map.get(key).cloned().unwrap_or_default(), value);
                map.insert(key.clone(), inner);
            }
            map.retain(|_, value| !value.is_null());
            base
        }
        _ => over.clone(),
    }
}

/// Three functions; `auth` is asked.
fn http(over: Value) -> Value {
    let base = json!({
        "kind": "rest-api", "code": "orders", "runtime": "python3.12", "handler": "orders.create",
        "functions": {
            "auth": {}, "list": { "routes": ["GET /orders"] }, "create": { "routes": ["POST /orders"] },
        },
        "authorizers": {
            "tokens": { "type": "jwt", "issuer": "https://id.example.com", "audience": ["orders"] },
            "ask": { "type": "lambda", "function": "auth" },
        },
        "authorizer": "tokens",
    });
    laid_over(base, &over)
}

fn socket(over: Value) -> Value {
    let base = json!({
        "kind": "websocket", "code": "orders", "runtime": "python3.12", "handler": "orders.create",
        "functions": { "auth": {}, "connect": {}, "message": {} },
        "authorizers": { "ask": { "type": "lambda", "function": "auth" } }, "authorizer": "ask",
    });
    laid_over(base, &over)
}

fn judges(api: &ApiGateway) -> Vec<(&str, Option<&str>, Vec<&str>)> {
    let routes = api.routes.iter();
    routes
        .map(|route| {
            let scopes = route.authorization_scopes.iter().map(String::as_str).collect();
            (route.route_key.as_str(), route.authorizer.as_deref(), scopes)
        })
        .collect()
}

#[tokio::test]
async fn a_route_is_judged_by_its_functions_authorizer_or_else_by_the_components() {
    let api = api(http(json!({
        "authorization_scopes": ["read"],
        "authorizers": { "tokens": { "jwks": "keys.json" } },
        "functions": {
            "create": { "authorizer": "ask" }, "open": { "routes": ["GET /open"], "authorizer": "none" },
            "remove": { "routes": ["DELETE /orders"], "authorization_scopes": ["write", "all"] },
        },
    })))
    .await;
    let wanted = [
        ("DELETE /orders", Some("tokens"), vec!["write", "all"]),
        ("GET /open", None, vec![]),
        ("GET /orders", Some("tokens"), vec!["read"]),
        ("POST /orders", Some("ask"), vec![]),
    ];
    assert_eq!(judges(&api), wanted, "the function that is asked has no route");
    let tokens = &api.jwt_authorizers["tokens"];
    assert_eq!(tokens.identity_source, "$request.header.Authorization");
    assert_eq!(tokens.jwks.as_ref().expect("keys").keys[0].kid, "one");
    let ask = &api.lambda_authorizers["ask"];
    assert_eq!((ask.simple_responses, ask.ttl_s), (false, 300));
    assert_eq!(ask.identity_source, ["$request.header.Authorization"]);
}

#[tokio::test]
async fn what_an_environment_takes_out_is_not_made_there() {
    let api = api(http(json!({ "authorizer": "none" }))).await;
    assert!(api.jwt_authorizers.is_empty() && api.lambda_authorizers.is_empty());
    assert!(api.routes.iter().all(|route| route.authorizer.is_none()));
}

#[tokio::test]
async fn of_a_websocket_only_connections_are_judged() {
    let api = api(socket(json!({ "functions": { "disconnect": {} } }))).await;
    let wanted =
        [("$connect", Some("ask"), vec![]), ("$default", None, vec![]), ("$disconnect", None, vec![])];
    assert_eq!(judges(&api), wanted);
    let ask = &api.lambda_authorizers["ask"];
    assert_eq!(
        (ask.identity_source.as_slice(), ask.ttl_s),
        (&["route.request.header.Authorization".to_owned()][..], 0)
    );
}

#[tokio::test]
async fn stage_variables_reach_the_blueprint_of_either_kind() {
    for definition in [http(json!({ "authorizers": null, "authorizer": null })), socket(json!({}))] {
        let api = api(laid_over(definition, &json!({ "stage_variables": { "table": "orders-dev" } }))).await;
        assert_eq!(api.stage_variables["table"], "orders-dev");
    }
}

#[tokio::test]
async fn what_an_http_api_could_not_be_authorized_by_is_refused_with_what_to_do() {
    let authorizer = |name: &str, changes: Value| json!({ "authorizers": { name: changes } });
    let function = |name: &str, changes: Value| json!({ "functions": { name: changes } });
    let cases = [
        (json!({ "authorizer": "token" }), "authorizer", "did you mean `tokens`?"),
        (
            function("list", json!({ "authorizer": "nobody" })),
            "functions.list.authorizer",
            "no authorizer `nobody`",
        ),
        (function("auth", json!({ "authorizer": "tokens" })), "functions.auth.authorizer", "has no routes"),
        (json!({ "authorizer": null }), "authorizers.ask", "everybody may call them all"),
        (
            authorizer("none", json!({ "type": "lambda", "function": "auth" })),
            "authorizers.none",
            "called `none`",
        ),
        (authorizer("A b", json!({ "type": "lambda", "function": "auth" })), "authorizers.A b", "no name"),
        (authorizer("tokens", json!({ "issuer": null })), "authorizers.tokens.issuer", "has no `issuer`"),
        (
            authorizer("tokens", json!({ "issuer": "id.example.com" })),
            "authorizers.tokens.issuer",
            "no address",
        ),
        (authorizer("tokens", json!({ "audience": [] })), "authorizers.tokens.audience", "has no `audience`"),
        (authorizer("tokens", json!({ "function": "auth" })), "authorizers.tokens.function", "remove it"),
        (authorizer("tokens", json!({ "ttl_s": 1 })), "authorizers.tokens.ttl_s", "remove it"),
        (
            authorizer("tokens", json!({ "identity_source": ["$request.header.a", "$request.header.b"] })),
            "authorizers.tokens.identity_source",
            "has one `identity_source`",
        ),
        (
            authorizer("tokens", json!({ "identity_source": "$context.path" })),
            "authorizers.tokens.identity_source",
            "holds no token",
        ),
        (authorizer("tokens", json!({ "jwks": "no.json" })), "authorizers.tokens.jwks", "no file `no.json`"),
        (authorizer("tokens", json!({ "jwks": "private.json" })), "authorizers.tokens.jwks", "private key"),
        (authorizer("ask", json!({ "function": null })), "authorizers.ask.function", "has no `function`"),
        (authorizer("ask", json!({ "function": "aut" })), "authorizers.ask.function", "did you mean `auth`?"),
        (authorizer("ask", json!({ "issuer": "https://x" })), "authorizers.ask.issuer", "remove it"),
        (authorizer("ask", json!({ "ttl_s": 3601 })), "authorizers.ask.ttl_s", "from 0 to 3600"),
        (
            authorizer("ask", json!({ "identity_source": [], "ttl_s": 5 })),
            "authorizers.ask.ttl_s",
            "set ttl_s = 0",
        ),
        (
            authorizer("ask", json!({ "identity_source": "route.request.header.x" })),
            "authorizers.ask.identity_source",
            "write it like $request.header.Authorization",
        ),
        (authorizer("ask", json!({ "type": "iam" })), "authorizers.ask.type", "jwt or lambda"),
        (authorizer("ask", json!({ "ttl": 5 })), "authorizers.ask.ttl", "did you mean `ttl_s`?"),
        (
            authorizer("ask", json!({ "identity_source": 5 })),
            "authorizers.ask.identity_source",
            "a list of texts",
        ),
        (json!({ "authorization_scopes": ["a b"] }), "authorization_scopes", "no spaces"),
        (
            function("list", json!({ "authorizer": "ask", "authorization_scopes": ["a"] })),
            "functions.list.authorization_scopes",
            "only a jwt authorizer knows scopes",
        ),
        (json!({ "stage_variables": { "a-b": "x" } }), "stage_variables.a-b", "letters, digits and _"),
        (json!({ "stage_variables": { "a": "x y" } }), "stage_variables.a", "a value of 1 to 512"),
        (json!({ "stage_variables": { "a": "" } }), "stage_variables.a", "a value of 1 to 512"),
        (
            json!({ "cors": { "allow_origins": ["https://*.example"] } }),
            "cors.allow_origins",
            "matches no origin",
        ),
        (
            json!({ "cors": { "allow_origins": ["*"], "allow_credentials": true } }),
            "cors.allow_credentials",
            "name the origins",
        ),
    ];
    for (over, field, said) in cases {
        let error = refusal(http(over.clone())).await;
        assert!(error.message().contains(said), "{over}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        let named =
            error.context().iter().find(|(key, _)| key == "field").map(|(_, field)| field.to_string());
        assert_eq!(named.as_deref(), Some(field), "{over}: {error}");
    }
}

#[tokio::test]
async fn what_a_websocket_could_not_be_authorized_by_is_refused_with_what_to_do() {
    let authorizer = |changes: Value| json!({ "authorizers": { "ask": changes } });
    let tokens = json!({ "type": "jwt", "issuer": "https://x.example", "audience": ["x"] });
    let cases = [
        (authorizer(tokens), "type lambda only"),
        (authorizer(json!({ "simple_responses": true })), "remove it"),
        (authorizer(json!({ "ttl_s": 10 })), "remove it"),
        (authorizer(json!({ "identity_source": "$request.header.x" })), "route.request.header.Authorization"),
        (json!({ "functions": { "connect": null } }), "no $connect"),
        (
            json!({ "authorizer": null, "functions": { "message": { "authorizer": "ask" } } }),
            "judges connections when they are made",
        ),
        (json!({ "functions": { "other": {} } }), "has no `routes`"),
    ];
    for (over, said) in cases {
        let error = refusal(socket(over.clone())).await;
        assert!(error.message().contains(said), "{over}: {error}");
    }
}

#[tokio::test]
async fn authorizers_mean_nothing_for_a_container() {
    for (key, value) in [
        ("authorizers", json!({ "a": { "type": "jwt" } })),
        ("authorizer", json!("none")),
        ("authorization_scopes", json!(["a"])),
        ("stage_variables", json!({ "a": "b" })),
    ] {
        let definition =
            json!({ "kind": "container-service", "image": "registry.example/worker:1", key: value });
        let error = refusal(definition).await;
        assert!(error.message().contains("means nothing for a container-service"), "{key}: {error}");
    }
}
