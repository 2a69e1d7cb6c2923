//! Direct calls of functions, and their logs.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::Method;
use bytes::Bytes;
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::provider::{FunctionAccess, InvokeAnswer, InvokeRequest, LogPage, LogQuery};
use semantest_iac_core::{Error, ErrorKind, Result, Retry};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::arm::Body;
use crate::clients::Clients;
use crate::container_app;
use crate::function;
use crate::function_app::API_VERSION;
use crate::log_query::{self, Found};
use crate::provider::AzureProvider;
use crate::resource_kind::read;

/// Where the app takes direct calls.
const INVOKE_PATH: &str = "/_semantest/invoke/";

/// Between two looks for new lines: they take a minute or two to arrive.
const POLL: Duration = Duration::from_secs(5);

/// Without a time to begin at, lines of the last day are looked for.
const LOOK_BACK_MS: i64 = 24 * 3600 * 1000;

/// The workspace does not take lines in in order: a look begins this much before the last that was seen.
const LATENESS_MS: i64 = 60_000;

#[async_trait]
impl FunctionAccess for AzureProvider {
    async fn invoke(&self, request: &InvokeRequest) -> Result<InvokeAnswer> {
        let azure = self.clients()?;
        let function: function::Inputs = read(&request.function)?;
        let key = key(azure, &function.app).await?;
        let headers = [("x-functions-key", key)];
        let body = Body::Bytes(Bytes::from(request.payload.get().to_owned()), "application/json");
        let client = azure.caller.once(&function.app_endpoint)?;
        let path = format!("{INVOKE_PATH}{}", function.role);
        let begun = Instant::now();
        let sent = client.send(Method::Post, &path, &headers, body).await;
        // A function is called once: a second call is the user's to make.
        let once = |error: Error| error.with_retry(Retry::Never);
        let answer = sent.map_err(|failure| once(failure.into_error("invoke")))?;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let text = if text.is_empty() { "null".to_owned() } else { text };
        let payload = RawValue::from_string(text).map_err(|error| {
            Error::new(ErrorKind::Provider, "azure.invoke", format!("the answer is no JSON: {error}"))
        })?;
        let failed = answer.header("x-semantest-function-error").map(str::to_owned);
        let duration = answer.header("x-semantest-duration-ms").and_then(|text| text.parse().ok());
        Ok(InvokeAnswer {
            request_id: answer.header("x-semantest-request-id").unwrap_or_default().to_owned(),
            error_type: failed.map(|kind| error_type(&payload).unwrap_or(kind)),
            payload,
            duration_ms: duration.or(Some(took)),
            logs: Vec::new(),
        })
    }

    async fn logs(&self, query: &LogQuery) -> Result<LogPage> {
        let azure = self.clients()?;
        if query.function.kind == container_app::WORD {
            return Err(Error::new(ErrorKind::Unsupported, "azure.logs", container_app::LOGS));
        }
        let function: function::Inputs = read(&query.function)?;
        let mut cursor = match &query.cursor {
            Some(text) => Cursor::read(text)?,
            None => Cursor::since(query.since),
        };
        let until = Instant::now() + query.wait;
        let (workspace, name) = (&function.workspace, &function.function_name);
        if !query.wait.is_zero() {
            // Whoever follows comes back more often than there is something new.
            let pause = cursor.pause();
            tokio::time::sleep(pause.min(query.wait)).await;
            if pause > query.wait {
                return Ok(LogPage { lines: Vec::new(), cursor: cursor.text() });
            }
        }
        loop {
            cursor.asked = Timestamp::now().as_millisecond();
            let found = log_query::lines(azure, workspace, name, cursor.from, query.limit).await?;
            let lines: Vec<_> =
                found.into_iter().filter(|found| cursor.take(found)).map(|one| one.line).collect();
            cursor.advance();
            if !lines.is_empty() || Instant::now() >= until {
                return Ok(LogPage { lines, cursor: cursor.text() });
            }
            tokio::time::sleep(POLL.min(until - Instant::now())).await;
        }
    }
}

/// The key by which the app lets a direct call in.
async fn key(azure: &Clients, app: &str) -> Result<String> {
    let keys = azure.arm.post(&format!("{app}/host/default/listkeys"), API_VERSION, None, None).await?;
    let key = [&keys["functionKeys"]["default"], &keys["masterKey"]].into_iter().find_map(|key| key.as_str());
    key.map(str::to_owned).ok_or_else(|| {
        let text = "the function app shows no key to this identity, so that it cannot be called directly";
        Error::new(ErrorKind::PermissionDenied, "azure.invoke", text)
    })
}

/// The `errorType` that runtimes put into the answer of a handler that failed.
fn error_type(payload: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failed {
        error_type: String,
    }
    serde_json::from_str::<Failed>(payload.get()).ok().map(|failed| failed.error_type)
}

/// Where to go on: from a time on, without the lines that were given already.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// Milliseconds since 1970: lines that were written before are not asked for.
    #[serde(default)]
    begin: i64,
    /// Milliseconds since 1970, by when the workspace took lines in.
    from: i64,
    /// Ids of the lines given since then, with those times.
    seen: BTreeSet<(i64, String)>,
    /// Milliseconds since 1970: when the workspace was last asked.
    #[serde(default)]
    asked: i64,
}

impl Cursor {
    fn since(since: Option<Timestamp>) -> Self {
        let from = match since {
            Some(since) => since.as_millisecond(),
            None => Timestamp::now().as_millisecond() - LOOK_BACK_MS,
        };
        Self { begin: from, from, ..Self::default() }
    }

    /// How long it is until the workspace is asked again.
    fn pause(&self) -> Duration {
        let passed = Timestamp::now().as_millisecond().saturating_sub(self.asked);
        POLL.saturating_sub(Duration::from_millis(u64::try_from(passed).unwrap_or_default()))
    }

    fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            let text = "this cursor is of another provider: begin anew";
            Error::new(ErrorKind::InvalidInput, "azure.logs", text)
        })
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether it is asked for and was not given yet; from now on it was.
    fn take(&mut self, found: &Found) -> bool {
        let is_new = self.seen.insert((found.ingested_ms, found.id.clone()));
        is_new && found.line.time.as_millisecond() >= self.begin
    }

    fn advance(&mut self) {
        if let Some((last, _)) = self.seen.last() {
            self.from = self.from.max(last - LATENESS_MS);
            let from = self.from;
            self.seen.retain(|(time, _)| *time >= from);
        }
    }
}

#[cfg(test)]
mod tests {
    use semantest_iac_core::ports::provider::LogLine;

    use super::*;

    #[test]
    fn a_line_is_given_once() {
        let line = LogLine {
            time: Timestamp::UNIX_EPOCH,
            function_name: "x".into(),
            request_id: None,
            replica: None,
            message: "m".into(),
        };
        let found = Found { id: "1".into(), ingested_ms: 100_000, line };
        let mut cursor = Cursor { from: 1_000, ..Cursor::default() };
        assert!(cursor.take(&found));
        cursor.advance();
        let mut cursor = Cursor::read(&cursor.text()).expect("its own text");
        assert!(!cursor.take(&found), "also by whoever goes on from there");
        assert_eq!(cursor.from, 40_000);
    }

    #[test]
    fn who_follows_a_log_asks_no_oftener_than_it_pays() {
        let now = Timestamp::now().as_millisecond();
        assert_eq!(Cursor::since(None).pause(), Duration::ZERO, "the first time at once");
        assert!(Cursor { asked: now, ..Cursor::default() }.pause() > Duration::ZERO);
        assert!(
            Cursor { asked: now + 3_600_000, ..Cursor::default() }.pause() <= POLL,
            "clocks may be set back"
        );
    }
}
