//! Leases in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::clock::Timestamp;
use crate::ports::lease::{Lease, LeaseAnswer, LeaseStore};

/// Leases for as long as it lives.
#[derive(Debug, Default)]
pub struct InMemoryLeaseStore {
    leases: Mutex<BTreeMap<String, (u64, Option<Lease>)>>,
}

impl InMemoryLeaseStore {
    fn leases(&self) -> MutexGuard<'_, BTreeMap<String, (u64, Option<Lease>)>> {
        self.leases.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl LeaseStore for InMemoryLeaseStore {
    async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        time_to_live: Duration,
    ) -> Result<LeaseAnswer> {
        let mut leases = self.leases();
        let (token, held) = leases.entry(name.to_owned()).or_default();
        if let Some(lease) = held.as_ref().filter(|lease| lease.expires > now) {
            return Ok(LeaseAnswer::HeldBy(lease.clone()));
        }
        *token += 1;
        let lease = Lease {
            name: name.to_owned(),
            owner: owner.to_owned(),
            token: *token,
            since: now,
            expires: now + time_to_live,
        };
        *held = Some(lease.clone());
        Ok(LeaseAnswer::Acquired(lease))
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, time_to_live: Duration) -> Result<Lease> {
        let mut leases = self.leases();
        match leases.get_mut(&lease.name) {
            Some((_, Some(held))) if held.token == lease.token => {
                held.expires = now + time_to_live;
                Ok(held.clone())
            }
            _ => {
                let text = format!("`{}` was taken over by another run", lease.name);
                Err(Error::new(ErrorKind::Held, "lease.renew", text))
            }
        }
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        if let Some((_, held)) = self.leases().get_mut(&lease.name)
            && held.as_ref().is_some_and(|held| held.token == lease.token)
        {
            *held = None;
        }
        Ok(())
    }

    async fn holder(&self, name: &str, now: Timestamp) -> Result<Option<Lease>> {
        let held = self.leases().get(name).and_then(|(_, held)| held.clone());
        Ok(held.filter(|lease| lease.expires > now))
    }
}
