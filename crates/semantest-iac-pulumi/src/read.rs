//! Read: a refresh looks the deployment up, an import finds it by its id.

use std::sync::Arc;

use semantest_iac::answer::{DeploymentAnswer, DriftAnswer};
use semantest_iac::ports::project::Project;
use semantest_iac::{Error, ErrorKind, Iac, Result};
use tonic::Status;

use crate::failure::status;
use crate::inputs::{Inputs, RESOURCES};
use crate::outputs::{self, lay_drift};
use crate::place::Place;
use crate::plugin::Session;
use crate::property::{Properties, Property, from_message, to_wire};
use crate::protocol::{ReadRequest, ReadResponse};
use crate::work::Work;

/// Answers with what is there, or with no id where nothing is.
///
/// # Errors
/// `InvalidInput` for an id that is none of this project's; the log's and the provider's errors.
pub(crate) async fn resource(
    session: &Arc<Session>,
    work: &Work,
    request: ReadRequest,
) -> std::result::Result<ReadResponse, Status> {
    let session = session.clone();
    // What was found is recorded: that must not be broken off.
    work.carry_out(0.0, |_| async move { read(&session, request).await }).await
}

async fn read(session: &Session, request: ReadRequest) -> std::result::Result<ReadResponse, Status> {
    let place = Place::of(&request.id).map_err(status)?;
    let (stored, state) = (from_message(request.inputs), from_message(request.properties));
    let directory = match Inputs::new(&stored).text("directory") {
        Some(_) => Inputs::new(&stored).directory(None),
        None => Inputs::new(&state).directory(session.configured_directory().as_deref()),
    };
    let iac = session.projects().open_to_look(&directory).await.map_err(status)?;
    belongs(&iac, &place).map_err(status)?;
    session.name(&iac, &place.environment, &place.component, &request.urn);
    let Some((deployment, drift)) = look(&iac, &place).await.map_err(status)? else {
        return Ok(ReadResponse::default());
    };
    session.reads(&request.urn);
    let mut inputs = if stored.is_empty() { imported(&deployment) } else { stored };
    let mut outputs = outputs::of(&inputs, &deployment);
    let mut resources = outputs::resources(&deployment);
    lay_drift(&mut resources, &drift);
    if !drift.is_empty() {
        outputs.insert("status".to_owned(), Property::text("drifted"));
    }
    for properties in [&mut inputs, &mut outputs] {
        properties.insert(RESOURCES.to_owned(), Property::Object(resources.clone()));
    }
    Ok(ReadResponse { id: request.id, properties: Some(to_wire(outputs)), inputs: Some(to_wire(inputs)) })
}

/// The deployment as the log says, and what is not so; nothing where nothing is deployed.
async fn look(iac: &Iac, place: &Place) -> Result<Option<(DeploymentAnswer, Vec<DriftAnswer>)>> {
    let (environment, component) = (&place.environment, &place.component);
    let drift = match iac.refresh(environment, component).await {
        Ok(refreshed) => refreshed.drift,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let deployment = outputs::deployment(iac, environment, component).await?;
    Ok(deployment.map(|deployment| (deployment, drift)))
}

/// Inputs of what Pulumi did not know before.
fn imported(deployment: &DeploymentAnswer) -> Properties {
    let mut inputs = Properties::from([
        ("component".to_owned(), Property::text(&deployment.component)),
        ("environment".to_owned(), Property::text(&deployment.environment)),
    ]);
    inputs.extend(deployment.provider.as_ref().map(|name| ("provider".to_owned(), Property::text(name))));
    inputs
}

/// Checks that an id is of the project that was found.
///
/// # Errors
/// `InvalidInput` with the name of the project.
pub(crate) fn belongs(iac: &Iac, place: &Place) -> Result<()> {
    let project = iac.project();
    if project.name() == place.project {
        return Ok(());
    }
    let text = format!(
        "`{}` is a deployment of project `{}`, and {} holds project `{}`: name the folder of the other one \
         (`directory`, or `pulumi config set semantest:directory DIR`)",
        place.id(),
        place.project,
        project.directory().display(),
        project.name()
    );
    Err(Error::new(ErrorKind::InvalidInput, "pulumi.id", text))
}
