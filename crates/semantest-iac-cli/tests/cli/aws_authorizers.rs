//! Authorizers and stage variables on AWS: through the real program, against an emulator that judges by them.

use crate::aws::projects::orders;
use crate::aws::{AwsProject, boto3, eventually, get, request};
use serde_json::json;

const CODE: &str = r#"
def handler(event, context):
    told = event["requestContext"].get("authorizer") or {"lambda": {}}
    return {"statusCode": 200, "body": told["lambda"].get("table", "")}

def auth(event, context):
    variables = event.get("stageVariables") or {}
    authorized = event["queryStringParameters"]["token"] == "ann"
    return {"isAuthorized": authorized, "context": {"table": variables.get("table") or "none"}}
"#;

/// Two functions, one of which is asked who may call the other.
fn authorized(name: &str) -> AwsProject {
    let aws = orders(name);
    aws.project.write("list/app.py", CODE);
    aws.project.replace(
        "semantest.toml",
        "routes = [\"GET /orders\"]",
        "routes = [\"GET /orders\", \"GET /open\"]",
    );
    aws.project.replace(
        "semantest.toml",
        "[components.orders.functions.create]\ncode = \"create\"\nhandler = \"app.handler\"\nroutes = [\"POST /orders\"]\n",
        "authorizer = \"ask\"\n\n[components.orders.functions.auth]\ncode = \"list\"\nhandler = \"app.auth\"\n\n\
         [components.orders.authorizers.ask]\ntype = \"lambda\"\nfunction = \"auth\"\nsimple_responses = true\n\
         identity_source = \"$request.querystring.token\"\nttl_s = 0\n\n\
         [components.orders.stage_variables]\ntable = \"orders-one\"\n",
    );
    aws
}

const ROUTES: &str = r#"
api = boto3.client("apigatewayv2")
[one] = [one for one in api.get_apis()["Items"] if one["Name"].startswith(sys.argv[1])]
routes = {route["RouteKey"]: route for route in api.get_routes(ApiId=one["ApiId"])["Items"]}
"#;

#[test]
fn who_is_not_let_in_by_a_function_reaches_no_route_on_aws() {
    let aws = authorized("judged-story");
    let endpoint = aws.ok(&["deploy"])["endpoint"].as_str().expect("an endpoint").to_owned();
    let status = |path: &str| get(&endpoint, path).0;
    assert_eq!(get(&endpoint, "/orders?token=ann"), (200, "orders-one".into()));
    assert_eq!(["/orders", "/orders?token=eve", "/open"].map(status), [401, 403, 401]);

    aws.calls();
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());

    // Somebody opens a route by hand: that is found, and the next deploy closes it.
    boto3(
        &format!(
            "{ROUTES}api.update_route(ApiId=one[\"ApiId\"], RouteId=routes[\"GET /orders\"][\"RouteId\"], \
             AuthorizationType=\"NONE\")"
        ),
        &["judged-story"],
    );
    assert_eq!(status("/orders"), 200, "open to everybody");
    let drift = aws.ok(&["refresh"])["drift"].to_string();
    assert!(drift.contains("authorization"), "{drift}");
    aws.calls();
    aws.ok(&["deploy"]);
    assert_eq!(aws.changing_calls(), ["apigateway:UpdateRoute"]);
    assert_eq!(status("/orders"), 401);

    aws.project.replace("semantest.toml", "table = \"orders-one\"", "place = \"here\"");
    aws.ok(&["deploy"]);
    eventually("the other variables", || (get(&endpoint, "/orders?token=ann").1 == "none").then_some(()));

    aws.project.replace("semantest.toml", "authorizer = \"ask\"", "authorizer = \"none\"");
    aws.ok(&["deploy"]);
    eventually("the open route", || (status("/orders") == 200).then_some(()));
    assert_eq!(request("GET", &endpoint, "/open", "").0, 200);
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn what_a_jwt_authorizer_is_told_of_reaches_aws() {
    let aws = orders("token-story");
    aws.project.replace(
        "semantest.toml",
        "memory_mb = 128",
        "memory_mb = 128\nauthorizer = \"tokens\"\nauthorization_scopes = [\"read\"]",
    );
    let file = std::fs::read_to_string(aws.project.file("semantest.toml")).expect("a project file");
    aws.project.write(
        "semantest.toml",
        &format!(
            "{file}\n[components.orders.authorizers.tokens]\ntype = \"jwt\"\nissuer = \"https://id.example.com\"\n\
             audience = [\"orders\"]\n"
        ),
    );
    aws.ok(&["deploy"]);
    let look = format!(
        "{ROUTES}[judge] = api.get_authorizers(ApiId=one[\"ApiId\"])[\"Items\"]\n\
         print(json.dumps([judge[\"AuthorizerType\"], judge[\"JwtConfiguration\"], judge[\"IdentitySource\"], \
         sorted((key, route[\"AuthorizationType\"], route.get(\"AuthorizationScopes\", []), \
         route[\"AuthorizerId\"] == judge[\"AuthorizerId\"]) for key, route in routes.items())]))"
    );
    let held: serde_json::Value = serde_json::from_str(&boto3(&look, &["token-story"])).expect("JSON");
    let wanted = json!([
        "JWT", { "Audience": ["orders"], "Issuer": "https://id.example.com" }, ["$request.header.Authorization"],
        [["GET /orders", "JWT", ["read"], true], ["POST /orders", "JWT", ["read"], true]],
    ]);
    assert_eq!(held, wanted);
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));
    aws.project.replace("semantest.toml", "authorization_scopes = [\"read\"]", "");
    aws.ok(&["deploy"]);
    let held: serde_json::Value = serde_json::from_str(&boto3(&look, &["token-story"])).expect("JSON");
    assert_eq!(held[3], json!([["GET /orders", "JWT", [], true], ["POST /orders", "JWT", [], true]]));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}
