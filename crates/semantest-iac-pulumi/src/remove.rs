//! Delete: a deployment is taken away, and nothing happens where it is gone, or is that of another resource by now.

use std::sync::Arc;

use semantest_iac::CancellationToken;
use semantest_iac::events::request::RemovalRequested;
use tonic::Status;

use crate::claims::Claimed;
use crate::failure::status;
use crate::inputs::Inputs;
use crate::place::{Place, name_of};
use crate::plugin::Session;
use crate::property::{Properties, from_message};
use crate::protocol::DeleteRequest;
use crate::read::belongs;
use crate::work::Work;

/// Deletes a resource.
///
/// # Errors
/// What could not be taken away: the next run goes on.
pub(crate) async fn resource(
    session: &Arc<Session>,
    work: &Work,
    request: DeleteRequest,
) -> Result<(), Status> {
    let session = session.clone();
    let state = from_message(request.properties);
    let run = |cancel| async move { destroy(&session, &request.urn, &request.id, &state, &cancel).await };
    work.carry_out(request.timeout, run).await
}

async fn destroy(
    session: &Session,
    urn: &str,
    id: &str,
    state: &Properties,
    cancel: &CancellationToken,
) -> Result<(), Status> {
    let place = Place::of(id).map_err(status)?;
    let directory = Inputs::new(state).directory(session.configured_directory().as_deref());
    let iac = session.projects().open_to_look(&directory).await.map_err(status)?;
    belongs(&iac, &place).map_err(status)?;
    if let Some(other) = session.claims().other(urn, &Claimed::new(&iac, id)) {
        session.log().warn(urn, kept(id, urn, &other)).await;
        return Ok(());
    }
    session.name(&iac, &place.environment, &place.component, urn);
    let known = iac.status(Some(&place.environment), Some(&place.component)).await.map_err(status)?;
    if known.deployments.is_empty() {
        return Ok(());
    }
    let request = RemovalRequested { component: place.component, environment: place.environment };
    let answer = iac.destroy(request, cancel).await.map_err(status)?;
    answer.error.map_or(Ok(()), |error| Err(status(error.into())))
}

/// Says why the deployment stays.
fn kept(id: &str, urn: &str, other: &str) -> String {
    let (old, new) = (name_of(urn), name_of(other));
    format!(
        "`{id}` stays: it is the deployment of the resource `{new}` now, and only the resource `{old}` is taken out of \
         Pulumi's state. To rename a resource without its being made anew, give the new one \
         `aliases: [{{ name: {old} }}]`"
    )
}
