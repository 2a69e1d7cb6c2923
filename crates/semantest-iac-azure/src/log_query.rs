//! Logs of functions, asked for in the Log Analytics workspace that Application Insights keeps them in.

use azure_core::http::Method;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::provider::LogLine;
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arm::Body;
use crate::clients::Clients;

/// Of Log Analytics.
const API: &str = "v1";

/// So many rows an answer has at most.
///
/// Source: Azure Monitor documentation, "Azure Monitor service limits", Log Analytics query API.
const MOST_ROWS: usize = 500_000;

/// A line with what tells it from every other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub id: String,
    /// When the workspace had it: what comes late has an old time of its own.
    pub ingested_ms: i64,
    pub line: LogLine,
}

/// What the shim writes for each line of a handler.
#[derive(Deserialize)]
struct Written {
    function_name: String,
    #[serde(default)]
    request_id: Option<String>,
    message: String,
}

/// Lines of `function` that the workspace took in since then, oldest first; at most `limit`, the newest.
///
/// # Errors
/// Those of the call.
pub(crate) async fn lines(
    azure: &Clients,
    workspace: &str,
    function: &str,
    since_ms: i64,
    limit: usize,
) -> Result<Vec<Found>> {
    let scope = format!("{}/.default", azure.settings().cloud.log_analytics());
    let client = azure.caller.service(azure.log_analytics(), Some(&scope))?;
    let body = json!({ "query": query(function, since_ms, limit)? });
    let path = format!("/{API}/workspaces/{workspace}/query");
    let sent = client.send(Method::Post, &path, &[], Body::Json(&body)).await;
    let answer = match sent {
        Ok(answer) => answer.json(),
        // Nothing was ever written: its table is made with the first line.
        Err(failure) if failure.says(&["failed to resolve table", "could not be resolved"]) => {
            return Ok(Vec::new());
        }
        Err(failure) => return Err(failure.into_error("query Log Analytics")),
    };
    Ok(rows(&answer).into_iter().filter(|found| found.line.function_name == function).collect())
}

fn query(function: &str, since_ms: i64, limit: usize) -> Result<String> {
    let since = Timestamp::from_millisecond(since_ms)
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "azure.logs", "there are no logs of such a time"))?;
    let limit = limit.min(MOST_ROWS);
    // As the shim writes it; a name has letters, digits and dashes only.
    let start = format!(r#"{{"function_name":"{function}""#).replace('\\', r"\\").replace('\'', r"\'");
    Ok(format!(
        "AppTraces | extend Ingested = ingestion_time() | where Ingested >= datetime({since}) \
         | where Message startswith_cs '{start}' | top {limit} by TimeGenerated desc \
         | project TimeGenerated, Ingested, Message, Id = tostring(_ItemId) | order by TimeGenerated asc"
    ))
}

fn rows(answer: &Value) -> Vec<Found> {
    let table = &answer["tables"][0];
    let columns: Vec<&str> =
        table["columns"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    let at = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(time), Some(message)) = (at("TimeGenerated"), at("Message")) else { return Vec::new() };
    let text =
        |row: &Value, at: Option<usize>| at.and_then(|at| row[at].as_str()).unwrap_or_default().to_owned();
    let rows = table["rows"].as_array().into_iter().flatten();
    let mut found: Vec<Found> = rows
        .filter_map(|row| {
            let time: Timestamp = text(row, Some(time)).parse().ok()?;
            let written: Written = serde_json::from_str(&text(row, Some(message))).ok()?;
            let ingested: Option<Timestamp> = text(row, at("Ingested")).parse().ok();
            let id = Some(text(row, at("Id"))).filter(|id| !id.is_empty());
            Some(Found {
                id: id.unwrap_or_else(|| written.message.clone()),
                ingested_ms: ingested.unwrap_or(time).as_millisecond(),
                line: LogLine {
                    time,
                    function_name: written.function_name,
                    request_id: written.request_id.filter(|id| !id.is_empty()),
                    replica: None,
                    message: written.message.trim_end().to_owned(),
                },
            })
        })
        .collect();
    found.sort_by_key(|found| found.line.time);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_the_names_of_their_columns() {
        let message = r#"{"function_name":"shop","request_id":"7a1e","message":"hello\n"}"#;
        let answer = json!({ "tables": [{ "name": "PrimaryResult",
            "columns": [{ "name": "Message", "type": "string" }, { "name": "TimeGenerated", "type": "datetime" }],
            "rows": [[message, "2026-11-30T21:00:00.1234567Z"], ["something else", "2026-11-30T21:00:00Z"]],
        }]});
        let found = rows(&answer);
        assert_eq!(found.len(), 1, "what is no line of a handler is none");
        let line = &found[0].line;
        assert_eq!((line.function_name.as_str(), line.message.as_str()), ("shop", "hello"));
        assert_eq!(line.request_id.as_deref(), Some("7a1e"));
    }

    #[test]
    fn a_query_asks_for_one_function_since_a_time() {
        let query = query("shop-dev", 0, 100).expect("a query");
        assert!(query.contains(r#"startswith_cs '{"function_name":"shop-dev"'"#), "{query}");
        assert!(query.contains("datetime(1970-01-01T00:00:00Z)"), "{query}");
        let all = super::query("shop-dev", 0, usize::MAX).expect("a query");
        assert!(all.contains("top 500000 by"), "numbers of the query language are signed: {all}");
    }
}
