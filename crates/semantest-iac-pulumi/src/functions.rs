//! Functions that a program can call: what is deployed, and how it came about.

use std::sync::Arc;

use semantest_iac::Iac;
use tonic::Status;

use crate::configuration::Refused;
use crate::failure::status;
use crate::inputs::{Inputs, check_form};
use crate::outputs::{self, facts};
use crate::plugin::Session;
use crate::property::{Properties, Property, from_message, to_wire};
use crate::protocol::{InvokeRequest, InvokeResponse};

const GET_DEPLOYMENT: &str = "semantest:index:getDeployment";
const GET_HISTORY: &str = "semantest:index:getHistory";

/// Arguments of both.
pub(crate) const ARGUMENTS: [&str; 3] = ["component", "environment", "directory"];

/// Calls a function.
///
/// # Errors
/// `NotFound` where nothing is deployed; `Unimplemented` for a function that there is not.
pub(crate) async fn invoke(session: &Session, request: InvokeRequest) -> Result<InvokeResponse, Status> {
    if ![GET_DEPLOYMENT, GET_HISTORY].contains(&request.tok.as_str()) {
        return Err(Status::unimplemented(format!("there is no function `{}`", request.tok)));
    }
    let mut arguments = from_message(request.args);
    for name in ARGUMENTS {
        if let (false, Some(value)) = (arguments.contains_key(name), session.configured().get(name)) {
            arguments.insert(name.to_owned(), value.clone());
        }
    }
    let mut wrong = check_form(&arguments, &ARGUMENTS);
    let missing = ["component", "environment"].into_iter().filter(|name| !arguments.contains_key(*name));
    wrong.extend(missing.map(|name| Refused::new(name, format!("name the {name}"))));
    if !wrong.is_empty() {
        let failures = wrong.into_iter().map(Into::into).collect();
        return Ok(InvokeResponse { r#return: None, failures });
    }
    let answer = match request.tok == GET_HISTORY {
        true => history(session, &arguments).await?,
        false => deployment(session, &arguments).await?,
    };
    Ok(InvokeResponse { r#return: Some(to_wire(answer)), failures: Vec::new() })
}

async fn deployment(session: &Session, arguments: &Properties) -> Result<Properties, Status> {
    let (iac, environment, component) = open(session, arguments).await?;
    let found = outputs::deployment(&iac, environment, component).await.map_err(status)?;
    let Some(found) = found else {
        return Err(Status::not_found(format!("`{component}` was never deployed to `{environment}`")));
    };
    let mut answer = facts(&found);
    answer.extend([
        ("component".to_owned(), Property::text(component)),
        ("environment".to_owned(), Property::text(environment)),
    ]);
    answer.extend(found.provider.map(|provider| ("provider".to_owned(), Property::Text(provider))));
    Ok(answer)
}

async fn history(session: &Session, arguments: &Properties) -> Result<Properties, Status> {
    let (iac, environment, component) = open(session, arguments).await?;
    let events = iac.history(environment, component).await.map_err(status)?;
    let events = events.iter().map(|event| Property::from_json(&event.to_value()));
    let events = Property::List(events.collect());
    Ok(Properties::from([("events".to_owned(), events)]))
}

async fn open<'a>(
    session: &Session,
    arguments: &'a Properties,
) -> Result<(Arc<Iac>, &'a str, &'a str), Status> {
    let arguments = Inputs::new(arguments);
    let directory = arguments.directory(session.configured_directory().as_deref());
    let iac = session.projects().open_to_look(&directory).await.map_err(status)?;
    let text = |name| arguments.text(name).unwrap_or_default();
    Ok((iac, text("environment"), text("component")))
}
