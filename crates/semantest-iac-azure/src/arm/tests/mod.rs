//! The client against the simulator, against Microsoft's own scenarios, and against answers written down here.

mod scenarios;
pub(crate) mod scripted;
mod simulated;

use std::sync::Arc;
use std::time::Duration;

use semantest_iac_core::ports::provider::Operation;

use super::ArmClient;
use crate::caller::Caller;
use crate::config::{CallSettings, Pauses};
use crate::credentials::StaticToken;

/// Settings of calls that wait for nobody.
pub(crate) fn settings(token: &str) -> CallSettings {
    CallSettings {
        credential: Some(Arc::new(StaticToken::new(token))),
        pauses: Pauses { first: Duration::from_millis(1), longest: Duration::from_millis(5) },
        attempt_timeout: Duration::from_secs(20),
        ..CallSettings::default()
    }
}

fn client(endpoint: &str, settings: &CallSettings) -> ArmClient {
    let caller = Caller::new(settings).expect("a caller");
    let rest = caller.service(endpoint, Some("https://management.azure.com/.default")).expect("an endpoint");
    ArmClient::new(rest, settings.clone())
}

fn operation() -> Operation {
    Operation { id: "0192f0c1-2d3e-7abc-8def-0123456789ab".into(), attempt: 1 }
}
