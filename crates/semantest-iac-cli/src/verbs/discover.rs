//! `discover`

use semantest_iac::{DiscoverAnswer, Iac, Result};

use crate::Exit;
use crate::render;
use crate::session::Session;

pub(super) async fn run(session: &Session) -> Result<Exit> {
    let iac = session.open_to_discover().await?;
    let found = found(session, &iac).await?;
    session.output.result(&found, &render::orphans(&found));
    Ok(Exit::DONE)
}

/// What is in the clouds and not in the log, of the components that were named or all.
pub(super) async fn found(session: &Session, iac: &Iac) -> Result<DiscoverAnswer> {
    let named = session.distinct();
    let one = if let [one] = named.as_slice() { Some(one.as_str()) } else { None };
    let provider = session.global.provider.as_deref();
    let mut found = iac.discover(&session.global.environment, one, provider, None).await?;
    found.orphans.retain(|orphan| named.is_empty() || named.contains(&orphan.component));
    Ok(found)
}
