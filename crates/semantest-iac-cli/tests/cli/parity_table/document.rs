//! The table as a page of the documentation.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::rows::{Topic, pages};

/// What a cell says of a difference at most, in characters.
pub const LONGEST: usize = 110;

/// What another program did with each row's case, when it was there.
#[derive(Serialize, Deserialize)]
pub struct Recorded {
    /// Its version.
    pub version: String,
    /// When, as `YYYY-MM-DD`.
    pub date: String,
    /// The first difference from AWS by what the row says; `null` where there was none. Rows that are new since are not here.
    pub differences: BTreeMap<String, Option<String>>,
}

/// The page.
pub fn rendered(topics: &[Topic], ours: &BTreeMap<String, Option<String>>, peer: &Recorded) -> String {
    let rows = || topics.iter().flat_map(|topic| &topic.rows);
    let count = rows().count();
    let as_on_aws = |of: &BTreeMap<String, Option<String>>| {
        rows().filter(|row| of.get(&row.says).is_some_and(Option::is_none)).count()
    };
    let mut page = format!(
        "# What AWS documents, and what runs here\n\n\
         Written by `cargo xtask parity`, which runs the case of every row (`tests/vectors/parity/table`) against a real deployment on\n\
         `local`; a test of the gate does the same and compares. serverless-offline {} was asked on {}, where it was installed;\n\
         what it did is kept in `tests/vectors/parity/table/serverless-offline.json`.\n\n\
         Of {count} rows `local` does {} as AWS does; serverless-offline {} of the {} that it was asked.\n",
        peer.version,
        peer.date,
        as_on_aws(ours),
        as_on_aws(&peer.differences),
        rows().filter(|row| peer.differences.contains_key(&row.says)).count()
    );
    let pages = pages();
    for topic in topics {
        let heads = "| on AWS | page | `local` | serverless-offline |\n|---|---|---|---|";
        let _ = write!(page, "\n## {}\n\n{heads}\n", topic.topic);
        for row in &topic.rows {
            let (title, address) = &pages[&row.page];
            let mut here = cell(ours.get(&row.says));
            if let Some(why) = &row.ours {
                let _ = write!(here, ": {why}");
            }
            let there = cell(peer.differences.get(&row.says));
            let says = row.says.replace('|', "\\|");
            let _ = writeln!(page, "| {says} | [{title}]({address}) | {here} | {there} |");
        }
    }
    page
}

fn cell(difference: Option<&Option<String>>) -> String {
    match difference {
        None => "not run".to_owned(),
        Some(None) => "yes".to_owned(),
        Some(Some(text)) => {
            let plain: String = text.trim_start_matches('.').replace(['`', '\n'], " ");
            let short: String = plain.chars().take(LONGEST).collect();
            let more = if short.len() < plain.len() { "…" } else { "" };
            format!("no: `{}{more}`", short.replace('|', "\\|"))
        }
    }
}
