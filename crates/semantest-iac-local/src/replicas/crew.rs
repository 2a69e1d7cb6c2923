//! The replicas of one revision.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cgroup::memory_limits::MemoryLimits;
use crate::replicas::guard::Guard;
use crate::replicas::member::Member;
use crate::replicas::revision::Revision;
use crate::runtime::function_log::FunctionLog;

/// What replicas of a service have around them.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub log: Arc<FunctionLog>,
    pub guard: Arc<Guard>,
    pub limits: Arc<MemoryLimits>,
    pub state_dir: PathBuf,
    /// Whoever waits for all that is left of them.
    pub tracker: TaskTracker,
    /// The service ends: nothing that is under way is waited for.
    pub hurry: CancellationToken,
}

/// Replicas, and what they are made of.
pub(crate) struct Crew {
    pub log: Arc<FunctionLog>,
    pub guard: Arc<Guard>,
    pub limits: Arc<MemoryLimits>,
    pub state_dir: PathBuf,
    pub hurry: CancellationToken,
    tracker: TaskTracker,
    revision: Mutex<Arc<Revision>>,
    members: Mutex<Vec<Arc<Member>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Crew {
    /// Nobody yet.
    pub fn new(revision: Arc<Revision>, around: Surroundings) -> Arc<Self> {
        let Surroundings { log, guard, limits, state_dir, tracker, hurry } = around;
        let (revision, members) = (Mutex::new(revision), Mutex::default());
        Arc::new(Self { log, guard, limits, state_dir, hurry, tracker, revision, members })
    }

    /// What they are made of.
    pub fn revision(&self) -> Arc<Revision> {
        lock(&self.revision).clone()
    }

    /// Another revision that they can go on as.
    pub fn revise(&self, revision: Arc<Revision>) {
        *lock(&self.revision) = revision;
    }

    /// By number.
    pub fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).clone()
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(lock(&self.members).len()).unwrap_or(u32::MAX)
    }

    /// Starts as many as are missing; those.
    pub fn grow(self: &Arc<Self>, count: u32) -> Vec<Arc<Member>> {
        let mut members = lock(&self.members);
        let first = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let new: Vec<Arc<Member>> =
            (first..count).map(|number| Member::new(number + 1, self.clone())).collect();
        new.iter().for_each(|member| drop(self.tracker.spawn(member.clone().keep())));
        members.extend(new.iter().cloned());
        new
    }

    /// The last ones go, until so many are left.
    pub fn shrink(&self, count: u32) {
        let mut members = lock(&self.members);
        let left = members.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        members.drain(left..).for_each(|member| member.retire());
    }
}
