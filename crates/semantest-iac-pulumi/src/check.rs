//! Check: inputs are judged before anything else, and what is not given is filled in.

use tonic::Status;

use crate::claims::Claimed;
use crate::configuration::Refused;
use crate::failure::{about_inputs, status};
use crate::inputs::{INPUTS, Inputs, NAMES, RESOURCES, check_form, with_defaults};
use crate::outputs::wanted;
use crate::place::{name_of, stack_of};
use crate::plugin::Session;
use crate::property::{Properties, Property, from_message, to_wire};
use crate::protocol::{CheckFailure, CheckRequest, CheckResponse};

/// Judges the inputs of a resource; adds the resources that they ask for, so that what will change can be shown.
///
/// # Errors
/// What is not about the inputs; that is an answer with failures.
pub(crate) async fn resource(session: &Session, request: CheckRequest) -> Result<CheckResponse, Status> {
    let given = from_message(request.news);
    session.checked(&request.urn);
    let mut inputs = with_defaults(&given, &session.configured(), stack_of(&request.urn));
    let failures = match check_form(&inputs, &INPUTS) {
        wrong if !wrong.is_empty() => wrong.into_iter().map(CheckFailure::from).collect(),
        _ => plan(session, &request.urn, &mut inputs).await?,
    };
    let inputs = if failures.is_empty() { inputs } else { given };
    Ok(CheckResponse { inputs: Some(to_wire(inputs)), failures })
}

async fn plan(session: &Session, urn: &str, inputs: &mut Properties) -> Result<Vec<CheckFailure>, Status> {
    if !inputs.contains_key("component") {
        let reason = "name the component: here, or for all with `pulumi config set semantest:component NAME`";
        return Ok(vec![CheckFailure { property: "component".into(), reason: reason.into() }]);
    }
    let wanted_inputs = Inputs::new(inputs);
    if !wanted_inputs.known() {
        inputs.insert(RESOURCES.to_owned(), Property::Unknown);
        return Ok(Vec::new());
    }
    let (request, taken) = match wanted_inputs.request() {
        Ok(request) => request,
        Err(refused) => return Ok(vec![refused.into()]),
    };
    let directory = wanted_inputs.directory(session.configured_directory().as_deref());
    session.projects().secrets(&directory).hold(taken.secrets);
    let planned = async {
        let iac = session.projects().open(&directory).await?;
        let plan = iac.plan_anew(request).await?;
        Ok((Claimed::new(&iac, &plan.deployment), plan))
    };
    match planned.await {
        Ok((deployment, plan)) => {
            if let Err(other) = session.claims().claim(urn, deployment) {
                return Ok(vec![twice(&plan.deployment, &other).into()]);
            }
            inputs.entry("provider".to_owned()).or_insert_with(|| Property::text(&plan.provider));
            inputs.insert(RESOURCES.to_owned(), Property::Object(wanted(&plan)));
            Ok(Vec::new())
        }
        Err(error) => match about_inputs(&error, inputs) {
            Some(refused) => Ok(vec![refused.into()]),
            None => Err(status(error)),
        },
    }
}

/// Two resources would undo one another's changes, and the end of one would be the end of the other.
fn twice(id: &str, other: &str) -> Refused {
    let text = format!(
        "`{id}` is the deployment of the resource `{}` in this program already: a component is deployed to an \
         environment by one resource; take one of the two away, or name another component or environment",
        name_of(other)
    );
    Refused::new("component", text)
}

/// Judges the provider's configuration.
pub(crate) fn configuration(request: CheckRequest) -> CheckResponse {
    let given = from_message(request.news);
    let failures = check_form(&given, &NAMES).into_iter().map(CheckFailure::from).collect();
    CheckResponse { inputs: Some(to_wire(given)), failures }
}
