//! Bootstraps of `provided` runtimes that are written with AWS's own clients, in Rust and in Go.
//!
//! `cargo xtask tools` builds them from `tests/tools/provided` and says where in `SEMANTEST_TOOLS`.

use std::path::PathBuf;

use crate::program::{self, Project};
use serde_json::{Value, json};

/// A deployed function that is the program of this language.
fn deployed(language: &str) -> (Project, String) {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    let tools = tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`");
    let bootstrap = tools.join("provided").join(language).join("bootstrap");
    let project = Project::init("python");
    std::fs::remove_file(project.file("rest-api/app.py")).expect("removed");
    std::fs::copy(&bootstrap, project.file("rest-api/bootstrap"))
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask tools`", bootstrap.display()));
    project.replace("semantest.toml", "runtime = \"python3.12\"", "runtime = \"provided.al2023\"");
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    (project, endpoint)
}

fn invoked(project: &Project, word: &str) -> Value {
    project.json(&["invoke", "--data", &json!(word).to_string()]).json()
}

fn behaves_as_on_aws(language: &str) {
    let (project, endpoint) = deployed(language);
    let (status, body) = program::get(&endpoint, "/some/path");
    assert_eq!((status, body.as_str()), (201, "GET /some/path"), "{language}");
    assert_eq!(invoked(&project, "anything")["payload"], json!({ "got": "anything" }));

    let told = invoked(&project, "context");
    let (id, name) = (told["request_id"].clone(), "shop-dev-rest-api");
    let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{name}");
    assert_eq!(
        told["payload"],
        json!({ "request_id": id, "arn": arn, "deadline": true, "name": name, "memory": 256, "variable": "hello" })
    );

    for (word, error_type, message) in
        [("error", "errorString", "failed on purpose"), ("typed", "teapot", "short and stout")]
    {
        let failed = invoked(&project, word);
        // Neither client tells the host of the type but in the payload.
        assert!(failed["error_type"].is_string(), "{failed}");
        let payload = json!({ "errorType": error_type, "errorMessage": message });
        assert_eq!(failed["payload"], payload, "{language}");
    }
    let panicked = invoked(&project, "panic");
    let payload = panicked["payload"].to_string();
    assert!(panicked["error_type"].is_string() && payload.contains("panicked on purpose"), "{panicked}");
    assert_eq!(invoked(&project, "again")["payload"], json!({ "got": "again" }), "it goes on after a panic");

    let printed = invoked(&project, "print");
    let lines = printed["logs"].as_array().expect("lines");
    let line = lines.iter().find(|line| line["message"] == "printed by the program");
    assert_eq!(line.expect("the line")["request_id"], printed["request_id"]);
}

#[test]
fn a_bootstrap_in_rust_behaves_as_on_aws() {
    behaves_as_on_aws("rust");
}

#[test]
#[ignore = "needs Go; `cargo xtask test` runs it where there is one"]
fn a_bootstrap_in_go_behaves_as_on_aws() {
    behaves_as_on_aws("go");
}
