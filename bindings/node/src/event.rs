//! What JavaScript asks of events that are in no log.

use napi_derive::napi;
use semantest_iac::events::envelope::Envelope;

use crate::errors::refused;
use crate::handler::text;

/// A new UUIDv7, as text.
#[napi(catch_unwind)]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A CloudEvents object with its data brought up to date, as JSON.
#[napi(catch_unwind)]
pub fn upcast(event: String) -> napi::Result<String> {
    let event = Envelope::from_json(event.as_bytes()).map_err(|error| refused(&error))?;
    Ok(text(&event))
}
