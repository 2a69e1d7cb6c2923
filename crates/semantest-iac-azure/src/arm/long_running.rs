//! What Azure accepts and does later. ARM tells of it in three ways, alone or together: an operation to look at
//! (`Azure-AsyncOperation`), a place where the result will be (`Location`), and the resource's own `provisioningState`.
//!
//! Source: ARM RPC v1.0, "Asynchronous operations"; Microsoft REST API guidelines, "Long running operations".

use std::time::Duration;

use azure_core::http::Method;
use semantest_iac_core::{Error, ErrorKind};
use serde_json::Value;

use super::{Answer, ArmClient};
use crate::error::{Failure, of_object};
use crate::patience::Patience;
use crate::resource_id::arm_type;

/// So often an operation may be unknown where it was begun: not every front end hears of it at once.
const MOST_UNKNOWN: u32 = 5;

/// Azure does not make us wait for longer between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where to look next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Watch {
    /// The operation's own state.
    Operation(String),
    /// The result, once it is there.
    Location(String),
    /// The resource's `provisioningState`.
    Resource,
}

/// Waits for what `begun`, the answer to a call of `url`, began; gives the resource, or an action's answer.
pub(super) async fn finish(
    arm: &ArmClient,
    method: Method,
    url: &str,
    begun: Answer,
) -> Result<Value, Failure> {
    let mut job = Job { arm, method, url, location: None, unknown: 0 };
    let Some(mut watch) = job.watch(&begun)? else { return Ok(begun.json()) };
    let what = arm_type(url);
    let verb = verb(method);
    let mut patience = Patience::new(format!("Azure to {verb} {what}"), arm.settings.operation_timeout)
        .pauses(arm.settings.pauses.first, arm.settings.pauses.longest);
    let mut asked = wait_asked_for(&begun);
    let mut at_once = false;
    loop {
        if !std::mem::take(&mut at_once) {
            patience.pause_at_least(asked).await?;
        }
        let address = match &watch {
            Watch::Operation(address) | Watch::Location(address) => versioned(address, url),
            Watch::Resource => url.to_owned(),
        };
        let looked = arm.send(Method::Get, &address, None, None).await;
        let answer = match looked {
            Ok(answer) => answer,
            Err(failure) => match job.lost(&watch, failure).await? {
                Some(next) => {
                    watch = next;
                    continue;
                }
                None => return Ok(Value::Null),
            },
        };
        asked = wait_asked_for(&answer);
        match job.look(&watch, &answer)? {
            Look::Going => watch = job.moved(&watch, &answer),
            Look::Done => match job.answer_at(&watch, &answer) {
                Some(location) => (watch, at_once) = (location, true),
                None => return job.result(&watch, answer).await,
            },
        }
    }
}

enum Look {
    Going,
    Done,
}

struct Job<'a> {
    arm: &'a ArmClient,
    method: Method,
    url: &'a str,
    /// Where an action's answer will be.
    location: Option<String>,
    unknown: u32,
}

impl Job<'_> {
    /// What to look at after the first answer; nothing where all is done.
    fn watch(&mut self, begun: &Answer) -> Result<Option<Watch>, Failure> {
        let given = |name| begun.header(name).map(str::to_owned);
        self.location = given("location").filter(|_| begun.status != 204);
        if let Some(operation) = given("azure-asyncoperation").or_else(|| given("operation-location")) {
            return Ok(Some(Watch::Operation(operation)));
        }
        // A Location with 201 may be that of the resource itself.
        if let Some(location) = self.location.clone().filter(|_| begun.status == 202) {
            return Ok(Some(Watch::Location(location)));
        }
        if self.is_action() {
            return match begun.status {
                202 => Err(self.untold()),
                _ => Ok(None),
            };
        }
        match self.method {
            // An accepted deletion that says no more: the resource is looked at until it is gone.
            Method::Delete => Ok((begun.status == 202).then_some(Watch::Resource)),
            _ if begun.status == 202 => Ok(Some(Watch::Resource)),
            _ => match self.look(&Watch::Resource, begun)? {
                Look::Going => Ok(Some(Watch::Resource)),
                Look::Done => Ok(None),
            },
        }
    }

    fn is_action(&self) -> bool {
        matches!(self.method, Method::Post)
    }

    fn untold(&self) -> Failure {
        let text =
            format!("{} was accepted, and Azure does not say where to look for it", arm_type(self.url));
        Error::new(ErrorKind::Provider, "azure.wait", text).into()
    }

    /// What one look tells.
    fn look(&self, watch: &Watch, answer: &Answer) -> Result<Look, Failure> {
        match watch {
            Watch::Location(_) if answer.status == 202 => Ok(Look::Going),
            Watch::Location(_) => Ok(Look::Done),
            Watch::Operation(_) => {
                let body = answer.json();
                let status = body["status"]
                    .as_str()
                    .or_else(|| body.pointer("/properties/provisioningState")?.as_str());
                match (status, answer.status) {
                    (Some(status), _) => state(status, &body["error"], &body),
                    (None, 202) => Ok(Look::Going),
                    // An empty answer is how some services say that it is done.
                    (None, _) => Ok(Look::Done),
                }
            }
            Watch::Resource => {
                let body = answer.json();
                if matches!(self.method, Method::Delete) {
                    let state = body.pointer("/properties/provisioningState").and_then(Value::as_str);
                    return match state {
                        Some(text) if is_failure(text) => {
                            self::state(text, &body["properties"]["error"], &body)
                        }
                        _ => Ok(Look::Going),
                    };
                }
                match body.pointer("/properties/provisioningState").and_then(Value::as_str) {
                    Some(text) => state(text, provisioning_error(&body), &body),
                    None if answer.status == 202 => Ok(Look::Going),
                    None => Ok(Look::Done),
                }
            }
        }
    }

    /// A look may say to look elsewhere from now on.
    fn moved(&mut self, watch: &Watch, answer: &Answer) -> Watch {
        let given = |name| answer.header(name).map(str::to_owned);
        if let Some(location) = given("location") {
            self.location = Some(location);
        }
        match watch {
            Watch::Operation(_) => given("azure-asyncoperation")
                .or_else(|| given("operation-location"))
                .map_or_else(|| watch.clone(), Watch::Operation),
            Watch::Location(_) => given("location").map_or_else(|| watch.clone(), Watch::Location),
            Watch::Resource => Watch::Resource,
        }
    }

    /// Where the answer of an action is that is done: operation and location together mean the latter.
    fn answer_at(&self, watch: &Watch, last: &Answer) -> Option<Watch> {
        let is_known = self.is_action() && matches!(watch, Watch::Operation(_));
        let moved = last.header("location").map(str::to_owned);
        moved.or_else(|| self.location.clone()).filter(|_| is_known).map(Watch::Location)
    }

    /// The place to look at is not there. A deletion may have taken it along; an operation that is not known, or no more, is
    /// known by what it did.
    async fn lost(&mut self, watch: &Watch, failure: Failure) -> Result<Option<Watch>, Failure> {
        let deletion = matches!(self.method, Method::Delete);
        if !failure.is_not_found() {
            return Err(failure);
        }
        if deletion && *watch == Watch::Resource {
            return Ok(None);
        }
        self.unknown += 1;
        if deletion && self.is_gone().await? {
            return Ok(None);
        }
        match self.unknown >= MOST_UNKNOWN {
            true if self.is_action() => Err(failure),
            true => Ok(Some(Watch::Resource)),
            false => Ok(Some(watch.clone())),
        }
    }

    async fn is_gone(&self) -> Result<bool, Failure> {
        match self.arm.send(Method::Get, self.url, None, None).await {
            Ok(_) => Ok(false),
            Err(failure) if failure.is_not_found() => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    /// What there is now that it is done.
    async fn result(&self, watch: &Watch, last: Answer) -> Result<Value, Failure> {
        match (self.method, watch) {
            (Method::Delete, _) => Ok(Value::Null),
            (Method::Post, Watch::Operation(_)) => Ok(output_of(last.json())),
            (Method::Post, _) | (_, Watch::Resource) => Ok(last.json()),
            _ => Ok(self.arm.send(Method::Get, self.url, None, None).await?.json()),
        }
    }
}

/// An action's answer inside its operation's state, where there is one.
fn output_of(operation: Value) -> Value {
    let places = ["/properties/output", "/result", "/properties"];
    places.iter().find_map(|place| operation.pointer(place)).cloned().unwrap_or_default()
}

/// The address with the API version of the call, where it has none: ARM takes no call without.
fn versioned(address: &str, url: &str) -> String {
    let version = url.split(['?', '&']).find(|part| part.starts_with("api-version="));
    match version.filter(|_| !address.contains("api-version=")) {
        Some(version) => format!("{address}{}{version}", if address.contains('?') { '&' } else { '?' }),
        None => address.to_owned(),
    }
}

fn is_failure(status: &str) -> bool {
    ["failed", "canceled", "cancelled"].iter().any(|word| status.eq_ignore_ascii_case(word))
}

/// What a state says; every word that is not an end is one of going on.
fn state(status: &str, error: &Value, whole: &Value) -> Result<Look, Failure> {
    if is_failure(status) {
        let (mut code, mut message) = of_object(error);
        if code.is_empty() && message.is_empty() {
            (code, message) = of_object(whole);
        }
        return Err(Failure::Ended { status: status.to_owned(), code, message });
    }
    match status.eq_ignore_ascii_case("succeeded") {
        true => Ok(Look::Done),
        false => Ok(Look::Going),
    }
}

/// Where resources say why they could not be made: each service has its own place for it.
fn provisioning_error(resource: &Value) -> &Value {
    let places =
        ["/properties/provisioningError", "/properties/error", "/properties/deploymentErrors", "/error"];
    let found = places.iter().filter_map(|place| resource.pointer(place)).find(|error| !error.is_null());
    found.unwrap_or(&Value::Null)
}

/// How long Azure asks to wait before the next look.
fn wait_asked_for(answer: &Answer) -> Option<Duration> {
    let millis = answer.header("x-ms-retry-after-ms").or_else(|| answer.header("retry-after-ms"));
    let asked = match millis.and_then(|text| text.parse().ok()) {
        Some(millis) => Duration::from_millis(millis),
        None => Duration::from_secs(answer.header("retry-after")?.parse().ok()?),
    };
    Some(asked.min(LONGEST_WAIT))
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Delete => "delete",
        Method::Post => "work on",
        _ => "set up",
    }
}
