use std::path::Path;

use semantest_iac_core::ErrorKind;
use semantest_iac_core::ports::project::Project;
use serde_json::json;

use super::*;

const GOOD: &str = r#"
project = "semantest"

[environments.dev]
provider = "local"

[environments.production]
provider = "aws"
region = "eu-west-1"

[components.rest-api]
code = "rest-api"
runtime = "nodejs20.x"
handler = "index.handler"
memory_mb = 512
environment_variables = { API_VERSION = "v1", DB_PASSWORD = { secret = "env:DB_PASSWORD" } }

[components.websocket]
code = "websocket"
runtime = "nodejs20.x"
[components.websocket.functions.connect]
handler = "connect.handler"

[environments.production.components.rest-api]
memory_mb = 1024
environment_variables = { NODE_ENV = "production" }
"#;

fn parse(text: &str) -> Result<ProjectFile> {
    ProjectFile::parse(text, Path::new("/p/semantest.toml"))
}

fn refusal(text: &str) -> Error {
    let error = parse(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::InvalidProject, "{error:?}");
    assert!(error.context().iter().any(|(key, _)| key == "file"), "{error:?}");
    error
}

fn context(error: &Error, key: &str) -> String {
    error.context().iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn an_environments_overrides_are_laid_over_the_component() {
    let file = parse(GOOD).expect("a good file");
    let component = |environment| file.component(environment, "rest-api").expect("read").expect("defined");
    assert_eq!(component("dev")["memory_mb"], json!(512));
    let production = component("production");
    assert_eq!(production["memory_mb"], json!(1024));
    assert_eq!(production["environment_variables"]["API_VERSION"], json!("v1"));
    assert_eq!(production["environment_variables"]["NODE_ENV"], json!("production"));
    assert_eq!(file.components(), ["rest-api", "websocket"]);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let cases = [
        ("memory_mb = 512", "memry_mb = 512", "memory_mb", 15),
        ("provider = \"local\"", "provder = \"local\"", "provider", 5),
        ("[components.rest-api]", "[component.rest-api]", "components", 11),
        ("handler = \"connect.handler\"", "handlr = \"connect.handler\"", "handler", 22),
    ];
    for (good, bad, near, line) in cases {
        let error = refusal(&GOOD.replacen(good, bad, 1));
        assert!(error.message().contains(&format!("did you mean `{near}`")), "{error}");
        assert_eq!(context(&error, "line"), line.to_string(), "{error:?}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_line_and_field() {
    let error = refusal(&GOOD.replacen("memory_mb = 512", "memory_mb = \"much\"", 1));
    assert_eq!(context(&error, "line"), "15");
    assert_eq!(context(&error, "field"), "components.rest-api.memory_mb");
    let error = refusal(&GOOD.replacen("\"v1\"", "1", 1));
    assert!(error.message().contains("must be text"), "{error}");
}

#[test]
fn bad_names_are_refused_with_their_line() {
    for (good, bad) in [
        ("\"semantest\"", "\"Semantest Project\""),
        ("[environments.dev]", "[environments.\"../dev\"]"),
        ("[components.websocket.functions.connect]", "[components.websocket.functions.\"a b\"]"),
    ] {
        let error = refusal(&GOOD.replacen(good, bad, 1));
        assert!(error.message().contains("lower-case letters"), "{error}");
        assert!(!context(&error, "line").is_empty(), "{error:?}");
    }
}

#[test]
fn an_override_of_nothing_is_refused() {
    let error =
        refusal(&GOOD.replacen("production.components.rest-api", "production.components.rest-apy", 1));
    assert!(error.message().contains("did you mean `rest-api`"), "{error}");
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    for text in ["", "project", "project = ", "project = \"a\"\nproject = \"b\"", "[[", "\0", "project = 1"] {
        let error = refusal(text);
        assert!(!context(&error, "line").is_empty(), "{text:?}: {error:?}");
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_fine() {
    parse(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).expect("the same file");
}

#[test]
fn a_missing_file_says_how_to_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = ProjectFile::load(folder.path()).expect_err("nothing there");
    assert!(error.message().contains("semantest-iac init"), "{error}");
}

#[test]
fn an_error_of_the_core_gets_file_and_line() {
    let file = parse(GOOD).expect("a good file");
    let error = Error::new(ErrorKind::InvalidProject, "test", "wrong")
        .with("component", "rest-api")
        .with("field", "memory_mb");
    let request = DeploymentRequested { component: "rest-api".into(), ..DeploymentRequested::default() };
    let located = file.locate(error, &request);
    assert_eq!(context(&located, "line"), "15");
    assert_eq!(context(&located, "file"), "/p/semantest.toml");
}
