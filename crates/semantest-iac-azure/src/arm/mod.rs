//! Azure Resource Manager: put, get, list, post and delete by resource id and API version. What Azure accepts and does
//! later is waited for; what it needs a registered provider for gets one; what is busy is tried again.

mod busy;
mod long_running;
mod pages;
mod registration;
mod rest;
#[cfg(test)]
pub(crate) mod tests;

use azure_core::http::Method;
use semantest_iac_core::ports::provider::Operation;
use semantest_iac_core::{Error, Result};
use serde_json::Value;

pub(crate) use self::rest::{Answer, Body, RestClient};
use crate::arm::busy::Busy;
use crate::arm::registration::Registrations;
use crate::config::CallSettings;
use crate::error::Failure;
use crate::resource_id::arm_type;

/// The header by which everything that belongs to one operation is found in the subscription's activity log.
const CORRELATION: &str = "x-ms-correlation-request-id";

/// Calls of Azure Resource Manager. Paths begin with a slash; where one holds a query already, `api` is added to it.
pub(crate) struct ArmClient {
    rest: RestClient,
    settings: CallSettings,
    registrations: Registrations,
}

impl ArmClient {
    /// A client of the Resource Manager that `rest` calls.
    pub fn new(rest: RestClient, settings: CallSettings) -> Self {
        Self { rest, settings, registrations: Registrations::default() }
    }

    /// What is at `path`, or nothing.
    pub async fn get(&self, path: &str, api: &str) -> Result<Option<Value>> {
        let sent = self.call(Method::Get, path, api, None, None).await;
        match sent {
            Ok(answer) => Ok(Some(answer.json())),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failed("get", path, failure)),
        }
    }

    /// All that is listed at `path`, page by page.
    pub async fn list(&self, path: &str, api: &str) -> Result<Vec<Value>> {
        pages::list(self, path, api).await.map_err(|failure| failed("list", path, failure))
    }

    /// Brings what is at `path` to `body`, waits until Azure is done, and gives what is there then.
    pub async fn put(&self, path: &str, api: &str, body: &Value, operation: &Operation) -> Result<Value> {
        self.write(Method::Put, path, api, Some(body), operation)
            .await
            .map_err(|failure| failed("put", path, failure))
    }

    /// Calls an action (`<id>/listKeys`), waits until Azure is done, and gives its answer; null where it has none. The action
    /// has to be one that can be repeated.
    pub async fn post(
        &self,
        path: &str,
        api: &str,
        body: Option<&Value>,
        operation: Option<&Operation>,
    ) -> Result<Value> {
        let operation = operation.map(|operation| operation.id.as_str());
        self.finished(Method::Post, path, api, body, operation)
            .await
            .map_err(|failure| failed("post", path, failure))
    }

    /// Gone afterwards, also if it was gone before.
    pub async fn delete(&self, path: &str, api: &str, operation: &Operation) -> Result<()> {
        match self.write(Method::Delete, path, api, None, operation).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(failed("delete", path, failure)),
        }
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        api: &str,
        body: Option<&Value>,
        operation: &Operation,
    ) -> Result<Value, Failure> {
        self.finished(method, path, api, body, Some(&operation.id)).await
    }

    /// Sends a call and waits for what it began.
    async fn finished(
        &self,
        method: Method,
        path: &str,
        api: &str,
        body: Option<&Value>,
        correlation: Option<&str>,
    ) -> Result<Value, Failure> {
        let mut busy = Busy::new(path, &self.settings);
        loop {
            let begun = match self.call(method, path, api, body, correlation).await {
                Ok(answer) => long_running::finish(self, method, &with_api(path, api), answer).await,
                Err(failure) => Err(failure),
            };
            match begun {
                Ok(value) => return Ok(value),
                Err(failure) => busy.wait_after(failure).await?,
            }
        }
    }

    /// One call; a provider that the subscription has not used yet is registered first where that is what was missing.
    async fn call(
        &self,
        method: Method,
        path: &str,
        api: &str,
        body: Option<&Value>,
        correlation: Option<&str>,
    ) -> Result<Answer, Failure> {
        let url = with_api(path, api);
        let sent = self.send(method, &url, body, correlation).await;
        let Some(namespace) = sent.as_ref().err().and_then(|failure| registration::missing(failure, path))
        else {
            return sent;
        };
        match self.settings.register_providers {
            true => self.registrations.register(self, path, &namespace).await?,
            false => return Err(registration::not_allowed(&namespace).into()),
        }
        self.send(method, &url, body, correlation).await
    }

    /// One call as it is: no waiting, no registering.
    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        correlation: Option<&str>,
    ) -> Result<Answer, Failure> {
        let headers: Vec<(&'static str, String)> =
            correlation.map(|id| (CORRELATION, id.to_owned())).into_iter().collect();
        let body = body.map_or(Body::Nothing, Body::Json);
        self.rest.send(method, url, &headers, body).await
    }
}

fn failed(verb: &str, path: &str, failure: Failure) -> Error {
    let error = failure.into_error(&format!("{verb} {}", arm_type(path)));
    error.with("resource", path.split('?').next().unwrap_or(path))
}

/// `path` with its API version.
fn with_api(path: &str, api: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}api-version={api}")
}
