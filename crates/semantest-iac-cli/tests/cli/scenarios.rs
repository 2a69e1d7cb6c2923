//! The stories of `tests/vectors/scenarios.json`, told to Rust's front door: the facade. Their form:
//! `tests/vectors/README.md`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use crate::story::{Teller, pattern};
use serde_json::Value;

/// The name of a story, for a process that is to tell this one.
const STORY: &str = "SEMANTEST_TELL_STORY";
/// Before what such a process finds wrong.
const WRONG: &str = "not as told: ";

fn vectors(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).expect("the file");
    serde_json::from_str(&text).expect("JSON")
}

fn stories(told: &Value) -> &Vec<Value> {
    told["stories"].as_array().expect("stories")
}

#[test]
fn every_story_goes_as_told() {
    let told = vectors("scenarios.json");
    if let Ok(name) = std::env::var(STORY) {
        let story = stories(&told).iter().find(|story| story["name"] == name.as_str());
        let ended = Teller::new(&told, story.expect("the story")).tell();
        return ended.unwrap_or_else(|wrong| panic!("{WRONG}{wrong}"));
    }
    let wrong: Vec<String> = stories(&told).iter().filter_map(wrong_with).collect();
    assert!(wrong.is_empty(), "{} stories do not go as told:\n{}", wrong.len(), wrong.join("\n"));
}

/// Tells a story in a process of its own, which has the story's environment variables.
fn wrong_with(story: &Value) -> Option<String> {
    let name = story["name"].as_str().expect("a name");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "every_story_goes_as_told", "--nocapture"]);
    command.env(STORY, name).env("RUST_BACKTRACE", "0");
    for (variable, value) in story["environment"].as_object().into_iter().flatten() {
        command.env(variable, value.as_str().expect("text"));
    }
    let Output { status, stdout, stderr } = command.output().expect("this program runs");
    let wrong = (!status.success()).then(|| {
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        let wrong = said.lines().find_map(|line| line.strip_prefix(WRONG)).map(str::to_owned);
        format!("{name}: {}", wrong.unwrap_or(said))
    });
    // Straight to the terminal: what is printed is shown of failing tests only.
    let ended = if wrong.is_none() { "ok" } else { "FAILED" };
    let _ = writeln!(std::io::stderr(), "story: {name} ... {ended}");
    wrong
}

#[test]
fn the_stories_are_well_formed() {
    let (told, schema) = (vectors("scenarios.json"), vectors("scenarios.schema.json"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(&told)
        .map(|error| {
            format!("{}: {}", error.instance_path(), error.to_string().chars().take(300).collect::<String>())
        })
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let mut names = BTreeMap::<&str, usize>::new();
    for story in stories(&told) {
        *names.entry(story["name"].as_str().expect("a name")).or_default() += 1;
        let project = story["project"].as_str().expect("a project");
        assert!(told["projects"].get(project).is_some(), "there is no project {project}");
    }
    names.retain(|_, times| *times > 1);
    assert!(names.is_empty(), "names that several stories have: {names:?}");
}

#[test]
fn patterns_fit_what_they_should() {
    for one in vectors("scenarios.json")["patterns"].as_array().expect("patterns") {
        let found = pattern::differs(&one["pattern"], &one["value"], &mut BTreeMap::new(), "it");
        assert_eq!(found.is_none(), one["fits"].as_bool().expect("a flag"), "{one}: {found:?}");
    }
}
