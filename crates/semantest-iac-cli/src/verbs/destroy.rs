//! `destroy`

use std::io::{BufRead, IsTerminal, Write};

use semantest_iac::events::request::RemovalRequested;
use semantest_iac::{Error, ErrorKind, Iac, Result};

use super::one_by_one;
use crate::Exit;
use crate::arguments::DestroyArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &DestroyArguments) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    let components = components(session, &iac).await?;
    if !arguments.yes && !confirmed(session, &components).await? {
        session.output.note("nothing was changed");
        return Ok(Exit::FAILED);
    }
    one_by_one(&session.output, components, async |component| {
        let environment = session.global.environment.clone();
        iac.destroy(RemovalRequested { component, environment }, &session.cancel).await
    })
    .await
}

/// The named component, or everything that is deployed in the environment, also what the project no longer defines.
async fn components(session: &Session, iac: &Iac) -> Result<Vec<String>> {
    if let Some(component) = &session.global.component {
        return Ok(vec![component.clone()]);
    }
    let status = iac.status(Some(&session.global.environment), None).await?;
    let live = status.deployments.into_iter().filter(|deployment| deployment.status != "removed");
    Ok(live.map(|deployment| deployment.component).collect())
}

async fn confirmed(session: &Session, components: &[String]) -> Result<bool> {
    let what = format!("{} in {}", components.join(", "), session.global.environment);
    if !std::io::stdin().is_terminal() || session.output.is_json() {
        let text = format!("destroy takes {what} away: say --yes where nobody can be asked");
        return Err(Error::new(ErrorKind::InvalidInput, "destroy.confirm", text));
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "Take {what} away? Type yes: ");
    let _ = err.flush();
    // On a thread of its own: Ctrl-C is heard meanwhile.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    tokio::select! {
        answer = answer => {
            Ok(matches!(answer, Ok(Ok(answer)) if answer.trim().eq_ignore_ascii_case("yes")))
        }
        () = session.cancel.cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "destroy.confirm", "stopped; nothing was changed"))
        }
    }
}
