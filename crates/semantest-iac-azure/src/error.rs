//! From ARM's answers to our errors: what went wrong, whether another try can help, and what to do.

use semantest_iac_core::{Error, ErrorKind};
use serde_json::Value;

/// How a call failed.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The service said no: HTTP status, its code, its words, and the id by which Microsoft's support finds the call.
    Refused { status: u16, code: String, message: String, request_id: String },
    /// The service accepted it and later said that it came to nothing: `Failed` or `Canceled`, and why.
    Ended { status: String, code: String, message: String },
    /// It may or may not have taken effect.
    Unknown { timed_out: bool, detail: String },
    /// It was never made: what it needs could not be had.
    NotMade(Error),
    /// There was no token to send it with.
    NoToken { detail: String },
}

impl Failure {
    /// What an answer that is no success means.
    pub fn of_answer(status: u16, request_id: &str, body: &[u8]) -> Self {
        let (code, message) = said(body);
        match status {
            408 | 500.. => Self::Unknown { timed_out: false, detail: format!("{status} {code} {message}") },
            _ => Self::Refused { status, code, message, request_id: request_id.to_owned() },
        }
    }

    /// What it means that a call could not be sent or its answer not be read.
    pub fn of_transport(error: &azure_core::Error) -> Self {
        use azure_core::error::ErrorKind as Kind;
        let detail = words(error);
        match error.kind() {
            Kind::Credential => Self::NoToken { detail },
            _ => Self::Unknown { timed_out: detail.contains("no answer within"), detail },
        }
    }

    /// Whether the service refused with one of `codes`.
    pub fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused { code, .. } | Self::Ended { code, .. }
            if codes.iter().any(|one| one.eq_ignore_ascii_case(code)))
    }

    /// Whether the service's words hold one of `words` (in small letters).
    pub fn says(&self, words: &[&str]) -> bool {
        let message = self.message().to_ascii_lowercase();
        words.iter().any(|one| message.contains(one))
    }

    /// The service's words.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused { message, .. } | Self::Ended { message, .. } => message,
            _ => "",
        }
    }

    /// The HTTP status that it was refused with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// As an error of the call `operation` (`put Microsoft.Web/sites`).
    pub fn into_error(self, operation: &str) -> Error {
        let called = format!("azure.{operation}");
        match self {
            Self::Unknown { timed_out, detail } => {
                let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Unavailable };
                Error::new(kind, called, format!("{operation} was not answered: {detail}")).retry_later()
            }
            Self::NotMade(error) => error,
            Self::NoToken { detail } => {
                let tried: Vec<&str> = detail.lines().map(str::trim).collect();
                let text = format!(
                    "no credentials for Azure: log in (az login), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
                     AZURE_CLIENT_SECRET; {}",
                    tried.join(", ")
                );
                Error::new(ErrorKind::Unauthenticated, called, text)
            }
            Self::Ended { status, code, message } => ended(operation, called, &status, &code, &message),
            Self::Refused { status, code, message, request_id } => {
                let error = refusal(operation, called, status, &code, &message);
                match request_id.is_empty() {
                    true => error,
                    false => error.with("request_id", request_id),
                }
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::NotMade(error)
    }
}

/// The service's code in an error of a call.
pub(crate) fn code(error: &Error) -> Option<&str> {
    error.context().iter().find(|(key, _)| key == "code").map(|(_, value)| value.as_str())
}

/// Whether an error of a call is one of these codes of the service's.
pub(crate) fn is(error: &Error, codes: &[&str]) -> bool {
    code(error).is_some_and(|code| codes.iter().any(|one| one.eq_ignore_ascii_case(code)))
}

/// It is there and not ours: left alone.
pub(crate) fn foreign(what: &str, name: &str) -> Error {
    let text = format!(
        "there is a {what} `{name}` already that does not carry this deployment's tags: it is left alone; remove or rename \
         it, or use another project, environment or component name"
    );
    Error::new(ErrorKind::AlreadyExists, "azure.apply", text).with("name", name)
}

/// Code and words of an error's body, in any of the forms that Azure's services use: `{"error": {…}}` is ARM's, App Service
/// has `Code` and `Message` at the top, storage XML.
fn said(body: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let part = |tag: &str| {
            let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
            let from = text.find(&open)? + open.len();
            Some(text[from..from + text[from..].find(&close)?].to_owned())
        };
        let message = part("Message").unwrap_or_else(|| text.chars().take(300).collect());
        return (part("Code").unwrap_or_default(), without_queries(&message));
    };
    let error = [&value["error"], &value["odata.error"]].into_iter().find(|one| one.is_object());
    of_object(error.unwrap_or(&value))
}

/// Code and words of an error object; those of what is inside it follow, where they say more.
pub(crate) fn of_object(error: &Value) -> (String, String) {
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| error[*name].as_str());
        found.unwrap_or_default().trim().to_owned()
    };
    let (code, mut message) = (text(["code", "Code"]), text(["message", "Message"]));
    let inside = error["details"].as_array().or_else(|| error["Details"].as_array());
    for detail in inside.into_iter().flatten() {
        let more = [&detail["message"], &detail["Message"]].into_iter().find_map(Value::as_str);
        if let Some(more) = more.filter(|more| !message.contains(*more)) {
            message = if message.is_empty() { more.to_owned() } else { format!("{message} {more}") };
        }
    }
    // A service may repeat the address that it was given, with the signature in it.
    (code, without_queries(&message))
}

fn ended(operation: &str, called: String, status: &str, code: &str, message: &str) -> Error {
    let said = joined(code, message);
    let said = if said.is_empty() { "Azure does not say why".to_owned() } else { said };
    let canceled = status.eq_ignore_ascii_case("canceled") || status.eq_ignore_ascii_case("cancelled");
    let text = match canceled {
        true => format!("{operation} was canceled by somebody while Azure was at it: {said}; deploy again"),
        false => format!("{operation} was accepted and then failed: {said}"),
    };
    let error = Error::new(ErrorKind::Provider, called, text).with("code", code).with("status", status);
    if canceled || is_passing(code) { error.retry_later() } else { error }
}

/// Ends of operations that another try can turn out otherwise.
fn is_passing(code: &str) -> bool {
    let codes =
        ["InternalServerError", "InternalError", "ServiceUnavailable", "OperationPreempted", "Conflict"];
    codes.iter().any(|one| one.eq_ignore_ascii_case(code))
}

fn joined(code: &str, message: &str) -> String {
    [code, message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

fn refusal(operation: &str, called: String, status: u16, code: &str, message: &str) -> Error {
    let begins = |codes: &[&str]| codes.iter().any(|one| code.starts_with(one));
    let said = joined(code, message);
    let text = match said.is_empty() {
        true => format!("{operation}: status {status}, and not a word why"),
        false => format!("{operation}: {said}"),
    };
    let error =
        |kind, text: String| Error::new(kind, called.clone(), text).with("code", code).with("status", status);
    if status == 429 {
        return error(ErrorKind::Throttled, text).retry_later();
    }
    if begins(&["QuotaExceeded", "SubscriptionIsOverQuotaForSku", "MaxNumberOf", "OperationNotAllowed"]) {
        let text = format!("{text}; ask Azure for a higher quota, or remove what is not needed");
        return error(ErrorKind::Provider, text);
    }
    if begins(&["RequestDisallowedByPolicy", "ScopeLocked"]) {
        let text = format!("{text}; a policy or a lock of this subscription forbids it");
        return error(ErrorKind::PermissionDenied, text);
    }
    match status {
        401 => {
            let text = format!("{text}; log in again (az login) or set other credentials");
            error(ErrorKind::Unauthenticated, text)
        }
        403 => {
            let text =
                format!("{text}; `semantest-iac doctor --provider azure` shows what this identity may do");
            error(ErrorKind::PermissionDenied, text)
        }
        404 => error(ErrorKind::NotFound, text),
        409 if is_taken(message) => {
            let text = format!(
                "{text} Somebody else has this name, and it is left alone: use another project, environment or component name"
            );
            error(ErrorKind::AlreadyExists, text)
        }
        409 | 412 => error(ErrorKind::Unavailable, text).retry_later(),
        _ => error(ErrorKind::Provider, text),
    }
}

/// Whether a conflict is about a name that somebody has: it does not pass by waiting. App Service has one code for all.
pub(crate) fn is_taken(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let words =
        ["already exists", "already taken", "already in use", "not available", "is reserved", "soft-deleted"];
    words.iter().any(|one| message.contains(one))
}

/// The words of an error and its causes, each once, and without what stands in addresses behind the question mark: a
/// signature may.
pub(crate) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = without_queries(&error.to_string());
        if !text.contains(&said) {
            text = if text.is_empty() { said } else { format!("{text}: {said}") };
        }
        next = error.source();
    }
    text
}

fn without_queries(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let end = rest[at..].find(|c: char| c.is_whitespace() || "()\"'<>,".contains(c));
        let end = end.map_or(rest.len(), |end| at + end);
        let address = &rest[..end];
        match address[at..].find('?') {
            Some(query) => out.push_str(&address[..at + query]),
            None => out.push_str(address),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_error_body_tells_its_code_and_words() {
        let arm = br#"{"error":{"code":"Conflict","message":"busy","details":[{"message":"more"}]}}"#;
        assert_eq!(said(arm), ("Conflict".into(), "busy more".into()));
        let app_service = br#"{"Code":"NotFound","Message":"no such site"}"#;
        assert_eq!(said(app_service), ("NotFound".into(), "no such site".into()));
        let storage = b"\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>no</Message></Error>";
        assert_eq!(said(storage), ("AuthenticationFailed".into(), "no".into()));
        assert_eq!(said(b"<html>bad gateway</html>").1, "<html>bad gateway</html>");
        let repeated =
            br#"{"error":{"code":"Bad","message":"cannot read https://x.blob/p.zip?sv=1&sig=secret now"}}"#;
        assert_eq!(said(repeated).1, "cannot read https://x.blob/p.zip now");
        assert_eq!(said(b"<Error><Message>https://x/p?sig=secret</Message></Error>").1, "https://x/p");
    }

    #[test]
    fn what_stands_behind_the_question_mark_of_an_address_is_never_told() {
        let text = "error sending request for url (https://x.blob/p.zip?sv=1&sig=secret): no route";
        assert_eq!(without_queries(text), "error sending request for url (https://x.blob/p.zip): no route");
    }
}
