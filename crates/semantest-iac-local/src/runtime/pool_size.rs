//! How many workers a pool may have, and when it gets more or fewer.
//!
//! A function that calls its own API needs a worker for every call in a chain. With a fixed number all of them can end
//! up waiting for each other, so a pool without a limit of its user's grows while nothing moves.

use std::time::Duration;

/// Invocations that have waited this long are reason for more workers.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);
/// Invocations that have waited this long, with no more workers to be had, are told of in the function's log.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// Idle workers end after this long.
const IDLE: Duration = Duration::from_secs(600);
/// Those beyond what a pool starts without waiting end earlier.
const IDLE_SURPLUS: Duration = Duration::from_secs(30);
/// So many workers are started at once when a pool grows.
const STEP: usize = 4;
/// A pool without a limit of its user's grows no further: each worker is a process of 10 to 20 MB.
const MOST: usize = 64;

/// The bounds of one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolSize {
    /// So many are started without waiting.
    pub base: usize,
    most: usize,
    limit: Limit,
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// The user's.
    Reserved,
    /// Ours.
    Machine,
    /// A debugger's: it looks into one worker.
    Debugger,
}

/// A pool at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Invocations that have waited for [`PATIENCE`].
    pub impatient: usize,
    /// How long the first of all has waited.
    pub longest: Duration,
    pub alive: usize,
    pub busy: usize,
}

impl PoolSize {
    /// `reserved` is the limit the user has set, and exact.
    pub fn new(reserved: Option<u32>) -> Self {
        match reserved {
            Some(limit) => Self { base: limit as usize, most: limit as usize, limit: Limit::Reserved },
            None => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let base = (cores * 2).max(2);
                Self { base, most: MOST.max(base), limit: Limit::Machine }
            }
        }
    }

    /// One worker, for a debugger; none where the user wants none.
    pub fn debugged(reserved: Option<u32>) -> Self {
        match reserved {
            Some(0) => Self::new(reserved),
            _ => Self { base: 1, most: 1, limit: Limit::Debugger },
        }
    }

    /// How many workers to start. None while one is about to take something: it is waited for first.
    pub fn more(&self, load: &Load) -> usize {
        match load.busy >= load.alive {
            true => load.impatient.min(STEP).min(self.most.saturating_sub(load.alive)),
            false => 0,
        }
    }

    /// Whether so many invocations, waiting or running, are all there may be of a number that the user has set.
    pub fn is_reached_by(&self, invocations: usize) -> bool {
        self.limit == Limit::Reserved && invocations >= self.most
    }

    /// What to say in the function's log of a limit that keeps invocations waiting.
    pub fn complaint(&self, load: &Load) -> Option<String> {
        if load.busy < self.most || load.longest < LONG_WAIT {
            return None;
        }
        let most = self.most;
        Some(match self.limit {
            Limit::Reserved => {
                format!("[WARN] invocations wait: reserved_concurrency lets no more than {most} run at once")
            }
            Limit::Machine => {
                format!("[WARN] invocations wait: {most} run already, the most at once on this machine")
            }
            Limit::Debugger => {
                "[WARN] invocations wait: one runs at a time while a debugger may look into it".to_owned()
            }
        })
    }

    /// Whether a worker that has been idle for so long stays, of `alive` workers.
    pub fn keeps(&self, idle: Duration, alive: usize) -> bool {
        idle < if alive > self.base { IDLE_SURPLUS } else { IDLE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(impatient: usize, alive: usize, busy: usize) -> Load {
        Load { impatient, longest: Duration::from_secs(2), alive, busy }
    }

    const FREE: PoolSize = PoolSize { base: 4, most: 64, limit: Limit::Machine };

    #[test]
    fn a_pool_grows_a_few_at_a_time_while_every_worker_is_busy() {
        assert_eq!(FREE.more(&load(0, 4, 4)), 0, "nothing has waited for long");
        assert_eq!(FREE.more(&load(1, 4, 4)), 1);
        assert_eq!(FREE.more(&load(20, 4, 4)), STEP);
        assert_eq!(FREE.more(&load(20, 8, 7)), 0, "one has yet to take something");
        assert_eq!(FREE.more(&load(20, 62, 62)), 2);
        assert_eq!(FREE.more(&load(20, 64, 64)), 0);
    }

    #[test]
    fn a_reserved_concurrency_is_exact() {
        let reserved = PoolSize::new(Some(3));
        assert_eq!((reserved.base, reserved.more(&load(20, 3, 3))), (3, 0));
        assert_eq!(PoolSize::new(Some(100)).base, 100);
    }

    #[test]
    fn a_debugger_has_one_worker_unless_there_may_be_none() {
        for reserved in [None, Some(1), Some(7)] {
            let one = PoolSize::debugged(reserved);
            assert_eq!((one.base, one.more(&load(20, 1, 1))), (1, 0));
            assert!(one.complaint(&load(1, 1, 1)).expect("a line").contains("debugger"));
        }
        assert_eq!(PoolSize::debugged(Some(0)).base, 0);
    }

    #[test]
    fn the_limit_that_keeps_invocations_waiting_is_named() {
        let reserved = PoolSize::new(Some(3));
        let said = reserved.complaint(&load(1, 3, 3)).expect("a line");
        assert!(said.contains("reserved_concurrency") && said.contains("more than 3 "), "{said}");
        assert!(FREE.complaint(&load(1, 64, 64)).expect("a line").contains("64 run already"));
        assert_eq!(FREE.complaint(&load(1, 63, 63)), None, "more may come");
        assert_eq!(reserved.complaint(&load(1, 3, 2)), None, "one is starting");
        let short = Load { longest: PATIENCE, ..load(1, 3, 3) };
        assert_eq!(reserved.complaint(&short), None);
    }

    #[test]
    fn surplus_workers_end_before_the_others() {
        assert!(FREE.keeps(IDLE_SURPLUS, 4) && !FREE.keeps(IDLE_SURPLUS, 5));
        assert!(!FREE.keeps(IDLE, 1));
    }
}
