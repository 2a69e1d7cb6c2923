//! Several components with one command: side by side, told apart, and each with its own end.

use crate::program::Project;
use serde_json::{Value, json};

const COMPONENTS: [&str; 5] = ["alpha", "beta", "delta", "gamma", "rest-api"];

fn project() -> Project {
    let project = Project::init("python");
    let mut text = std::fs::read_to_string(project.file("semantest.toml")).expect("a file");
    for name in &COMPONENTS[..4] {
        text.push_str(&format!(
            "\n[components.{name}]\nkind = \"rest-api\"\ncode = \"rest-api\"\nruntime = \"python3.12\"\n\
             handler = \"app.handler\"\n"
        ));
    }
    project.write("semantest.toml", &text);
    project
}

fn fields<'a>(answer: &'a Value, key: &str) -> Vec<&'a str> {
    let deployments = answer["deployments"].as_array().expect("deployments");
    deployments.iter().filter_map(|one| one[key].as_str()).collect()
}

#[test]
fn components_are_deployed_and_destroyed_side_by_side() {
    let project = project();
    for round in 0..3 {
        let deployed = project.json(&["deploy"]);
        let answer = deployed.ok();
        assert_eq!(fields(&answer, "component"), COMPONENTS, "in their order");
        assert_eq!(fields(&answer, "status"), ["deployed"; 5]);
        for name in COMPONENTS {
            let line = format!("  creating {name} function.{name}");
            assert!(deployed.stderr.contains(&line), "no `{line}` in:\n{}", deployed.stderr);
        }
        let gone = project.json(&["destroy", "--yes"]).ok();
        assert_eq!(fields(&gone, "status"), ["removed"; 5], "{gone:#}");
        assert_eq!(gone["changes"]["deleted"], 10, "round {round}");
    }
    let events = project.json(&["events", "--from", "0", "--limit", "1000"]).ok();
    let names = events["events"].as_array().expect("events").iter();
    let names: Vec<&str> = names.filter_map(|one| one["type"].as_str()?.rsplit('.').next()).collect();
    let place = |wanted: &str, nth| {
        let mut all = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(at, _)| at);
        all.nth(nth).expect(wanted)
    };
    assert!(place("DeploymentStarted", 1) < place("InfrastructureUpdated", 0), "they overlap");
}

#[test]
fn of_one_component_progress_says_no_more_than_before() {
    let project = project();
    let said = project.run(&["deploy", "--component", "alpha"]).stderr;
    assert!(said.contains("  creating function.alpha"), "{said}");
}

#[test]
fn what_cannot_be_done_with_one_keeps_nothing_from_the_others() {
    let project = project();
    project.replace(
        "semantest.toml",
        "[components.beta]\nkind = \"rest-api\"",
        "[components.beta]\nkind = \"websocket\"\ncors = {}",
    );
    let ran = project.json(&["deploy"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let answer = ran.json();
    assert_eq!(fields(&answer, "component"), COMPONENTS);
    assert_eq!(fields(&answer, "status"), ["deployed", "failed", "deployed", "deployed", "deployed"]);
    assert_eq!(answer["error"]["context"]["component"], json!("beta"));
}
