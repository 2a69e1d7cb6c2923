//! Work done under a lease, renewed meanwhile and given back afterwards.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use tokio_util::sync::CancellationToken;

use crate::application::service::DeploymentService;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::lease::{Lease, LeaseAnswer};
use crate::ports::provider::NOTICE;

/// How often a lease that is held is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Does `work` while keeping `lease`, then gives it back. Losing the lease ends the work at once.
///
/// # Errors
/// Those of the work; `Held` where the lease is lost.
pub(crate) async fn leased<T>(
    service: &DeploymentService,
    lease: &Lease,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let done = {
        let working = pin!(work);
        let renewing = pin!(renew(service, lease));
        match select(working, renewing).await {
            Either::Left((done, _)) => done,
            Either::Right((lost, _)) => Err(lost),
        }
    };
    // The result stands whether or not the lease can be given back: it expires by itself.
    if let Err(error) = service.ports.leases.release(lease).await {
        tracing::warn!(error = %error, lease = lease.name, "the lease could not be given back; it expires by itself");
    }
    done
}

/// Takes the lease `name`, waiting for it as long as the service is told to.
///
/// # Errors
/// `Held`, saying by whom and since when, where it is not free in time.
pub(crate) async fn acquire(
    service: &DeploymentService,
    name: &str,
    cancel: &CancellationToken,
) -> Result<Lease> {
    let ports = &service.ports;
    let options = &service.options;
    let start = ports.clock.now();
    let mut told = false;
    loop {
        let now = ports.clock.now();
        match ports.leases.acquire(name, &options.owner, now, options.lease_time).await? {
            LeaseAnswer::Acquired(lease) => return Ok(lease),
            LeaseAnswer::HeldBy(holder) => {
                let waited = Duration::try_from(now.duration_since(start)).unwrap_or_default();
                if waited >= options.lease_wait {
                    return Err(held(name, &holder));
                }
                if !std::mem::replace(&mut told, true) {
                    tracing::info!(target: NOTICE, "waiting: {}", worked_on(name, &holder));
                }
            }
        }
        let asleep = ports.clock.sleep(ASK_AGAIN);
        if let Either::Right(_) = select(asleep, pin!(cancel.cancelled())).await {
            let text = "stopped while waiting for another run to end";
            return Err(Error::new(ErrorKind::Cancelled, "lease.acquire", text));
        }
    }
}

/// Renews for ever; returns only when the lease is lost.
async fn renew(service: &DeploymentService, lease: &Lease) -> Error {
    let ports = &service.ports;
    let time = service.options.lease_time;
    loop {
        ports.clock.sleep(time / 3).await;
        match ports.leases.renew(lease, ports.clock.now(), time).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Held => return error,
            // Appends are fenced: going on is safe, and the next renewal may get through.
            Err(error) => tracing::warn!(error = %error, "the lease could not be renewed"),
        }
    }
}

fn worked_on(name: &str, holder: &Lease) -> String {
    format!("`{name}` is being worked on by {} since {}", holder.owner, holder.since)
}

fn held(name: &str, holder: &Lease) -> Error {
    let text = format!("{}; wait for it to end, or use --wait SECONDS", worked_on(name, holder));
    Error::new(ErrorKind::Held, "lease.acquire", text)
        .retry_later()
        .with("owner", &holder.owner)
        .with("since", holder.since)
        .with("expires", holder.expires)
}
