//! What the host runs and no log tells of: listed, and taken away.

use crate::program::Project;
use serde_json::{Value, json};

/// A project whose host runs a component and whose log is lost.
fn without_its_log() -> Project {
    let project = Project::init("python");
    project.json(&["deploy"]).ok();
    for entry in std::fs::read_dir(project.file(".semantest")).expect("the state").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("events.db") {
            std::fs::rename(entry.path(), project.file(&name.to_string_lossy())).expect("moved");
        }
    }
    project
}

fn discovered(project: &Project) -> Vec<Value> {
    project.json(&["discover"]).ok()["orphans"].as_array().expect("orphans").clone()
}

#[test]
fn what_no_log_tells_of_is_listed_and_taken_away() {
    let project = without_its_log();
    assert_eq!(project.json(&["status"]).ok()["deployments"], json!([]));
    let found = discovered(&project);
    let kinds: Vec<&str> = found.iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, ["local.http_api", "local.function"]);
    assert!(found.iter().all(|one| one["deployment"] == "shop/dev/rest-api" && one["provider"] == "local"));
    let listed = project.run(&["discover"]).stdout;
    assert!(listed.contains("shop/dev/rest-api on local"), "{listed}");
    assert!(listed.contains("- local.function function.rest-api shop-dev-rest-api\n"), "{listed}");

    let refused = project.run(&["destroy", "--orphans"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("the orphans of rest-api in dev away: say --yes"), "{}", refused.stderr);
    assert_eq!(discovered(&project).len(), 2);

    let gone = project.json(&["destroy", "--orphans", "--yes"]).ok();
    assert_eq!((&gone["status"], &gone["changes"]["deleted"]), (&json!("removed"), &json!(2)));
    assert!(discovered(&project).is_empty());
    assert!(project.run(&["discover"]).stdout.starts_with("no orphans: "));
    assert_eq!(project.json(&["doctor"]).ok()["ok"], true);
    let again = project.json(&["destroy", "--orphans", "--yes"]).ok();
    assert_eq!((&again["status"], &again["deployments"]), (&json!("unchanged"), &json!([])));
    assert_eq!(project.run(&["destroy", "--orphans"]).stdout.trim(), "there is no orphan in dev");
    assert_eq!(project.json(&["deploy"]).ok()["changes"]["created"], 2);
}

#[test]
fn a_deployed_component_is_none() {
    let project = Project::init("python");
    project.json(&["deploy"]).ok();
    assert!(discovered(&project).is_empty());
    let none = project.json(&["destroy", "--orphans", "--yes"]).ok();
    assert_eq!(none["status"], "unchanged");
    assert_eq!(project.json(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn progress_tells_of_what_goes_and_not_of_what_comes_into_the_log() {
    let project = without_its_log();
    let said = project.run(&["destroy", "--orphans", "--yes"]).stderr;
    assert!(said.contains("deleting orphan.function."), "{said}");
    assert!(!said.contains("creating") && !said.contains("adopted"), "{said}");
    let history = project.run(&["history", "--component", "rest-api"]).stdout;
    assert!(history.contains("OrphanRemovalRequested"), "{history}");
}
