//! A real deployment on `local`.

use std::path::Path;

use serde_json::Value;

use super::rows::folder;
use super::subject::{Endpoint, Subject};
use crate::program::Project;

/// The functions of the table, deployed.
pub struct Ours {
    project: Project,
    deployed: Value,
}

impl Ours {
    /// Deploys them.
    pub fn deploy() -> Self {
        let mut project = Project::empty();
        project.environment.push(("PARITY_MACHINE", "none of the functions' business".to_owned()));
        std::fs::create_dir(project.file("code")).expect("a folder");
        for file in std::fs::read_dir(folder().join("code")).expect("code").flatten().filter(is_file) {
            std::fs::copy(file.path(), project.file("code").join(file.file_name())).expect("a copy");
        }
        project.copy(&folder().join("layers"), "layers");
        copied(&folder().join("semantest.toml"), &project.file("semantest.toml"));
        let deployed = project.json(&["deploy"]).ok();
        Self { project, deployed }
    }
}

fn is_file(entry: &std::fs::DirEntry) -> bool {
    entry.path().is_file()
}

fn copied(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
}

impl Subject for Ours {
    fn endpoint(&self, api: &str) -> Endpoint {
        let all = self.deployed["deployments"].as_array().expect("deployments");
        let one = all.iter().find(|one| one["component"] == api).expect("the API");
        let address = one["endpoint"].as_str().and_then(|url| url.split_once("://")).expect("an endpoint").1;
        let (host, stage) = address.split_once('/').unwrap_or((address, ""));
        let port = host.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let stage = if stage.is_empty() { String::new() } else { format!("/{stage}") };
        Endpoint { port, stage }
    }

    fn invoke(&self, function: &str, event: &Value) -> (bool, String) {
        let data = event.to_string();
        let arguments = ["invoke", "--component", "api", "--function", function, "--data", &data];
        let answer = self.project.json(&arguments).json();
        (answer["error_type"].is_string(), answer["payload"].to_string())
    }

    fn mark(&self, function: &str) -> usize {
        self.lines(function).len()
    }

    fn log(&self, function: &str, since: usize) -> String {
        self.lines(function).get(since..).unwrap_or_default().join("\n")
    }
}

impl Ours {
    fn lines(&self, function: &str) -> Vec<String> {
        let arguments = ["logs", "--component", "api", "--function", function, "--limit", "10000"];
        let answer = self.project.json(&arguments).ok();
        let lines = answer["lines"].as_array().expect("lines").iter();
        lines.filter_map(|line| line["message"].as_str().map(str::to_owned)).collect()
    }
}
