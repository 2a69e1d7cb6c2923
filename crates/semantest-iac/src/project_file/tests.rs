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

#[test]
fn a_value_that_cannot_be_says_what_can() {
    let cases = [
        ("memory_mb = 512", "memory_mb = -5", "`memory_mb` must be a whole number from 128 to 10240", 15),
        (
            "memory_mb = 512",
            "memory_mb = 99999999999",
            "`memory_mb` must be a whole number from 128 to 10240",
            15,
        ),
        (
            "memory_mb = 512",
            "kind = 3",
            "`kind` must be rest-api, websocket, container-service or pulumi-stack",
            15,
        ),
        (
            "memory_mb = 512",
            "kind = \"rest\"",
            "`kind` must be rest-api, websocket, container-service or pulumi-stack",
            15,
        ),
        ("memory_mb = 512", "port = 70000", "`port` must be a whole number from 1 to 65535", 15),
        ("memory_mb = 1024", "timeout_s = -1", "`timeout_s` must be a whole number from 1 to 900", 25),
        ("handler = \"connect.handler\"", "routes = 3", "`routes` must be a list of texts", 22),
    ];
    for (good, bad, said, line) in cases {
        let error = refusal(&GOOD.replacen(good, bad, 1));
        assert!(error.message().contains(said), "{error}");
        assert_eq!(context(&error, "line"), line.to_string(), "{error:?}");
        let key = bad.split(' ').next().expect("a key");
        assert!(context(&error, "field").ends_with(&format!(".{key}")), "{error:?}");
    }
}

#[test]
fn what_is_missing_is_named_and_nothing_else_is_blamed() {
    let error = refusal(&GOOD.replacen("project = \"semantest\"\n\n", "", 1));
    assert_eq!((context(&error, "field").as_str(), context(&error, "line").as_str()), ("project", "1"));
    let error = refusal(&GOOD.replacen("provider = \"local\"", "region = \"x\"", 1));
    assert_eq!(context(&error, "field"), "environments.dev.provider");
    assert_eq!(context(&error, "line"), "4");
}

#[test]
fn fields_are_found_however_they_are_written() {
    let text = "project = \"p\"\nenvironments.dev = {\n  provider = \"local\",\n}\n[components]\n\
                rest-api.functions = { a = { handler = \"x\" },\n  b = { routes = [] } } # = [no.table]\n";
    let locations = Locations::of(text);
    let fields = [
        ("project", 1),
        ("environments.dev.provider", 3),
        ("components.rest-api.functions.a.handler", 6),
        ("components.rest-api.functions.b.routes", 7),
        ("components.rest-api.functions.b.memory_mb", 7),
        ("components.other", 5),
    ];
    for (field, line) in fields {
        assert_eq!(locations.line(field), Some(line), "{field}");
    }
    assert_eq!(locations.line("nothing"), None);
}

#[test]
fn an_error_of_the_core_points_at_the_override_or_at_nothing_where_the_request_says_it() {
    let file = parse(GOOD).expect("a good file");
    let error = || Error::new(ErrorKind::InvalidProject, "test", "wrong").with("field", "memory_mb");
    let mut request = DeploymentRequested {
        component: "rest-api".into(),
        environment: "production".into(),
        ..DeploymentRequested::default()
    };
    let located = file.locate(error(), &request);
    assert_eq!(context(&located, "field"), "environments.production.components.rest-api.memory_mb");
    assert_eq!(located.message(), "/p/semantest.toml, line 25: wrong");
    request.configuration.insert("memory_mb".into(), json!(1));
    assert_eq!(context(&file.locate(error(), &request), "file"), "", "the file is not to blame");
    request.configuration.clear();
    let code = Error::new(ErrorKind::InvalidProject, "test", "no such folder").with("code", "rest-api");
    assert_eq!(context(&file.locate(code, &request), "field"), "components.rest-api.code");
}

#[test]
fn what_is_not_utf_8_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(FILE_NAME), b"project = \"p\"\n\n# \xff\n").expect("a file");
    let error = ProjectFile::load(folder.path()).expect_err("not UTF-8");
    assert_eq!(context(&error, "line"), "3", "{error:?}");
}

#[test]
fn a_file_with_an_error_is_read_as_far_as_it_names_its_project() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = |text: &str| {
        fs::write(folder.path().join(FILE_NAME), text).expect("a file");
        ProjectFile::load_leniently(folder.path())
    };
    assert!(read(GOOD).expect("a good file").problem().is_none());
    let file = read(&GOOD.replacen("memory_mb = 512", "memory_mb = -5", 1)).expect("as far as it goes");
    assert!(file.problem().is_some_and(|problem| problem.message().contains("memory_mb")));
    assert_eq!(
        (file.name(), file.environments()),
        ("semantest", vec!["dev".to_owned(), "production".to_owned()])
    );
    assert_eq!(file.components(), ["rest-api", "websocket"], "that they are there is known");
    assert_eq!(read("project = \"shop\"\n[components\n").expect("its name").name(), "shop");
    assert!(read("[components]\n").is_err(), "a project has a name");
}
