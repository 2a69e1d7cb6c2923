//! The suites that every adapter passes, run over ports written in JavaScript.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use napi_derive::napi;
use semantest_iac::conformance;
use semantest_iac::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

use crate::answer::{Answer, answer, said};
use crate::bridge::Bridge;
use crate::errors::refused;
use crate::port::Port;
use crate::queue::Queue;
use crate::runtime::until_the_end;

type Suite = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs the suite of the port's role: `null`, or the broken claim as text. `sample` is what a provider or a secret
/// resolver is tried on.
#[napi(catch_unwind)]
pub fn check_conformance(bridge: &Bridge, call: i64, port: String, sample: String) -> napi::Result<()> {
    let queue = bridge.queue.clone();
    let suite = suite(&queue, &port, &sample).map_err(|error| refused(&error))?;
    answer(&bridge.queue, call, async move {
        // A broken claim is a panic there, and an answer here.
        let tried = async { Ok(AssertUnwindSafe(suite).catch_unwind().await) };
        match until_the_end(&queue, tried).await? {
            Ok(()) => Ok(Answer::nothing()),
            Err(claim) => {
                let said = Some(said(&*claim)).filter(|said| !said.is_empty());
                Ok(Answer::of(&said.as_deref().unwrap_or("a claim is broken")))
            }
        }
    })
}

fn suite(queue: &Arc<Queue>, port: &str, sample: &str) -> Result<Suite> {
    let port: Port =
        serde_json::from_str(port).map_err(|error| refuse(&format!("this is no port: {error}")))?;
    Ok(match port.role.as_str() {
        "provider" => {
            let sample: conformance::provider::Sample = read_sample(sample)?;
            let provider = port.provider(queue)?;
            Box::pin(async move { conformance::provider::conforms(provider.as_ref(), &sample).await })
        }
        "event_bus" => {
            let bus = port.event_bus(queue)?;
            Box::pin(async move { conformance::event_bus::conforms(bus.as_ref()).await })
        }
        "event_store" => {
            let store = port.event_store(queue)?;
            Box::pin(async move { conformance::event_store::conforms(store).await })
        }
        "secret_resolver" => {
            let sample: conformance::secret_resolver::Sample = read_sample(sample)?;
            let resolver = port.secret_resolver(queue)?;
            Box::pin(async move { conformance::secret_resolver::conforms(resolver.as_ref(), &sample).await })
        }
        role => return Err(refuse(&format!("there is no suite for `{role}`"))),
    })
}

fn read_sample<T: DeserializeOwned>(sample: &str) -> Result<T> {
    // What serde says of it may show a secret.
    serde_json::from_str(sample).map_err(|_| refuse("the sample is not as the suite needs it"))
}

fn refuse(text: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "conformance.check", text)
}
