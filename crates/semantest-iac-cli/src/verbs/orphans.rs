//! `destroy --orphans`

use std::collections::BTreeMap;

use semantest_iac::answer::{DeployAnswer, RunStatus};
use semantest_iac::events::request::OrphanRemovalRequested;
use semantest_iac::{DiscoverAnswer, Error, ErrorKind, Iac, Place, Result};

use super::destroy::agreed;
use super::discover::found;
use super::run_each;
use crate::Exit;
use crate::arguments::DestroyArguments;
use crate::render;
use crate::session::Session;
use crate::several::sum;

pub(super) async fn run(session: &Session, arguments: &DestroyArguments) -> Result<Exit> {
    let iac = session.open_to_discover().await?;
    let found = found(session, &iac).await?;
    let places = places(&found);
    if !places.is_empty() && !arguments.yes {
        let names: Vec<&str> = places.keys().map(String::as_str).collect();
        let what = format!("the orphans of {} in {}", names.join(", "), found.environment);
        if !agreed(session, &what, &render::orphans(&found)).await? {
            session.output.note("nothing was changed");
            return Ok(Exit::FAILED);
        }
    }
    session.show_progress(&iac, places.len()).await?;
    let components = places.keys().cloned().collect();
    run_each(session, &iac, components, "there is no orphan", async |component| {
        remove(session, &iac, component, places.get(component).map_or(&[], Vec::as_slice)).await
    })
    .await
}

/// Where each component has orphans.
fn places(found: &DiscoverAnswer) -> BTreeMap<String, Vec<Place>> {
    let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for orphan in &found.orphans {
        let of_component = places.entry(orphan.component.clone()).or_default();
        if !of_component.contains(&orphan.place) {
            of_component.push(orphan.place.clone());
        }
    }
    places
}

/// One place after the other: a deployment has one run at a time.
async fn remove(session: &Session, iac: &Iac, component: &str, places: &[Place]) -> Result<DeployAnswer> {
    let mut so_far: Option<DeployAnswer> = None;
    for place in places {
        let request = OrphanRemovalRequested {
            component: component.to_owned(),
            environment: session.global.environment.clone(),
            provider: place.provider.clone(),
            region: place.region.clone(),
        };
        let mut answer = iac.remove_orphans(request, &session.cancel).await?;
        if let Some(before) = so_far {
            let unchanged = answer.changes.unchanged;
            answer.changes = sum([&before.changes, &answer.changes].into_iter());
            answer.changes.unchanged = unchanged;
        }
        if answer.status == RunStatus::Failed {
            return Ok(answer);
        }
        so_far = Some(answer);
    }
    so_far.ok_or_else(|| Error::new(ErrorKind::Internal, "cli.orphans", "no place to look at"))
}
