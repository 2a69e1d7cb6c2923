//! Ports written in JavaScript: targets that are asked for a method by name.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use semantest_iac::foreign::{
    Argument, ForeignEventBus, ForeignEventStore, ForeignObject, ForeignProvider, ForeignSecretResolver,
};
use semantest_iac::ports::event_bus::EventBus;
use semantest_iac::ports::event_store::EventStore;
use semantest_iac::ports::provider::Provider;
use semantest_iac::ports::secret_resolver::SecretResolver;
use semantest_iac::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::numbers::{SAFE, is_safe};
use crate::outcome::Called;
use crate::queue::Queue;

/// Methods whose numbers are places to read from, and how much: no log that counts in JavaScript's numbers has more.
const READS: [&str; 3] = ["read_stream", "read_all", "wait"];

/// What JavaScript hands over for a port.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    target: i64,
    /// `provider`, `event_bus`, `event_store`, `secret_resolver`.
    pub role: String,
    /// For messages, and the provider's name.
    name: String,
    methods: BTreeSet<String>,
    #[serde(default)]
    schemes: Vec<String>,
}

impl Port {
    pub fn provider(self, queue: &Arc<Queue>) -> Result<Arc<dyn Provider>> {
        let name = self.name.clone();
        Ok(Arc::new(ForeignProvider::new(&name, self.object(queue, ErrorKind::Provider))?))
    }

    pub fn event_bus(self, queue: &Arc<Queue>) -> Result<Arc<dyn EventBus>> {
        Ok(Arc::new(ForeignEventBus::new(self.object(queue, ErrorKind::HandlerFailed))?))
    }

    pub fn event_store(self, queue: &Arc<Queue>) -> Result<Arc<dyn EventStore>> {
        Ok(Arc::new(ForeignEventStore::new(self.object(queue, ErrorKind::Storage))?))
    }

    pub fn secret_resolver(mut self, queue: &Arc<Queue>) -> Result<Arc<dyn SecretResolver>> {
        let schemes = std::mem::take(&mut self.schemes);
        let object = self.object(queue, ErrorKind::SecretUnresolved);
        Ok(Arc::new(ForeignSecretResolver::new(schemes, object)?))
    }

    fn object(self, queue: &Arc<Queue>, kind: ErrorKind) -> Arc<dyn ForeignObject> {
        let Self { target, role, name, methods, .. } = self;
        Arc::new(NodeObject { target, role, name, methods, kind, queue: queue.clone() })
    }
}

struct NodeObject {
    target: i64,
    role: String,
    name: String,
    methods: BTreeSet<String>,
    /// What an error of its own counts as.
    kind: ErrorKind,
    queue: Arc<Queue>,
}

#[async_trait]
impl ForeignObject for NodeObject {
    fn has(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    async fn call(&self, method: &str, mut arguments: Vec<Argument>) -> Result<Value> {
        if READS.contains(&method) {
            arguments.iter_mut().for_each(clamp);
        }
        let operation = format!("{}.{method}", self.role);
        let what = format!("{operation} of {}", self.name);
        let called = Called { operation, what, kind: self.kind, unreachable: ErrorKind::Unavailable };
        let lent = Lent::new(&self.queue, method, arguments);
        called.check(&lent.text)?;
        let answered = self.queue.call(self.target, lent.text.clone()).await;
        let answer = called.read(answered);
        lent.keep_where(answer.is_ok());
        answer
    }

    fn call_blocking(&self, method: &str, arguments: Vec<Argument>) -> Result<Value> {
        // JavaScript's thread answers meanwhile: this one is of the runtime.
        tokio::task::block_in_place(|| Handle::current().block_on(self.call(method, arguments)))
    }
}

/// A call's text, and the handlers that are lent with it. Where the call fails, nobody will use them.
struct Lent<'a> {
    queue: &'a Queue,
    text: String,
    handlers: Vec<i64>,
}

impl<'a> Lent<'a> {
    fn new(queue: &'a Queue, method: &str, arguments: Vec<Argument>) -> Self {
        let mut handlers = Vec::new();
        let mut given = |argument| match argument {
            Argument::Json(value) => value,
            Argument::Handler(handler) => {
                let name = handler.name().to_owned();
                let number = queue.lend(handler);
                handlers.push(number);
                json!({ "handler": number, "name": name })
            }
        };
        let arguments: Vec<Value> = arguments.into_iter().map(&mut given).collect();
        let text = json!({ "method": method, "arguments": arguments }).to_string();
        Self { queue, text, handlers }
    }

    /// JavaScript gives them back itself where the call went well.
    fn keep_where(mut self, went_well: bool) {
        if went_well {
            self.handlers.clear();
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.handlers.iter().for_each(|number| self.queue.take_back(*number));
    }
}

fn clamp(argument: &mut Argument) {
    if let Argument::Json(Value::Number(number)) = argument
        && !is_safe(number)
    {
        *number = SAFE.into();
    }
}
