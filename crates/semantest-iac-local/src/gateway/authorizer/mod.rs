//! Who may call an API: what stands between a gateway and its functions.

mod answer;
mod cache;
pub(crate) mod http;
pub(crate) mod identity;
mod jwt;
mod policy;
#[cfg(test)]
mod signing;
pub(crate) mod websocket;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::gateway::integration::within;
use crate::runtime::invocation::{Invocation, InvocationOutcome, Invoker};

/// Why there is no answer of a function that was asked.
pub(crate) enum NoAnswer {
    /// It says that the client is not known: `throw new Error("Unauthorized")`.
    Unauthorized,
    /// It failed, may not run or took too long. What went wrong stands in its log.
    Failed,
}

/// What `function` answers to `event`: its request's id and the answer.
async fn ask(
    invoker: &Arc<dyn Invoker>,
    function: &str,
    event: Bytes,
    time: Duration,
) -> Result<(String, Bytes), NoAnswer> {
    let invocation = Invocation { event, ..Invocation::default() };
    let given_up = invocation.given_up.clone();
    let (asked, name) = (invoker.clone(), function.to_owned());
    // A task of its own: the function goes on when the client goes away or the gateway's time is up.
    let running = tokio::spawn(async move { asked.invoke(&name, invocation).await });
    match within(time, invoker.as_ref(), function, running).await {
        Some(Ok(Ok(InvocationOutcome::Success { request_id, payload }))) => Ok((request_id, payload)),
        Some(Ok(Ok(InvocationOutcome::FunctionError { payload, .. }))) if says_unauthorized(&payload) => {
            Err(NoAnswer::Unauthorized)
        }
        None => {
            given_up.cancel();
            Err(NoAnswer::Failed)
        }
        Some(_) => Err(NoAnswer::Failed),
    }
}

/// Source: API Gateway developer guide, "Lambda authorizers": an error of this message is answered with 401.
fn says_unauthorized(error: &[u8]) -> bool {
    let error: Option<serde_json::Value> = serde_json::from_slice(error).ok();
    error.is_some_and(|error| error["errorMessage"] == "Unauthorized")
}

/// The ARN of what is called: `rest` is its stage, method and path, or its stage and route.
fn arn(region: &str, account: &str, api: &str, rest: &str) -> String {
    format!("arn:aws:execute-api:{region}:{account}:{api}/{rest}")
}
