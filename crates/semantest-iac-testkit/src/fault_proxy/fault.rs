//! What can go wrong with a call, and which calls it happens to.

use std::time::Duration;

use super::operation::{Operation, Protocol};

/// One way for a call to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service says that it is called too often, in its own words; the call has no effect.
    Throttle,
    /// 500, and the call has no effect.
    ServerError,
    /// 500, although the call took effect.
    ServerErrorAfterwards,
    /// The connection is reset, and the call has no effect.
    Reset,
    /// The connection is reset although the call took effect.
    ResetAfterwards,
    /// The call is read, has no effect, and nobody ever answers.
    Hang,
    /// The call took effect, and nobody ever answers.
    HangAfterwards,
    /// The answer takes its time.
    Slow(Duration),
    /// An error of the service's; the call has no effect.
    Refuse {
        /// The status of HTTP.
        status: u16,
        /// The error's code, such as `ResourceConflictException`.
        code: &'static str,
        /// What the service says.
        message: &'static str,
    },
}

impl Fault {
    /// A role that exists, but that Lambda does not know yet.
    pub const ROLE_NOT_ASSUMABLE: Self = Self::Refuse {
        status: 400,
        code: "InvalidParameterValueException",
        message: "The role defined for the function cannot be assumed by Lambda.",
    };

    /// A function that an earlier update is still being made to.
    pub const UPDATE_IN_PROGRESS: Self = Self::Refuse {
        status: 409,
        code: "ResourceConflictException",
        message: "The operation cannot be performed at this time. An update is in progress for resource",
    };

    /// Something just made that this part of the service has not heard of.
    pub const NOT_FOUND_YET: Self =
        Self::Refuse { status: 404, code: "NotFoundException", message: "Invalid API identifier specified" };

    /// Whether the call reaches the service.
    pub(crate) fn forwards(&self) -> bool {
        matches!(
            self,
            Self::ServerErrorAfterwards | Self::ResetAfterwards | Self::HangAfterwards | Self::Slow(_)
        )
    }

    /// A word or two for records.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::ServerError => "server error",
            Self::ServerErrorAfterwards => "server error afterwards",
            Self::Reset => "reset",
            Self::ResetAfterwards => "reset afterwards",
            Self::Hang => "hang",
            Self::HangAfterwards => "hang afterwards",
            Self::Slow(_) => "slow",
            Self::Refuse { code, .. } => code,
        }
    }
}

/// Which of the calls that a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Only the n-th, counted from 1.
    Nth(u32),
    /// The first so many.
    First(u32),
    /// Each.
    All,
}

/// A fault, and the calls that it happens to.
#[derive(Clone, Debug)]
pub struct Rule {
    pattern: String,
    which: Which,
    fault: Fault,
    seen: u32,
}

impl Rule {
    /// A rule for calls named as `pattern` says: `lambda:CreateFunction`, `lambda:*`, `*:Create*`.
    pub fn new(pattern: impl Into<String>, which: Which, fault: Fault) -> Self {
        Self { pattern: pattern.into(), which, fault, seen: 0 }
    }

    /// The fault, if this call is one of those; counts it.
    pub(crate) fn strikes(&mut self, call: &str) -> Option<Fault> {
        if !matches(&self.pattern, call) {
            return None;
        }
        self.seen += 1;
        let struck = match self.which {
            Which::Nth(nth) => self.seen == nth,
            Which::First(first) => self.seen <= first,
            Which::All => true,
        };
        struck.then(|| self.fault.clone())
    }
}

/// `*` stands for any characters.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// Status, headers and body of an error as a service writes it.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// The error of a service that is called too often.
pub(crate) fn throttled(operation: &Operation) -> Answer {
    let (status, code) = match operation.protocol() {
        Protocol::RestJson => (429, "TooManyRequestsException"),
        Protocol::Json => (400, "ThrottlingException"),
        Protocol::Query => (400, "Throttling"),
        Protocol::Ec2 => (503, "RequestLimitExceeded"),
        Protocol::RestXml => (503, "SlowDown"),
    };
    let mut answer = refused(operation, status, code, "Rate exceeded");
    if operation.protocol() == Protocol::RestJson {
        answer.headers.push(("retry-after", "1".into()));
    }
    answer
}

/// 500 as the service writes it.
pub(crate) fn server_error(operation: &Operation) -> Answer {
    let code = match operation.protocol() {
        Protocol::RestJson | Protocol::Json => "InternalServerException",
        _ => "InternalFailure",
    };
    refused(operation, 500, code, "An internal error occurred")
}

/// Any error as the service writes it.
pub(crate) fn refused(operation: &Operation, status: u16, code: &str, message: &str) -> Answer {
    let (content_type, body) = match operation.protocol() {
        Protocol::RestJson => {
            ("application/json", serde_json::json!({ "message": message, "Type": "User" }).to_string())
        }
        Protocol::Json => (
            "application/x-amz-json-1.1",
            serde_json::json!({ "__type": code, "message": message }).to_string(),
        ),
        Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
                 </Error><RequestId>fault-proxy</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::Ec2 => (
            "text/xml",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>fault-proxy</RequestID></Response>"
            ),
        ),
        Protocol::RestXml => {
            ("application/xml", format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
        }
    };
    let mut headers = vec![("content-type", content_type.into()), ("x-amzn-requestid", "fault-proxy".into())];
    if operation.protocol() == Protocol::RestJson {
        headers.push(("x-amzn-errortype", code.into()));
    }
    Answer { status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_one_reads_them() {
        for (pattern, text, matched) in [
            ("lambda:CreateFunction", "lambda:CreateFunction", true),
            ("lambda:CreateFunction", "lambda:CreateFunctionUrl", false),
            ("lambda:*", "lambda:GetFunction", true),
            ("*:Create*", "apigateway:CreateApi", true),
            ("*:Create*", "apigateway:GetApis", false),
            ("*", "", true),
            ("*Api", "apigateway:CreateApi", true),
            ("*Api", "apigateway:GetApis", false),
        ] {
            assert_eq!(matches(pattern, text), matched, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_counts_the_calls_it_matches() {
        let mut second = Rule::new("iam:*", Which::Nth(2), Fault::Throttle);
        let mut first_two = Rule::new("iam:*", Which::First(2), Fault::Reset);
        let calls = ["iam:GetRole", "logs:CreateLogGroup", "iam:GetRole", "iam:GetRole"];
        let struck: Vec<_> =
            calls.map(|call| (second.strikes(call).is_some(), first_two.strikes(call).is_some())).into();
        assert_eq!(struck, [(false, true), (false, false), (true, true), (false, false)]);
    }
}
