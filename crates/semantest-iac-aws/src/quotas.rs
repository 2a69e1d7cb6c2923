//! The documented request rates of each service's control plane, and the buckets that keep calls within them.
//!
//! Sources: Amazon API Gateway developer guide, "Quotas for creating, deploying and managing an API" (10 a second for
//! all operations together, burst 40; CreateDeployment one every 5 seconds); AWS Lambda developer guide, "Lambda
//! quotas" (control plane API requests: 15 a second, GetFunction 100); IAM and CloudWatch Logs service quotas. Each bucket
//! stays below: the rate a little, for whoever else works in the account, and the burst by a third of a second's
//! calls at least, since calls that were held up on their way arrive together with those that follow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A limit that calls share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Quota {
    ApiGateway,
    ApiGatewayDeployments,
    Lambda,
    LambdaReads,
    Iam,
    Logs,
    Containers,
}

impl Quota {
    /// The limits that a call takes part in. `service` is the name in its signature.
    pub fn of(service: &str, method: &str, path: &str) -> &'static [Self] {
        match service {
            "apigateway" if method == "POST" && path.ends_with("/deployments") => {
                &[Self::ApiGatewayDeployments, Self::ApiGateway]
            }
            "apigateway" => &[Self::ApiGateway],
            "lambda" if path.ends_with("/invocations") => &[],
            "lambda" if method == "GET" && is_one_function(path) => &[Self::LambdaReads],
            "lambda" => &[Self::Lambda],
            "iam" => &[Self::Iam],
            "logs" => &[Self::Logs],
            "ecs" | "elasticloadbalancing" | "application-autoscaling" | "ec2" => &[Self::Containers],
            _ => &[],
        }
    }

    /// Calls a second, and how many at once after a rest.
    fn rate_and_burst(self) -> (f64, f64) {
        match self {
            Self::ApiGateway => (9.5, 32.0),
            Self::ApiGatewayDeployments => (0.19, 1.0),
            Self::Lambda => (14.0, 9.0),
            Self::LambdaReads => (90.0, 60.0),
            Self::Iam => (18.0, 12.0),
            Self::Logs => (9.0, 6.0),
            Self::Containers => (9.0, 6.0),
        }
    }
}

/// `/2015-03-31/functions/<name>`: GetFunction, which has a quota of its own.
fn is_one_function(path: &str) -> bool {
    path.split_once("/functions/").is_some_and(|(_, name)| !name.is_empty() && !name.contains('/'))
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
    /// Nobody may call before then: the service has said so.
    closed_until: Option<Instant>,
}

/// One bucket for each limit.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    buckets: Mutex<HashMap<Quota, Bucket>>,
}

/// The longest that a `Retry-After` is taken to mean.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Quotas {
    /// Returns when a call may be made.
    pub async fn admit(&self, quota: Quota) {
        let wait = self.reserve(quota);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a token, on credit where there is none, and says how long until it is due.
    fn reserve(&self, quota: Quota) -> Duration {
        let (rate, burst) = quota.rate_and_burst();
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(quota).or_insert(Bucket { tokens: burst, at: now, closed_until: None });
        bucket.tokens = (bucket.tokens + rate * (now - bucket.at).as_secs_f64()).min(burst);
        bucket.at = now;
        bucket.tokens -= 1.0;
        let owed = if bucket.tokens < 0.0 { -bucket.tokens / rate } else { 0.0 };
        let closed = bucket.closed_until.map(|until| until.saturating_duration_since(now));
        Duration::from_secs_f64(owed).max(closed.unwrap_or_default())
    }

    /// Keeps everybody from calling for a while: the service has asked for it.
    pub fn pause(&self, quota: Quota, pause: Duration) {
        let now = Instant::now();
        let until = now + pause.min(LONGEST_PAUSE);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(quota).or_insert(Bucket { tokens: 0.0, at: now, closed_until: None });
        bucket.closed_until = Some(bucket.closed_until.map_or(until, |before| before.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_keeps_to_the_rate() {
        let quotas = Quotas::default();
        let start = Instant::now();
        for _ in 0..9 {
            quotas.admit(Quota::Lambda).await;
        }
        assert_eq!(Instant::now(), start, "the burst passes at once");
        for _ in 0..28 {
            quotas.admit(Quota::Lambda).await;
        }
        let took = (Instant::now() - start).as_secs_f64();
        assert!((1.9..2.2).contains(&took), "28 more at 14 a second take two seconds, not {took}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_to_wait_is_left_alone_for_as_long() {
        let quotas = Quotas::default();
        quotas.pause(Quota::Iam, Duration::from_secs(7));
        let start = Instant::now();
        quotas.admit(Quota::Iam).await;
        assert!(Instant::now() - start >= Duration::from_secs(7));
    }

    #[test]
    fn every_call_is_counted_where_its_service_counts_it() {
        let path = "/2015-03-31/functions/shop-dev-api";
        assert_eq!(Quota::of("lambda", "GET", path), [Quota::LambdaReads]);
        assert_eq!(Quota::of("lambda", "GET", &format!("{path}/policy")), [Quota::Lambda]);
        assert_eq!(Quota::of("lambda", "POST", &format!("{path}/invocations")), []);
        assert_eq!(Quota::of("apigateway", "GET", "/v2/apis"), [Quota::ApiGateway]);
        let deployments = Quota::of("apigateway", "POST", "/v2/apis/abc/deployments");
        assert_eq!(deployments, [Quota::ApiGatewayDeployments, Quota::ApiGateway]);
        assert_eq!(Quota::of("sts", "POST", "/"), []);
    }
}
