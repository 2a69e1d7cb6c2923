//! Ctrl-C, SIGTERM and SIGHUP: what asks the program to end.

/// What asks the program to end.
#[cfg(unix)]
pub(crate) struct Interrupts {
    signals: Vec<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    /// Listens from now on.
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // A program that was started with `nohup` outlives its terminal.
        if !hangup_is_ignored() {
            kinds.push(SignalKind::hangup());
        }
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Returns with the next one.
    pub async fn next(&mut self) {
        std::future::poll_fn(|context| {
            match self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    }
}

/// Whether whoever started this program had it ignore SIGHUP, where that can be told.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// What asks the program to end.
#[cfg(not(unix))]
pub(crate) struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    /// Listens from now on.
    pub fn listen() -> Self {
        Self
    }

    /// Returns with the next one.
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
