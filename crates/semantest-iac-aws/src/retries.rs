//! Which answers the SDK may try again after, and how often.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_types::retry::RetryConfig;

/// Retries of calls that may be repeated.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(10))
}

/// Mends two judgements of the SDK's own: a 429 with a code it does not know is throttling all the same, and
/// `LimitExceeded` is a quota on how many there may be, which waiting does not raise.
#[derive(Debug)]
pub(crate) struct Judgement;

impl ClassifyRetry for Judgement {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        let status = response.status().as_u16();
        if (400..500).contains(&status) && status != 429 && response.body().bytes().is_some_and(is_hard_limit)
        {
            return RetryAction::RetryForbidden;
        }
        if status == 429 { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "semantest-iac"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Lets nothing be repeated but what was refused because there were too many calls: all else may have taken effect.
#[derive(Debug)]
pub(crate) struct OnlyThrottled;

impl ClassifyRetry for OnlyThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let was_throttled = context.response().is_some_and(|response| {
            let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
            response.status().as_u16() == 429
                || (response.status().as_u16() == 400 && body.contains("Throttl"))
        });
        if was_throttled { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "semantest-iac: only throttled"
    }
}

fn is_hard_limit(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let of_rate = ["RequestLimitExceeded", "Rate exceeded"].iter().any(|words| text.contains(words));
    text.contains("LimitExceeded") && !of_rate
}

#[cfg(test)]
mod tests {
    use super::is_hard_limit;

    #[test]
    fn a_limit_on_how_many_is_told_from_a_limit_on_how_fast() {
        assert!(is_hard_limit(
            br#"{"__type":"LimitExceededException","message":"Resource limit exceeded."}"#
        ));
        assert!(!is_hard_limit(b"<Code>RequestLimitExceeded</Code>"));
        assert!(!is_hard_limit(br#"{"__type":"LimitExceededException","message":"Rate exceeded"}"#));
    }
}
