//! Asynchronous invocations: taken in at once, and tried again where they fail.
//!
//! Source: AWS Lambda developer guide, "Understanding retry behavior in Lambda". AWS waits one and two minutes before the
//! second and third try; here it is seconds, since somebody looks on.

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::function_log::FunctionLog;
use crate::runtime::function_runtime::FunctionRuntime;
use crate::runtime::invocation::{Invocation, InvocationOutcome, InvocationRefused};

/// Largest event of an asynchronous invocation, in bytes (AWS Lambda quotas).
const EVENT_LIMIT: usize = 1024 * 1024;

/// How long it is until an invocation that failed is tried again, and how often that is done.
const TRY_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

impl FunctionRuntime {
    /// Takes an event in; the id of its invocation. What becomes of it stands in the function's log.
    ///
    /// # Errors
    /// Where it is not even tried.
    pub fn send(
        self: &Arc<Self>,
        function: &str,
        invocation: Invocation,
    ) -> Result<String, InvocationRefused> {
        let bytes = invocation.event.len();
        if bytes > EVENT_LIMIT {
            return Err(InvocationRefused::TooLarge { bytes, limit: EVENT_LIMIT });
        }
        let request_id = uuid::Uuid::new_v4().to_string();
        // Queued before it is taken in: a host that ends finishes it.
        let first = self.submit(&request_id, function, invocation.clone())?;
        let sent = Sent {
            runtime: self.clone(),
            function: function.to_owned(),
            request_id: request_id.clone(),
            invocation,
            log: FunctionLog::new(FunctionLog::path(&self.state_dir, function)),
        };
        self.sent.spawn(async move {
            let outcome = first.await.map_err(|_| InvocationRefused::Stopping);
            sent.see_through(outcome).await;
        });
        Ok(request_id)
    }
}

/// An invocation that was taken in.
struct Sent {
    runtime: Arc<FunctionRuntime>,
    function: String,
    request_id: String,
    invocation: Invocation,
    /// Its function's: written to also when the host ends, or the function is gone.
    log: FunctionLog,
}

impl Sent {
    /// Tries it again for as long as it fails, and may be.
    async fn see_through(self, first: Result<InvocationOutcome, InvocationRefused>) {
        let (mut outcome, mut waits) = (first, TRY_AGAIN.into_iter());
        while let Some(why) = failure(&outcome) {
            let Some(wait) = waits.next() else {
                let tries = TRY_AGAIN.len() + 1;
                return self
                    .tell(&format!("[ERROR] asynchronous invocation given up after {tries} tries: {why}"));
            };
            let seconds = wait.as_secs();
            self.tell(&format!("[WARN] asynchronous invocation failed: {why}; tried again in {seconds} s"));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.runtime.ending.cancelled() => {
                    return self.tell("[ERROR] asynchronous invocation is not tried again: the host ends");
                }
            }
            let again = self.invocation.clone();
            outcome = self.runtime.invoke_as(&self.request_id, &self.function, again).await;
        }
    }

    fn tell(&self, message: &str) {
        self.log.write(Some(&self.request_id), message);
    }
}

/// Why it has to be tried again.
fn failure(outcome: &Result<InvocationOutcome, InvocationRefused>) -> Option<&str> {
    match outcome {
        Ok(InvocationOutcome::FunctionError { error_type, .. }) => Some(error_type),
        _ => None,
    }
}
