//! What went through the proxy.

use std::time::Duration;

use super::operation::Operation;

/// One call of a program under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came, counted from the proxy's start.
    pub at: Duration,
    /// The service as it signs: `lambda`, `apigateway`, `elasticloadbalancing`.
    pub service: String,
    /// The operation as the service's manual spells it, or method and path where it is not known.
    pub operation: String,
    /// Path and query.
    pub path: String,
    /// The body's size.
    pub bytes: usize,
    /// The status that the program was answered with; none as long as it was not answered.
    pub status: Option<u16>,
    /// What was done to the call, in a word or two.
    pub fault: Option<&'static str>,
}

impl Call {
    pub(crate) fn new(at: Duration, operation: &Operation, path: &str, bytes: usize) -> Self {
        Self {
            at,
            service: operation.service.clone(),
            operation: operation.name.clone(),
            path: path.to_owned(),
            bytes,
            status: None,
            fault: None,
        }
    }

    /// `lambda:CreateFunction`
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// Whether a call of this name changes anything.
    pub fn changes_something(&self) -> bool {
        const READS: [&str; 6] = ["Get", "List", "Describe", "Head", "Filter", "Simulate"];
        !READS.iter().any(|read| self.operation.starts_with(read))
    }

    /// Whether it was answered that there were too many.
    pub fn was_throttled(&self) -> bool {
        matches!(self.fault, Some("quota" | "throttle"))
    }
}

/// Every call since the last look, and how many were open at once.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    calls: Vec<Call>,
    /// Calls that were taken out by earlier looks.
    taken: usize,
    open: usize,
    most_open: usize,
}

impl Recorder {
    /// Notes a call and returns its number.
    pub fn begin(&mut self, call: Call) -> usize {
        self.calls.push(call);
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        self.taken + self.calls.len() - 1
    }

    pub fn end(&mut self) {
        self.open -= 1;
    }

    pub fn call(&mut self, number: usize) -> Option<&mut Call> {
        number.checked_sub(self.taken).and_then(|at| self.calls.get_mut(at))
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.clone()
    }

    pub fn take(&mut self) -> Vec<Call> {
        self.taken += self.calls.len();
        std::mem::take(&mut self.calls)
    }

    pub fn most_open(&self) -> usize {
        self.most_open
    }
}
