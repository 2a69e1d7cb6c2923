//! Lists that come page by page.

use azure_core::http::Method;
use serde_json::Value;

use super::{ArmClient, with_api};
use crate::error::Failure;

/// A list that goes on for longer is going round in circles.
const MOST_PAGES: usize = 10_000;

/// Everything listed at `path`. The address of a next page is Azure's own, API version and all; it is followed within the
/// origin only.
pub(super) async fn list(arm: &ArmClient, path: &str, api: &str) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    let mut answer = arm.call(Method::Get, path, api, None, None).await?;
    for _ in 0..MOST_PAGES {
        let mut page = answer.json();
        if let Some(items) = page["value"].as_array_mut() {
            all.append(items);
        }
        let next = page["nextLink"].as_str().filter(|next| !next.is_empty());
        let Some(next) = next else { return Ok(all) };
        answer = arm.send(Method::Get, next, None, None).await?;
    }
    let detail = format!("the list at {} does not end", with_api(path, api));
    Err(Failure::Unknown { timed_out: false, detail })
}
