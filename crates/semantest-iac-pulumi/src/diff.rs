//! Diff: what an update would do. What will change is our plan's to say, what must be made anew the deployment's identity.

use std::collections::BTreeSet;

use semantest_iac::answer::PlanAnswer;
use semantest_iac::domain::deployment::plan::{PlanStep, StepAction};
use semantest_iac::ports::project::Project;
use tonic::Status;

use crate::detailed_diff::{Difference, How, differences};
use crate::failure::{refused, status};
use crate::inputs::{Inputs, RESOURCES};
use crate::place::Place;
use crate::plugin::Session;
use crate::property::{Properties, Property, from_message};
use crate::protocol::diff_response::DiffChanges;
use crate::protocol::{DiffRequest, DiffResponse, PropertyDiff};

/// What differs, and what of it means that the resource is made anew.
#[derive(Default)]
struct Judged {
    found: Vec<Difference>,
    replaces: BTreeSet<String>,
    delete_first: bool,
}

/// What of a plan matters here.
enum Outlook {
    /// It is another deployment, by these inputs.
    Another(Vec<&'static str>),
    /// The same, which lives elsewhere (this input says where): it has to go first.
    Elsewhere(String),
    /// The same, and this is what will be done.
    Planned(PlanAnswer),
    /// The same, with nothing to do but to start it: this machine was.
    Asleep,
}

/// Answers the engine.
///
/// # Errors
/// Where no plan can be made.
pub(crate) async fn resource(session: &Session, request: DiffRequest) -> Result<DiffResponse, Status> {
    let (outputs, new) = (from_message(request.olds), from_message(request.news));
    let mut old = from_message(request.old_inputs);
    if old.is_empty() {
        old = outputs
            .iter()
            .filter(|(name, _)| new.contains_key(*name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
    }
    let mut judged = Judged { found: differences(&old, &new), ..Judged::default() };
    // A refresh asks with both sides exchanged: the old side is what was found. No plan has a part in that.
    if !session.is_refreshing(&request.urn) {
        if Inputs::new(&new).known() {
            let outlook = look(session, &request.id, &new).await?;
            judged.heed(outlook, &outputs, &new);
        } else {
            let unknown = ["component", "environment"].into_iter();
            let unknown = unknown.filter(|name| new.get(*name).is_some_and(Property::has_unknown));
            judged.replaces.extend(unknown.map(str::to_owned));
        }
    }
    let ignored: Vec<&str> = request.ignore_changes.iter().map(|path| root_of(path)).collect();
    judged.found.retain(|one| !ignored.contains(&one.root()));
    Ok(judged.answer())
}

/// Answers for the provider's configuration: nothing in it makes a resource another one, `check` and `diff` of the resource
/// see to that.
pub(crate) fn configuration(request: DiffRequest) -> DiffResponse {
    let old = from_message(request.old_inputs);
    let old = if old.is_empty() { from_message(request.olds) } else { old };
    Judged { found: differences(&old, &from_message(request.news)), ..Judged::default() }.answer()
}

/// The plan of `inputs`, the way `update` would carry it out.
pub(crate) async fn plan(session: &Session, inputs: &Properties) -> Result<PlanAnswer, Status> {
    plan_of(session, inputs).await?.map_err(status)
}

async fn plan_of(
    session: &Session,
    inputs: &Properties,
) -> Result<semantest_iac::Result<PlanAnswer>, Status> {
    let inputs = Inputs::new(inputs);
    let (request, taken) = inputs.request().map_err(refused)?;
    let directory = inputs.directory(session.configured_directory().as_deref());
    session.projects().secrets(&directory).hold(taken.secrets);
    let iac = session.projects().open(&directory).await.map_err(status)?;
    Ok(iac.plan(request).await)
}

async fn look(session: &Session, id: &str, new: &Properties) -> Result<Outlook, Status> {
    let inputs = Inputs::new(new);
    let directory = inputs.directory(session.configured_directory().as_deref());
    let iac = session.projects().open(&directory).await.map_err(status)?;
    let place = Place::of(id).map_err(status)?;
    let other = [
        ("component", inputs.text("component") != Some(&place.component)),
        ("environment", inputs.text("environment") != Some(&place.environment)),
        ("directory", iac.project().name() != place.project),
    ];
    let other: Vec<&str> = other.into_iter().filter(|(_, other)| *other).map(|(name, _)| name).collect();
    if !other.is_empty() {
        return Ok(Outlook::Another(other));
    }
    match plan_of(session, new).await? {
        Ok(plan) if plan.changes.total_changes() > 0 => Ok(Outlook::Planned(plan)),
        Ok(plan) => {
            let served = iac.is_served(&place.environment, &place.component).await.map_err(status)?;
            Ok(if served { Outlook::Planned(plan) } else { Outlook::Asleep })
        }
        Err(error) if error.operation() == "deployment.place" => {
            let field = error.context().iter().find(|(key, _)| key == "field");
            Ok(Outlook::Elsewhere(field.map_or_else(|| "provider".to_owned(), |(_, field)| field.clone())))
        }
        Err(error) => Err(status(error)),
    }
}

impl Judged {
    fn heed(&mut self, outlook: Outlook, outputs: &Properties, new: &Properties) {
        match outlook {
            Outlook::Another(names) => names.into_iter().for_each(|name| self.replace(name)),
            Outlook::Elsewhere(name) => {
                self.replace(&name);
                self.delete_first = true;
            }
            Outlook::Asleep => {
                self.found.retain(|one| one.root() != RESOURCES);
                self.found.push(Difference::new(&[RESOURCES], How::Changed));
            }
            Outlook::Planned(plan) => {
                self.found.retain(|one| one.root() != RESOURCES);
                let tree = |properties: &Properties| {
                    properties.get(RESOURCES).and_then(Property::as_object).cloned().unwrap_or_default()
                };
                let (old, new) = (tree(outputs), tree(new));
                self.found.extend(plan.steps.iter().flat_map(|step| step_differences(step, &old, &new)));
            }
        }
    }

    fn replace(&mut self, name: &str) {
        self.replaces.insert(name.to_owned());
        if !self.found.iter().any(|one| one.root() == name) {
            self.found.push(Difference::new(&[name], How::Changed));
        }
    }

    fn answer(self) -> DiffResponse {
        let roots: BTreeSet<&str> = self.found.iter().map(Difference::root).collect();
        let replaces: Vec<String> =
            self.replaces.iter().filter(|name| roots.contains(name.as_str())).cloned().collect();
        let detailed = self.found.iter().map(|one| {
            let kind = one.kind(replaces.iter().any(|name| name == one.root())).into();
            // What is there now is in the outputs: the log may know more than the inputs of last time.
            (one.text(), PropertyDiff { kind, input_diff: one.root() != RESOURCES })
        });
        let changes = if self.found.is_empty() { DiffChanges::DiffNone } else { DiffChanges::DiffSome };
        DiffResponse {
            changes: changes.into(),
            diffs: roots.iter().map(|root| (*root).to_owned()).collect(),
            detailed_diff: detailed.collect(),
            has_detailed_diff: true,
            delete_before_replace: self.delete_first && !replaces.is_empty(),
            replaces,
        }
    }
}

/// A step as differences of the resource it is about.
fn step_differences(step: &PlanStep, old: &Properties, new: &Properties) -> Vec<Difference> {
    let address = step.address.as_str();
    let whole = |how| vec![Difference::new(&[RESOURCES, address], how)];
    match step.action {
        StepAction::Unchanged => Vec::new(),
        StepAction::Delete => whole(How::Removed),
        StepAction::Create if !old.contains_key(address) => whole(How::Added),
        StepAction::Create => whole(How::Changed),
        StepAction::Update | StepAction::Replace => {
            let (Some(Property::Object(old)), Some(Property::Object(new))) =
                (old.get(address), new.get(address))
            else {
                return whole(How::Changed);
            };
            let mut found = differences(old, new);
            for one in &mut found {
                one.path.splice(0..0, [RESOURCES.to_owned(), address.to_owned()]);
            }
            // The log knows of something that Pulumi's state does not.
            if found.is_empty() { whole(How::Changed) } else { found }
        }
    }
}

/// The top-level property of a path.
fn root_of(path: &str) -> &str {
    path.trim_start_matches("[\"").split(['.', '[', '"']).next().unwrap_or_default()
}
