//! TypeScript handlers on this machine: run as they are, where Node.js does that.

use std::path::PathBuf;

use crate::program::{Project, get};
use serde_json::{Value, json};

/// A Node.js that leaves types out; `cargo xtask tools` installs it, and says where in `SEMANTEST_TOOLS`.
fn node_22() -> PathBuf {
    let tools = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    let tools = tools.expect("SEMANTEST_TOOLS is not set: run these tests with `cargo xtask test`");
    let folder = tools.join("node22/node_modules/.bin");
    assert!(folder.join("node").exists(), "{} has no node: run `cargo xtask tools`", folder.display());
    folder
}

/// A project with this code, and with that Node.js first on its PATH.
fn project(files: &[(&str, &str)]) -> Project {
    let mut project = Project::init("node");
    std::fs::remove_file(project.file("rest-api/index.mjs")).expect("removed");
    files.iter().for_each(|(file, code)| project.write(&format!("rest-api/{file}"), code));
    let path = std::env::var("PATH").expect("a PATH");
    project.environment = vec![("PATH", format!("{}:{path}", node_22().display()))];
    project
}

fn logged(project: &Project) -> String {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines");
    lines.iter().filter_map(|line| line["message"].as_str()).collect::<Vec<_>>().join("\n")
}

const MODULE: &str = r#"
import { greet, type Greeting } from "./greet.ts";
const name: string = await Promise.resolve("module");
export const handler = async (event: { n: number }): Promise<Greeting> => greet(name, event.n satisfies number);
"#;
const GREET: &str = r#"
export interface Greeting { ready: string; n: number }
export const greet = (ready: string, n: number): Greeting => ({ ready, n });
"#;
const COMMON: &str = r#"
const { basename }: typeof import("node:path") = require("node:path");
module.exports.handler = async (event: { n: number }) => ({ ready: basename("/a/common" as string), n: event.n });
"#;

#[test]
fn typescript_handlers_of_every_style_run_as_they_are() {
    let cases: [(&str, &[(&str, &str)]); 4] = [
        ("module", &[("index.ts", MODULE), ("greet.ts", GREET)]),
        ("module", &[("index.mts", MODULE), ("greet.ts", GREET)]),
        ("common", &[("index.cts", COMMON)]),
        ("common", &[("index.ts", COMMON)]),
    ];
    for (wanted, files) in cases {
        let project = project(files);
        project.json(&["deploy"]).ok();
        let payload = project.json(&["invoke", "--data", "{\"n\":5}"]).ok()["payload"].clone();
        assert_eq!(payload, json!({ "ready": wanted, "n": 5 }), "{files:?}");
    }
}

#[test]
fn what_is_compiled_is_taken_before_its_source() {
    let compiled = "exports.handler = async () => 'compiled';";
    let project =
        project(&[("index.ts", "export const handler = async () => 'source';"), ("index.js", compiled)]);
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["invoke"]).ok()["payload"], "compiled");
}

#[test]
fn wrong_typescript_is_told_of_with_its_file_and_line() {
    let project = project(&[("index.ts", "export const handler = async (event: ) => 1;\n")]);
    let endpoint = project.json(&["deploy"]).ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(get(&endpoint, "/x").0, 500);
    let invoked = project.json(&["invoke"]);
    assert_eq!((invoked.code, &invoked.json()["error_type"]), (1, &json!("Runtime.UserCodeSyntaxError")));
    assert!(logged(&project).contains("index.ts:1"), "{}", logged(&project));

    // What is more than types has to be compiled; Node says so.
    project
        .write("rest-api/index.ts", "enum Colour { Red }\nexport const handler = async () => Colour.Red;\n");
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["invoke"]).json()["error_type"], "Runtime.UserCodeSyntaxError");
    assert!(logged(&project).contains("enum is not supported in strip-only mode"), "{}", logged(&project));
}

#[test]
fn a_node_that_does_not_run_typescript_is_told_of_at_deploy_and_another_one_goes_on() {
    let mut project =
        project(&[("index.ts", "export const handler = async (): Promise<string> => 'typed';")]);
    project.environment.push(("NODE_OPTIONS", "--no-experimental-strip-types".into()));
    let refused = project.json(&["deploy"]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    for said in ["index.ts", "Node.js 22.18 or later", "compile it"] {
        assert!(refused.stdout.contains(said), "{said}: {}", refused.stdout);
    }
    project.environment.pop();
    project.json(&["deploy"]).ok();
    assert_eq!(project.json(&["invoke"]).ok()["payload"], "typed");
}

#[test]
fn clouds_refuse_typescript_before_anything_is_made() {
    let project = project(&[("index.ts", "export const handler = async () => 1;")]);
    let toml = std::fs::read_to_string(project.file("semantest.toml")).expect("a project");
    let clouds = "[environments.a]\nprovider = \"aws\"\nregion = \"eu-west-1\"\n\n\
                  [environments.b]\nprovider = \"azure\"\nregion = \"westeurope\"\n\n";
    project.write("semantest.toml", &toml.replacen("[environments", &format!("{clouds}[environments"), 1));
    for environment in ["a", "b"] {
        for verb in ["plan", "deploy"] {
            let refused = project.json(&[verb, "--environment", environment]);
            let error = error_of(&refused.json());
            assert!(error.contains("index.ts") && error.contains("compile it"), "{error}");
            assert!(error.contains("semantest.toml, line"), "{error}");
        }
        assert_eq!(project.json(&["status", "--environment", environment]).ok()["deployments"], json!([]));
    }
}

fn error_of(answer: &Value) -> String {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}")).to_owned()
}
