//! `destroy`

use std::io::{BufRead, IsTerminal, Write};

use semantest_iac::answer::DeploymentAnswer;
use semantest_iac::events::request::RemovalRequested;
use semantest_iac::{Error, ErrorKind, Result};

use super::{NOTHING, live, run_each};
use crate::Exit;
use crate::arguments::DestroyArguments;
use crate::printable::printable;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &DestroyArguments) -> Result<Exit> {
    let iac = session.open_to_look().await?;
    let named = session.named(&iac).await?;
    let going = live(session, &iac).await?;
    let all = || going.iter().map(|deployment| deployment.component.clone()).collect();
    let components = if named.is_empty() { all() } else { named };
    session.check_provider(&iac, &components).await?;
    if going.is_empty() && !components.is_empty() {
        session.output.note("nothing is deployed: there is nothing to take away");
    }
    if !arguments.yes && !going.is_empty() && !confirmed(session, &going).await? {
        session.output.note("nothing was changed");
        return Ok(Exit::FAILED);
    }
    session.show_progress(&iac, components.len()).await?;
    run_each(session, &iac, components, NOTHING, async |component| {
        let (component, environment) = (component.to_owned(), session.global.environment.clone());
        iac.destroy(RemovalRequested { component, environment }, &session.cancel).await
    })
    .await
}

async fn confirmed(session: &Session, going: &[DeploymentAnswer]) -> Result<bool> {
    let names: Vec<&str> = going.iter().map(|deployment| deployment.component.as_str()).collect();
    let what = format!("{} in {}", names.join(", "), session.global.environment);
    let list: Vec<String> = going.iter().map(goes).collect();
    agreed(session, &what, &list.join("\n")).await
}

/// Shows what goes away and asks whether it may.
///
/// # Errors
/// `InvalidInput` where nobody can be asked, `Cancelled`.
pub(super) async fn agreed(session: &Session, what: &str, list: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() || session.output.is_json() {
        let text = format!("destroy takes {what} away: say --yes where nobody can be asked");
        return Err(Error::new(ErrorKind::InvalidInput, "destroy.confirm", text));
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "{}\nTake this away? Type yes: ", printable(list));
    let _ = err.flush();
    // On a thread of its own: Ctrl-C is heard meanwhile.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    session.asking.set(true);
    let answered = tokio::select! {
        answer = answer => {
            Ok(matches!(answer, Ok(Ok(answer)) if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())))
        }
        () = session.cancel.cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "destroy.confirm", "stopped; nothing was changed"))
        }
    };
    session.asking.set(false);
    answered
}

/// What goes with a deployment.
fn goes(deployment: &DeploymentAnswer) -> String {
    let provider = deployment.provider.as_deref().unwrap_or("no provider");
    let endpoint = deployment.endpoint.as_deref().map(|at| format!(" ({at})")).unwrap_or_default();
    let resources = deployment.resources.iter().map(|one| format!("\n  - {} {}", one.kind, one.address));
    format!("{} on {provider}{endpoint}{}", deployment.deployment, resources.collect::<String>())
}
