//! Create and update: both deploy, and both can be tried without doing anything.

use std::sync::Arc;

use semantest_iac::{CancellationToken, Error, ErrorKind};
use tonic::Status;

use crate::diff::plan;
use crate::failure::{half_done, refused, status};
use crate::inputs::{Inputs, RESOURCES};
use crate::outputs::{self, before_creation, before_update};
use crate::plugin::Session;
use crate::property::{Properties, from_message, to_wire};
use crate::protocol::{CreateRequest, CreateResponse, UpdateRequest, UpdateResponse};
use crate::work::Work;

/// Creates a resource: deploys its component.
///
/// # Errors
/// What kept the run from beginning; a run that began and failed leaves the resource half done.
pub(crate) async fn create(
    session: &Arc<Session>,
    work: &Work,
    request: CreateRequest,
) -> Result<CreateResponse, Status> {
    let inputs = from_message(request.properties);
    if request.preview {
        let id = match Inputs::new(&inputs).known() {
            true => Some(plan(session, &inputs).await?.deployment),
            false => None,
        };
        let properties = Some(to_wire(before_creation(&inputs, id)));
        return Ok(CreateResponse { id: String::new(), properties });
    }
    let (session, urn) = (session.clone(), request.urn);
    let run = |cancel| async move { deploy(&session, &urn, inputs, &cancel).await };
    let (id, outputs) = work.carry_out(request.timeout, run).await?;
    Ok(CreateResponse { id, properties: Some(to_wire(outputs)) })
}

/// Updates a resource: deploys its component again.
///
/// # Errors
/// As [`create`].
pub(crate) async fn update(
    session: &Arc<Session>,
    work: &Work,
    request: UpdateRequest,
) -> Result<UpdateResponse, Status> {
    let inputs = from_message(request.news);
    if request.preview {
        let plan = match Inputs::new(&inputs).known() {
            true => Some(plan(session, &inputs).await?),
            false => None,
        };
        let outputs = before_update(&inputs, &from_message(request.olds), plan.as_ref());
        return Ok(UpdateResponse { properties: Some(to_wire(outputs)) });
    }
    let (session, urn) = (session.clone(), request.urn);
    let run = |cancel| async move { deploy(&session, &urn, inputs, &cancel).await };
    let (id, outputs) = work.carry_out(request.timeout, run).await?;
    match id == request.id {
        true => Ok(UpdateResponse { properties: Some(to_wire(outputs)) }),
        false => {
            Err(Status::internal(format!("`{}` became `{id}`: it should have been replaced", request.id)))
        }
    }
}

/// Deploys, and returns id and outputs.
async fn deploy(
    session: &Session,
    urn: &str,
    inputs: Properties,
    cancel: &CancellationToken,
) -> Result<(String, Properties), Status> {
    let asked = Inputs::new(&inputs);
    if !asked.known() {
        return Err(Status::invalid_argument("an input is not known yet"));
    }
    let (request, taken) = asked.request().map_err(refused)?;
    let directory = asked.directory(session.configured_directory().as_deref());
    session.projects().secrets(&directory).hold(taken.secrets);
    let iac = session.projects().open(&directory).await.map_err(status)?;
    let place = session.name(&iac, &request.environment, &request.component, urn);
    let answer = iac.deploy(request, cancel).await.map_err(status)?;
    let deployment = outputs::deployment(&iac, &place.environment, &place.component).await.map_err(status)?;
    let Some(deployment) = deployment else {
        let text = format!("`{}` is not in the log", answer.deployment);
        return Err(status(Error::new(ErrorKind::Internal, "pulumi.deploy", text)));
    };
    let outputs = outputs::of(&inputs, &deployment);
    let Some(error) = answer.error else { return Ok((answer.deployment, outputs)) };
    // What is there is an input too: so the next run sees what is still to be done.
    let mut inputs = inputs;
    inputs.extend(outputs.get(RESOURCES).map(|there| (RESOURCES.to_owned(), there.clone())));
    Err(half_done(answer.deployment, inputs, outputs, &error))
}
