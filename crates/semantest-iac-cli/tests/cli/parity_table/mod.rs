//! The parity table: what AWS documents is what `local` does, row by row, and `docs/parity.md` says so.
//!
//! `cargo xtask parity` runs this with `SEMANTEST_PARITY=write`: then the page is written, and what serverless-offline does is
//! recorded anew where it is installed.

mod document;
mod ours;
mod rows;
mod serverless_offline;
mod socket;
mod subject;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use document::{Recorded, rendered};
use rows::Topic;
use subject::{Subject, difference};

fn differences(subject: &dyn Subject, topics: &[Topic]) -> BTreeMap<String, Option<String>> {
    let rows = topics.iter().flat_map(|topic| &topic.rows);
    rows.map(|row| (row.says.clone(), difference(subject, row))).collect()
}

fn record_file() -> PathBuf {
    rows::folder().join("serverless-offline.json")
}

/// Asks serverless-offline and keeps what it did.
fn record(modules: &Path, topics: &[Topic]) {
    let peer = serverless_offline::ServerlessOffline::start(modules);
    // Where it stood is nobody's business.
    let real = modules.canonicalize().expect("the modules are there").display().to_string();
    let modules_at = modules.display().to_string();
    let folder = std::env::temp_dir().display().to_string();
    let short = |text: String| {
        let text = text.replace(&modules_at, "").replace(&real, "").replace(&folder, "");
        text.chars().take(document::LONGEST + 1).collect()
    };
    let rows = topics.iter().flat_map(|topic| &topic.rows);
    let differences: BTreeMap<String, Option<String>> =
        rows.map(|row| (row.says.clone(), peer.verdict(row))).collect();
    let recorded = Recorded {
        version: serverless_offline::version(modules),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        differences: differences.into_iter().map(|(says, text)| (says, text.map(short))).collect(),
    };
    let text = serde_json::to_string_pretty(&recorded).expect("JSON");
    std::fs::write(record_file(), text + "\n").expect("the record");
}

#[test]
fn every_row_of_the_table_is_as_the_table_says() {
    let topics = rows::topics();
    let says: Vec<&str> = topics.iter().flat_map(|topic| &topic.rows).map(|row| row.says.as_str()).collect();
    assert!(says.len() >= 60, "{} rows", says.len());
    assert_eq!(says.iter().collect::<BTreeSet<_>>().len(), says.len(), "every row says something else");
    let write = std::env::var_os("SEMANTEST_PARITY").is_some_and(|what| what == "write");
    if let Some(modules) = serverless_offline::installed().filter(|_| write) {
        record(&modules, &topics);
    }
    let ours = differences(&ours::Ours::deploy(), &topics);
    let rows = topics.iter().flat_map(|topic| &topic.rows);
    let wrong: Vec<String> = rows
        .filter(|row| ours[&row.says].is_some() != row.ours.is_some())
        .map(|row| {
            format!("{}: {}", row.says, ours[&row.says].as_deref().unwrap_or("it is as on AWS after all"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let recorded = std::fs::read(record_file()).expect("the record");
    let page = rendered(&topics, &ours, &serde_json::from_slice(&recorded).expect("JSON"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/parity.md");
    if write {
        std::fs::write(file, page).expect("the page");
        return;
    }
    let is = std::fs::read_to_string(file).unwrap_or_default();
    assert!(is == page, "docs/parity.md is out of date: run `cargo xtask parity`");
}
