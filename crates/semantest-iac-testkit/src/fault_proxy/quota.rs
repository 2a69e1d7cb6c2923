//! How often a service may be called.

use std::time::Duration;

use tokio::time::Instant;

use super::fault::matches;

/// How often calls of some names may be made, all together.
#[derive(Clone, Debug)]
pub struct Quota {
    patterns: Vec<&'static str>,
    except: Vec<&'static str>,
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Option<Instant>,
}

impl Quota {
    /// `per_second` calls, and `burst` of them at once after a rest.
    pub fn new(patterns: &[&'static str], per_second: f64, burst: u32) -> Self {
        let burst = f64::from(burst);
        let (patterns, except) = (patterns.to_vec(), Vec::new());
        Self { patterns, except, per_second, burst, tokens: burst, filled: None }
    }

    /// One call in so much time.
    pub fn one_in(pattern: &'static str, time: Duration) -> Self {
        Self::new(&[pattern], 1.0 / time.as_secs_f64(), 1)
    }

    /// Calls that it does not count.
    #[must_use]
    pub fn except(mut self, patterns: &[&'static str]) -> Self {
        self.except = patterns.to_vec();
        self
    }

    /// The quotas that AWS documents for one account in one region.
    pub fn documented() -> Vec<Self> {
        let lambda_reads = ["lambda:GetFunction", "lambda:Invoke"];
        vec![
            Self::new(&["apigateway:*"], 10.0, 40),
            Self::one_in("apigateway:CreateDeployment", Duration::from_secs(5)),
            Self::new(&["lambda:*"], 15.0, 15).except(&lambda_reads),
            Self::new(&lambda_reads, 100.0, 100),
            Self::new(&["iam:*"], 20.0, 20),
            Self::new(&["logs:*"], 10.0, 10),
        ]
    }

    fn counts(&self, call: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, call));
        any(&self.patterns) && !any(&self.except)
    }

    fn fill(&mut self, now: Instant) {
        let passed = self.filled.map_or(Duration::ZERO, |filled| now.saturating_duration_since(filled));
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.burst);
        self.filled = Some(now);
    }
}

/// Whether a call is still within every quota that counts it; takes its share if so.
pub(crate) fn admit(quotas: &mut [Quota], call: &str, now: Instant) -> bool {
    let mut counting: Vec<&mut Quota> = quotas.iter_mut().filter(|quota| quota.counts(call)).collect();
    for quota in &mut counting {
        quota.fill(now);
    }
    let admitted = counting.iter().all(|quota| quota.tokens >= 1.0);
    if admitted {
        for quota in counting {
            quota.tokens -= 1.0;
        }
    }
    admitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_admitted_and_then_so_many_a_second() {
        let mut quotas = Quota::documented();
        let start = Instant::now();
        let mut calls = |call: &str, seconds: f64, times: u32| {
            let now = start + Duration::from_secs_f64(seconds);
            (0..times).filter(|_| admit(&mut quotas, call, now)).count()
        };
        assert_eq!(calls("apigateway:GetApis", 0.0, 50), 40);
        assert_eq!(calls("apigateway:GetApis", 1.0, 50), 10);
        assert_eq!(calls("lambda:CreateFunction", 1.0, 50), 15);
        assert_eq!(calls("lambda:GetFunction", 1.0, 150), 100, "counted apart");
        assert_eq!(calls("apigateway:CreateDeployment", 2.0, 3), 1);
        assert_eq!(calls("apigateway:CreateDeployment", 6.0, 3), 0);
        assert_eq!(calls("apigateway:CreateDeployment", 7.5, 3), 1);
        assert_eq!(calls("sts:GetCallerIdentity", 7.5, 500), 500, "nothing is said about it");
    }
}
