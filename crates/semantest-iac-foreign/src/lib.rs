//! Ports that are written in another language.
//!
//! A binding implements [`ForeignObject`] for an object of its language: whether it has a method, and how to call it. What
//! is here makes such an object a provider, an event bus, an event store or a secret resolver, and judges what it
//! answers: an answer of the wrong shape is an error that says what was expected, never a panic, and never shows a value
//! that may be a secret. A method that is missing is found out when the port is made, not when it is needed.
//!
//! # Arguments and answers
//!
//! Arguments are passed by position. They and the answers are JSON: keys are those of the core's structs
//! (snake_case), enumerations are snake_case texts, times are RFC 3339 texts, durations are whole milliseconds under a name
//! that ends in `_ms`, what is absent is null. In an answer, a key may be left out where `?` stands behind it, and a key that
//! is not known is refused: it is most likely misspelt. "nothing" as an answer: whatever is answered is passed over.
//!
//! Positions, versions and tokens are whole numbers up to 2⁶⁴ − 1, written in full: a language whose numbers are
//! floating point has to take them for something else (TypeScript: `bigint`), or they lose digits above 2⁵³. What is nested
//! deeper than 128 levels is no JSON here: a binding refuses it before it becomes a [`serde_json::Value`].
//!
//! An error of the other language is turned into an [`Error`](semantest_iac_core::Error) by the binding: kinds, `retry` and context are those that the
//! port's documentation names (`version_conflict`, `already_exists`, `secret_unresolved`, …), since the core goes by them.
//!
//! ## Provider ([`ForeignProvider`])
//!
//! | method | arguments | answer |
//! |---|---|---|
//! | `lower` | blueprint, settings | resources: a list, or an object by address |
//! | `observe` | resource | null, or `{id, inputs?, outputs?}` |
//! | `apply` | change, operation | `{id, outputs?, adopted?}` |
//! | `delete` | resource, operation | nothing |
//! | `discover` | scope | list of `{tags, kind, id}` |
//! | `default_region` (optional) | | text or null |
//! | `diagnose` (optional) | settings | list of `{name, ok, detail}` |
//! | `invoke` (optional) | request | `{request_id, payload, error_type?, duration_ms?, logs?}` |
//! | `logs` (optional) | query | `{lines, cursor}` |
//!
//! `lower` is the one method that is called with [`ForeignObject::call_blocking`].
//!
//! - blueprint: [`Blueprint`](semantest_iac_core::domain::blueprint::Blueprint) as it stands in JSON
//! - settings: `{region}`
//! - resource, as an argument: `{tags: {project, environment, component, address}, kind, inputs, id, outputs}`
//! - resource, of `lower`: `{address, kind, inputs, depends_on?, replace_on?, volatile_outputs?, steady_inputs?, role?}`, see
//!   [`Resource`](semantest_iac_core::domain::deployment::resource::Resource)
//! - change: `{action, resource, previous_inputs, changed, secrets}`; `action` is `create`, `update` or `replace`; `secrets` are
//!   the values by reference (`{"env:DB_PASSWORD": "…"}`): they are there for the call and must not be kept, printed or answered
//! - operation: `{id, attempt}`
//! - scope: `{project, environment, component, region}`
//! - request: `{function, payload}`; `function` is a resource, `payload` is text that holds JSON, there and in the answer, so
//!   that numbers of any size pass through unchanged
//! - query: `{function, cursor, since, limit, wait_ms}`; `limit` is null for as many as there are
//! - line, in `logs` and `lines`: `{time, function_name, request_id?, message}`
//!
//! ## Event store ([`ForeignEventStore`])
//!
//! | method | arguments | answer |
//! |---|---|---|
//! | `append` | stream, expected, events, fence | `{position, version}` |
//! | `read_stream` | stream, after, limit | list of `{position, stream, version, event}` |
//! | `read_all` | after, limit | the same |
//! | `streams` | prefix | list of `{name, version, updated}` |
//! | `head` | | number |
//! | `wait` | after, at_most_ms | nothing |
//!
//! Events are CloudEvents 1.0 objects, without `sequence` when they are appended. `expected` is null (whatever is there) or the number
//! of events that must be there. `fence` is null or `{name, token}`: the store refuses it (`held`) where it has seen
//! a higher token of that name. `limit` is null for as many as there are.
//!
//! ## Event bus ([`ForeignEventBus`])
//!
//! | method | arguments | answer |
//! |---|---|---|
//! | `publish` | events | list of `{handler, event_id, error}`: the deliveries that failed for good |
//! | `subscribe` | filter, handler | number |
//! | `unsubscribe` | number | nothing |
//!
//! Events are CloudEvents 1.0 objects. `filter` is `{names, streams}`; an empty list means all. `handler` is
//! [`Argument::Handler`]: the binding makes it something that can be called with an event, and calls [`deliver`]. `error` is
//! text, or [`ErrorRecord`](semantest_iac_core::ErrorRecord): `{kind, message, operation, context?, retry}`.
//!
//! ## Secret resolver ([`ForeignSecretResolver`])
//!
//! | method | arguments | answer |
//! |---|---|---|
//! | `resolve` | reference, region | text; null where there is no such secret |
//! | `digest` (optional) | value | text |
//!
//! `region` is null where it does not matter. The schemes are told when the port is made.

mod caller;
mod event_bus;
mod event_store;
mod foreign_object;
mod function_access;
mod object;
mod provider;
mod secret_resolver;

pub use event_bus::{ForeignEventBus, deliver};
pub use event_store::ForeignEventStore;
pub use foreign_object::{Argument, ForeignObject};
pub use provider::ForeignProvider;
pub use secret_resolver::ForeignSecretResolver;
