//! What was called, and what was answered.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One call and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `PUT`.
    pub method: String,
    /// As it was sent, in its own letters.
    pub path: String,
    /// With the question mark left out.
    pub query: String,
    /// In small letters, without the token.
    pub headers: BTreeMap<String, String>,
    /// JSON, or null.
    pub body: Value,
    /// HTTP status; 0 where there was no answer.
    pub status: u16,
    /// In small letters.
    pub answer_headers: BTreeMap<String, String>,
    /// JSON, or null.
    pub answer: Value,
}

impl Call {
    /// `PUT Microsoft.Web/sites`: what was called, without names.
    pub fn name(&self) -> String {
        let segments: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let of_provider = segments.iter().rposition(|part| part.eq_ignore_ascii_case("providers"));
        let kind = match of_provider.filter(|at| at + 1 < segments.len()) {
            Some(at) => {
                let types = segments.iter().skip(at + 2).step_by(2);
                types.fold(segments[at + 1].to_owned(), |text, part| format!("{text}/{part}"))
            }
            None => segments.iter().step_by(2).next_back().map(|part| (*part).to_owned()).unwrap_or_default(),
        };
        format!("{} {kind}", self.method)
    }

    /// Whether it is a look at an operation: no service's description holds those.
    pub fn is_poll(&self) -> bool {
        self.path.contains("/operationStatuses/") || self.path.contains("/operationResults/")
    }

    /// As Microsoft's validator of live calls takes it.
    pub(super) fn as_live_pair(&self) -> Value {
        let url = format!("https://management.azure.com{}?{}", self.path, self.query);
        json!({
            "liveRequest": { "method": self.method, "url": url, "headers": self.headers, "body": self.body },
            "liveResponse": {
                "statusCode": self.status.to_string(), "headers": self.answer_headers, "body": self.answer,
            },
            "poll": self.is_poll(),
        })
    }
}
