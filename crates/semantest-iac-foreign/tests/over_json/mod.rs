//! The adapters in memory as objects of another language: nothing reaches them, and nothing comes back, but as JSON text.

// Each test uses some of them.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::events::envelope::Envelope;
use semantest_iac_core::memory::event_bus::InProcessBus;
use semantest_iac_core::memory::event_store::InMemoryEventStore;
use semantest_iac_core::memory::provider::InMemoryProvider;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::event_bus::{EventBus, EventHandler, SubscriptionId};
use semantest_iac_core::ports::event_store::{Append, EventStore, ExpectedVersion, RecordedEvent};
use semantest_iac_core::ports::provider::{Change, Provider};
use semantest_iac_core::ports::secret_resolver::{ResolvedSecrets, SecretResolver, SecretValue};
use semantest_iac_core::{ErrorKind, Result};
use semantest_iac_foreign::{Argument, ForeignObject, deliver};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Through text: what another language gets, and what it answers.
fn through<T: DeserializeOwned>(value: impl Serialize) -> T {
    serde_json::from_str(&serde_json::to_string(&value).expect("JSON")).expect("what it is read as")
}

/// Arguments, one after the other.
struct Arguments(std::vec::IntoIter<Argument>);

impl Arguments {
    fn of(arguments: Vec<Argument>) -> Self {
        Self(arguments.into_iter())
    }

    fn next<T: DeserializeOwned>(&mut self) -> T {
        match self.0.next() {
            Some(Argument::Json(value)) => through(value),
            other => panic!("data was expected: {other:?}"),
        }
    }

    fn handler(&mut self) -> Arc<dyn EventHandler> {
        match self.0.next() {
            Some(Argument::Handler(handler)) => handler,
            other => panic!("a handler was expected: {other:?}"),
        }
    }
}

impl Drop for Arguments {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.len() == 0, "an argument too many");
    }
}

/// A provider in memory, with secrets that it was given.
#[derive(Default)]
pub struct JsonProvider(pub InMemoryProvider);

#[async_trait]
impl ForeignObject for JsonProvider {
    fn has(&self, method: &str) -> bool {
        ["lower", "observe", "apply", "delete", "discover", "default_region", "diagnose"].contains(&method)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        let mut arguments = Arguments::of(arguments);
        Ok(match method {
            "observe" => through(self.0.observe(&arguments.next()).await?),
            "apply" => {
                let mut change: Value = arguments.next();
                let mut secrets = ResolvedSecrets::default();
                for (reference, value) in change["secrets"].as_object().expect("secrets") {
                    secrets.insert(reference, SecretValue::new(value.as_str().expect("text")));
                }
                let change = Change {
                    action: through(change["action"].take()),
                    resource: through(change["resource"].take()),
                    previous_inputs: through(change["previous_inputs"].take()),
                    changed: through(change["changed"].take()),
                    secrets,
                };
                through(self.0.apply(&change, &arguments.next()).await?)
            }
            "delete" => through(self.0.delete(&arguments.next(), &arguments.next()).await?),
            "discover" => through(self.0.discover(&arguments.next()).await?),
            "default_region" => through(self.0.default_region().await),
            "diagnose" => through(self.0.diagnose(&arguments.next()).await?),
            other => panic!("nobody calls {other}"),
        })
    }

    fn call_blocking(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        assert_eq!(method, "lower");
        let mut arguments = Arguments::of(arguments);
        Ok(through(self.0.lower(&arguments.next(), &arguments.next())?))
    }
}

/// An event bus in this process.
#[derive(Default)]
pub struct JsonBus(InProcessBus);

/// What the other language makes of a handler.
struct Callable(Arc<dyn EventHandler>);

#[async_trait]
impl EventHandler for Callable {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn handle(&self, event: &Envelope) -> Result<()> {
        deliver(self.0.as_ref(), through(event.to_value())).await
    }
}

#[async_trait]
impl ForeignObject for JsonBus {
    fn has(&self, method: &str) -> bool {
        ["publish", "subscribe", "unsubscribe"].contains(&method)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        let mut arguments = Arguments::of(arguments);
        Ok(match method {
            "publish" => {
                let events: Vec<Arc<Envelope>> =
                    envelopes(arguments.next()).into_iter().map(Arc::new).collect();
                let failed = self.0.publish(&events).await?.into_iter().map(|failed| {
                    let error = failed.error.to_record();
                    json!({ "handler": failed.handler, "event_id": failed.event_id, "error": error })
                });
                through(failed.collect::<Value>())
            }
            "subscribe" => {
                let filter = arguments.next();
                through(self.0.subscribe(filter, Arc::new(Callable(arguments.handler()))).await?.0)
            }
            "unsubscribe" => through(self.0.unsubscribe(SubscriptionId(arguments.next())).await?),
            other => panic!("nobody calls {other}"),
        })
    }

    fn call_blocking(&self, method: &str, _arguments: Vec<Argument>) -> Result<Value> {
        panic!("nobody calls {method} on the spot")
    }
}

fn envelopes(events: Vec<Value>) -> Vec<Envelope> {
    events.into_iter().map(|event| Envelope::from_value(event).expect("an event")).collect()
}

/// An event store in memory.
pub struct JsonStore(pub InMemoryEventStore);

fn recorded(events: Vec<RecordedEvent>) -> Value {
    let events = events.into_iter().map(|recorded| {
        let event: Value = serde_json::from_slice(&recorded.json).expect("JSON");
        assert!(event.get("sequence").is_none(), "it was appended without its place");
        json!({
            "position": recorded.position, "stream": &*recorded.stream, "version": recorded.version, "event": event,
        })
    });
    through(events.collect::<Value>())
}

#[async_trait]
impl ForeignObject for JsonStore {
    fn has(&self, method: &str) -> bool {
        ["append", "read_stream", "read_all", "streams", "head", "wait"].contains(&method)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        let mut arguments = Arguments::of(arguments);
        let limit = |limit: Option<u64>| limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(match method {
            "append" => {
                let stream = arguments.next();
                let expected = arguments.next::<Option<u64>>();
                let expected = expected.map_or(ExpectedVersion::Any, ExpectedVersion::Exact);
                let events = envelopes(arguments.next());
                let fence: Value = arguments.next();
                let fence =
                    fence.as_object().map(|fence| (through(&fence["name"]), through(&fence["token"])));
                through(self.0.append(Append { stream, expected, events, fence }).await?)
            }
            "read_stream" => {
                let (stream, after): (String, u64) = (arguments.next(), arguments.next());
                recorded(self.0.read_stream(&stream, after, limit(arguments.next())).await?)
            }
            "read_all" => recorded(self.0.read_all(arguments.next(), limit(arguments.next())).await?),
            "streams" => through(self.0.streams(&arguments.next::<String>()).await?),
            "head" => through(self.0.head().await?),
            "wait" => {
                let (after, at_most) = (arguments.next(), arguments.next());
                through(self.0.wait(after, Duration::from_millis(at_most)).await?)
            }
            other => panic!("nobody calls {other}"),
        })
    }

    fn call_blocking(&self, method: &str, _arguments: Vec<Argument>) -> Result<Value> {
        panic!("nobody calls {method} on the spot")
    }
}

/// Secrets from a table, scheme `memory`; with or without digests of its own.
#[derive(Default)]
pub struct JsonSecrets {
    /// The table.
    pub secrets: InMemorySecrets,
    /// Whether it has a method for digests.
    pub digests: bool,
}

#[async_trait]
impl ForeignObject for JsonSecrets {
    fn has(&self, method: &str) -> bool {
        method == "resolve" || (method == "digest" && self.digests)
    }

    async fn call(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        let mut arguments = Arguments::of(arguments);
        Ok(match method {
            "resolve" => {
                let (reference, _region): (String, Option<String>) = (arguments.next(), arguments.next());
                match self.secrets.resolve(&reference).await {
                    Ok(value) => through(value.reveal()),
                    Err(error) if error.kind() == ErrorKind::SecretUnresolved => Value::Null,
                    Err(error) => return Err(error),
                }
            }
            "digest" => {
                let value: String = arguments.next();
                through(self.secrets.digest(&SecretValue::new(value)).await?)
            }
            other => panic!("nobody calls {other}"),
        })
    }

    fn call_blocking(&self, method: &str, _arguments: Vec<Argument>) -> Result<Value> {
        panic!("nobody calls {method} on the spot")
    }
}
