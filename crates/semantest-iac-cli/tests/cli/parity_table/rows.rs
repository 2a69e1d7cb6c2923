//! The rows of the table, as `tests/vectors/parity/table` has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A behaviour on AWS, the page that tells of it, and a case in which it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The behaviour, in words.
    pub says: String,
    /// Its page, by its name in `pages.json`.
    pub page: String,
    /// What is done.
    pub case: Value,
    /// A pattern of what comes of it.
    pub expect: Value,
    /// Why it is otherwise on `local`; then it must be.
    pub ours: Option<String>,
}

/// Rows about one thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What they are about.
    pub topic: String,
    /// In the order of the table.
    pub rows: Vec<Row>,
}

/// The order in which topics stand in the table.
const TOPICS: [&str; 9] =
    ["events", "responses", "routes", "cors", "urls", "functions", "layers", "errors", "websockets"];

/// The folder of rows, code and projects.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/parity/table")
}

fn read<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let text = std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All rows.
pub fn topics() -> Vec<Topic> {
    TOPICS.iter().map(|name| read(&format!("rows/{name}.json"))).collect()
}

/// Title and address of each page of AWS's documentation.
pub fn pages() -> BTreeMap<String, (String, String)> {
    read("pages.json")
}
