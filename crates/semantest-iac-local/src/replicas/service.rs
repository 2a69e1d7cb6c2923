//! A container service: its replicas, as many as are wanted, of the revision in force.
//!
//! Another revision comes into force once all its replicas are well: until then those of the old one answer, afterwards they answer
//! what they have and end. Where one of the new ones ends before it was well, the old revision stays.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::try_join_all;

use crate::balancer::upstream::Upstream;
use crate::host::definition::SecretValues;
use crate::host::service_definition::{ServiceDefinition, Workload};
use crate::replicas::crew::{Crew, Surroundings};
use crate::replicas::member::Member;
use crate::replicas::revision::Revision;
use crate::replicas::scaling::Scaling;
use crate::replicas::services::Alone;
use crate::replicas::usage::ProcessTable;

/// How long whoever wants replicas that were started without being waited for waits for them.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service and its replicas.
pub(crate) struct Service {
    around: Surroundings,
    crew: Mutex<Arc<Crew>>,
    /// What those hold who change it ([`Alone`]).
    changing: Arc<tokio::sync::Mutex<()>>,
    turn: AtomicUsize,
    scaling: Mutex<Scaling>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Service {
    /// A service without replicas; `around.tracker` is its own.
    pub fn new(revision: Revision, around: Surroundings, changing: Arc<tokio::sync::Mutex<()>>) -> Arc<Self> {
        let crew = Crew::new(Arc::new(revision), around.clone());
        let (crew, scaling) = (Mutex::new(crew), Mutex::default());
        Arc::new(Self { around, crew, changing, turn: AtomicUsize::default(), scaling })
    }

    fn crew(&self) -> Arc<Crew> {
        lock(&self.crew).clone()
    }

    /// As it is in force.
    pub fn revision(&self) -> Arc<Revision> {
        self.crew().revision()
    }

    /// Brings a revision into force; returns when its replicas are well.
    ///
    /// # Errors
    /// Why they are not. What was in force is so still.
    pub async fn deploy(&self, _alone: &Alone, revision: Revision) -> Result<(), String> {
        let (crew, revision) = (self.crew(), Arc::new(revision));
        let before = crew.revision();
        // A crew that has lost its replicas, or never had any, is judged as a new one.
        if crew.count() > 0 && revision.keeps_replicas_of(&before) {
            crew.revise(revision.clone());
            let resized = self.resize(&crew, revision.bounded(crew.count())).await;
            if resized.is_err() {
                crew.revise(before);
            }
            return resized;
        }
        self.replace(crew, revision).await
    }

    /// New replicas take the place of all there are.
    ///
    /// # Errors
    /// As [`Self::deploy`].
    pub async fn restart(&self, _alone: &Alone) -> Result<(), String> {
        let crew = self.crew();
        let revision = crew.revision();
        self.replace(crew, revision).await
    }

    async fn replace(&self, old: Arc<Crew>, revision: Arc<Revision>) -> Result<(), String> {
        let new = Crew::new(revision.clone(), self.around.clone());
        let dismissal = Dismissal(Some(new.clone()));
        self.all_well(&new.grow(revision.bounded(old.count()))).await?;
        dismissal.cancel();
        *lock(&self.crew) = new;
        lock(&self.scaling).reset();
        old.shrink(0);
        Ok(())
    }

    async fn resize(&self, crew: &Arc<Crew>, count: u32) -> Result<(), String> {
        let before = crew.count();
        if count != before {
            lock(&self.scaling).reset();
        }
        let more = self.all_well(&crew.grow(count)).await;
        crew.shrink(if more.is_ok() { count } else { before });
        more
    }

    /// Waits until all are well, unless the service ends.
    async fn all_well(&self, members: &[Arc<Member>]) -> Result<(), String> {
        tokio::select! {
            well = try_join_all(members.iter().map(|member| member.settled())) => well.map(drop),
            () = self.around.hurry.cancelled() => Err("the service is taken away".to_owned()),
        }
    }

    /// Starts its replicas without waiting for them, where it has none and lacks nothing.
    pub fn start(&self) {
        let crew = self.crew();
        let revision = crew.revision();
        if crew.count() == 0 && revision.lacking().is_empty() {
            crew.grow(revision.bounded(0));
        }
    }

    /// Takes values for the secrets that it lacks, and starts.
    pub fn supply(&self, values: &SecretValues) {
        let crew = self.crew();
        let revision = crew.revision();
        let mut secrets = revision.secrets.clone();
        for lacking in revision.lacking() {
            let value = values.0.get(&lacking.secret).cloned();
            secrets.0.extend(value.map(|value| (lacking.secret, value)));
        }
        crew.revise(Arc::new(Revision { definition: revision.definition.clone(), secrets }));
        self.start();
    }

    /// Returns when each replica either is well or has ended.
    pub async fn settled(&self) {
        let members = self.crew().members();
        // How they are is for others to ask.
        let _ = tokio::time::timeout(PATIENCE, self.all_well(&members)).await;
    }

    /// It is about to end: a change that is under way does not wait for replicas any more.
    pub fn hurry(&self) {
        self.around.hurry.cancel();
    }

    /// All replicas end, whatever they have to answer; returns when they have.
    pub async fn end(&self, _alone: &Alone) {
        self.hurry();
        self.crew().shrink(0);
        self.around.tracker.close();
        self.around.tracker.wait().await;
    }

    /// Where requests may go, the best place first: where the fewest are under way, in turn.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let members = self.crew().members();
        let mut found: Vec<_> = members.iter().filter_map(|member| member.upstream()).collect();
        if found.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % found.len();
            found.rotate_left(turn);
            // Does not change the order of equals.
            found.sort_by_key(|upstream| upstream.load());
        }
        found
    }

    /// Ends what takes more memory than it may, and adds or takes away replicas where that is wanted.
    pub async fn look_after(self: Arc<Self>, table: Arc<ProcessTable>) {
        let crew = self.crew();
        let definition = crew.revision().definition.clone();
        if !matches!(definition.workload, Workload::Process { .. }) {
            // Its engine holds a container to its limits.
            return;
        }
        let mut used = Vec::new();
        for member in crew.members() {
            let Some(process) = member.process() else { continue };
            let usage = table.usage(process);
            let cpus = member.cpus(process, usage.cpu_seconds);
            used.extend(cpus.filter(|_| member.upstream().is_some()));
            let limit = u64::from(definition.memory_mb) * 1024;
            let is_above = || usage.resident_kib > limit && table.exact_kib(process) > limit;
            if !member.is_kept_to(definition.memory_mb) && is_above() {
                member.condemn_for_memory(definition.memory_mb);
            }
        }
        self.scale(&crew, &definition, &used).await;
    }

    /// `used`: CPUs of each replica that takes requests.
    async fn scale(&self, crew: &Arc<Crew>, definition: &ServiceDefinition, used: &[f64]) {
        let Some(target) = definition.target_cpu_percent else { return };
        let (count, all) = (crew.count(), used.len());
        // While some are starting nothing can be told.
        if used.is_empty() || u32::try_from(all) != Ok(count) {
            return;
        }
        let mean = used.iter().sum::<f64>() / all as f64 / definition.cpu * 100.0;
        let wanted = lock(&self.scaling).sample(mean, count, target);
        let Some(wanted) = wanted.map(|wanted| crew.revision().bounded(wanted)) else { return };
        if wanted == count {
            return;
        }
        // Whoever changes the service now knows better.
        let Ok(_one_at_a_time) = self.changing.try_lock() else { return };
        if !Arc::ptr_eq(crew, &self.crew()) || crew.count() != count {
            return;
        }
        let text = format!(
            "{wanted} replicas instead of {count}: their CPUs are used to {mean:.0} % (target {target} %)"
        );
        self.around.log.write(None, &text);
        if let Err(why) = self.resize(crew, wanted).await {
            self.around.log.write(None, &format!("{count} replicas again, the new ones are not well: {why}"));
        }
    }
}

/// Sends a crew away that does not come into force, also where whoever waits for it gives up.
struct Dismissal(Option<Arc<Crew>>);

impl Dismissal {
    fn cancel(mut self) {
        self.0 = None;
    }
}

impl Drop for Dismissal {
    fn drop(&mut self) {
        if let Some(crew) = &self.0 {
            crew.shrink(0);
        }
    }
}
