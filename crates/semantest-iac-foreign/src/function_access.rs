//! Calls of deployed functions and their logs, by a provider of another language.

use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::ports::provider::{
    FunctionAccess, InvokeAnswer, InvokeRequest, LogLine, LogPage, LogQuery,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::foreign_object::Argument;
use crate::object::Object;
use crate::provider::ForeignProvider;

/// The answer to `invoke`: [`InvokeAnswer`] with its payload as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    request_id: String,
    payload: String,
    error_type: Option<String>,
    duration_ms: Option<f64>,
    #[serde(default)]
    logs: Vec<LogLine>,
}

impl ForeignProvider {
    fn must_have(&self, method: &str, what: &str) -> Result<()> {
        if self.caller.has(method) {
            return Ok(());
        }
        let text = format!("the provider {} cannot {what}: it has no method `{method}`", self.caller.name());
        Err(Error::new(ErrorKind::Unsupported, format!("provider.{method}"), text))
    }
}

/// Whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `limit`, or null for as many as there are.
pub(crate) fn limit_or_null(limit: usize) -> Option<usize> {
    (limit < usize::MAX).then_some(limit)
}

#[async_trait]
impl FunctionAccess for ForeignProvider {
    async fn invoke(&self, request: &InvokeRequest) -> Result<InvokeAnswer> {
        self.must_have("invoke", "call functions")?;
        let expected = "{request_id: text, payload: text that holds JSON, error_type, duration_ms, logs}";
        let argument = json!({ "function": request.function, "payload": request.payload.get() });
        let Object(answered): Object<Answered> =
            self.caller.ask("invoke", vec![Argument::Json(argument)], expected).await?;
        let payload = RawValue::from_string(answered.payload)
            .map_err(|_| self.caller.refuse("invoke", "a payload that is no JSON", expected))?;
        Ok(InvokeAnswer {
            request_id: answered.request_id,
            payload,
            error_type: answered.error_type,
            duration_ms: answered.duration_ms,
            logs: answered.logs,
        })
    }

    async fn logs(&self, query: &LogQuery) -> Result<LogPage> {
        self.must_have("logs", "read logs")?;
        let expected = "{lines: list of {time, function_name, request_id, message}, cursor: text}";
        let argument = json!({
            "function": query.function,
            "cursor": query.cursor,
            "since": query.since,
            "limit": limit_or_null(query.limit),
            "wait_ms": milliseconds(query.wait),
        });
        let page: Object<LogPage> = self.caller.ask("logs", vec![Argument::Json(argument)], expected).await?;
        Ok(page.0)
    }
}
