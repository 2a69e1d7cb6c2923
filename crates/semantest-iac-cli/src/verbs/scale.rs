//! `scale`

use semantest_iac::Result;
use semantest_iac::events::request::{ScalingRequested, ScalingTarget};

use super::conclude;
use crate::Exit;
use crate::arguments::ScaleArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &ScaleArguments) -> Result<Exit> {
    let iac = session.open_with_progress().await?;
    session.check_environment(&iac).await?;
    let component = session.component(&iac).await?;
    let request = ScalingRequested {
        component,
        environment: session.global.environment.clone(),
        function: arguments.function.clone(),
        target: ScalingTarget {
            reserved_concurrency: arguments.reserved_concurrency,
            provisioned_concurrency: arguments.provisioned_concurrency,
            min_replicas: arguments.min,
            max_replicas: arguments.max,
        },
    };
    let answer = iac.scale(request, &session.cancel).await?;
    Ok(conclude(&session.output, answer))
}
