//! Resource providers: a subscription has to be registered with each (`Microsoft.Web`) before it can make anything of its.

use std::collections::HashMap;
use std::sync::Arc;

use azure_core::http::Method;
use semantest_iac_core::ports::provider::NOTICE;
use semantest_iac_core::{Error, ErrorKind};
use tokio::sync::{Mutex, OnceCell};

use super::{ArmClient, with_api};
use crate::error::Failure;
use crate::patience::Patience;
use crate::resource_id::{namespace, subscription};

/// Of the registry of resource providers.
const API: &str = "2024-03-01";

/// The registrations of this run, by subscription and namespace: each is asked for once, however many calls need it.
#[derive(Default)]
pub(super) struct Registrations {
    begun: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
}

impl Registrations {
    /// Registers the subscription of `path` with `namespace` and waits until it is.
    pub async fn register(&self, arm: &ArmClient, path: &str, namespace: &str) -> Result<(), Failure> {
        let subscription = subscription(path).unwrap_or_default();
        let provider = format!("/subscriptions/{subscription}/providers/{namespace}");
        let once = self.begun.lock().await.entry(provider.to_ascii_lowercase()).or_default().clone();
        once.get_or_try_init(|| register(arm, &provider, namespace)).await.map(drop)
    }
}

async fn register(arm: &ArmClient, provider: &str, namespace: &str) -> Result<(), Failure> {
    tracing::info!(target: NOTICE, "  registering this subscription with {namespace}, as Azure asks for");
    let asked = format!("{provider}/register");
    arm.send(Method::Post, &with_api(&asked, API), None, None)
        .await
        .map_err(|failure| refused(failure, namespace))?;
    let pauses = arm.settings.pauses;
    let mut patience = Patience::new(format!("{namespace} to be registered"), arm.settings.operation_timeout)
        .pauses(pauses.first, pauses.longest);
    loop {
        let state = arm.send(Method::Get, &with_api(provider, API), None, None).await?.json();
        if state["registrationState"].as_str().is_some_and(|state| state.eq_ignore_ascii_case("registered")) {
            return Ok(());
        }
        patience.pause().await?;
    }
}

fn refused(failure: Failure, namespace: &str) -> Failure {
    let error = failure.into_error("post providers/register");
    let text = format!(
        "{}; somebody who may has to run `az provider register --namespace {namespace}` once",
        error.message()
    );
    Error::new(error.kind(), error.operation(), text).with_retry(error.retry()).into()
}

/// The namespace that a refusal asks to register with.
pub(super) fn missing(failure: &Failure, path: &str) -> Option<String> {
    if !failure.is(&["MissingSubscriptionRegistration", "SubscriptionNotRegistered"]) {
        return None;
    }
    let Failure::Refused { message, .. } = failure else { return None };
    // A resource may need another provider than its own, which is named in quotes then.
    let quoted =
        message.split('\'').skip(1).step_by(2).find(|part| part.contains('.') && !part.contains(' '));
    quoted.or_else(|| namespace(path)).map(str::to_owned)
}

/// Registering is somebody else's here.
pub(super) fn not_allowed(namespace: &str) -> Error {
    let text = format!(
        "this subscription is not registered with {namespace}, and SEMANTEST_AZURE_REGISTER=off forbids to do so: run \
         `az provider register --namespace {namespace}` once"
    );
    Error::new(ErrorKind::PermissionDenied, "azure.register", text).with("namespace", namespace)
}
