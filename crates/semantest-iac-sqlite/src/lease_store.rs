//! Leases: rows for expiry and fencing, and a lock that the kernel frees when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::ports::lease::{Lease, LeaseAnswer, LeaseStore};
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::error::{file, sqlite};
use crate::event_store::{moment, signed, unsigned};
use crate::store::{SqliteStore, create_private};

/// Folder of the signs of life.
const FOLDER: &str = "leases";

const SELECT: &str = "SELECT name, owner, token, since, expires FROM leases WHERE name = ?1";

#[async_trait]
impl LeaseStore for SqliteStore {
    async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        time_to_live: Duration,
    ) -> Result<LeaseAnswer> {
        let folder = self.folder().join(FOLDER);
        create_private(&folder)?;
        let (database, name, owner) = (self.database().to_owned(), name.to_owned(), owner.to_owned());
        let writer = self.writer()?;
        let (answer, sign) = writer
            .write(move |connection| {
                let failed = sqlite("lease.acquire", &database);
                let known = find(connection, &name).map_err(&failed)?;
                if let Some(lease) = known.as_ref().filter(|lease| lease.expires > now)
                    && is_alive(&folder, lease)?
                {
                    return Ok((LeaseAnswer::HeldBy(lease.clone()), None));
                }
                let token = known.as_ref().map_or(0, |lease| lease.token) + 1;
                let lease = Lease { name, owner, token, since: now, expires: now + time_to_live };
                let sign = sign_of_life(&folder, &lease)?;
                save(connection, &lease).map_err(&failed)?;
                let litter = known.map(|former| sign_path(&folder, &former));
                Ok((LeaseAnswer::Acquired(lease), Some((sign, litter))))
            })
            .await?;
        if let (LeaseAnswer::Acquired(lease), Some((sign, litter))) = (&answer, sign) {
            self.held().push((lease.name.clone(), lease.token, sign));
            // The former token is never used again, now that this is committed.
            litter.map(std::fs::remove_file);
        }
        Ok(answer)
    }

    async fn renew(&self, lease: &Lease, now: Timestamp, time_to_live: Duration) -> Result<Lease> {
        let renewed = Lease { expires: now + time_to_live, ..lease.clone() };
        let (database, wanted) = (self.database().to_owned(), renewed.clone());
        self.writer()?
            .write(move |connection| {
                let failed = sqlite("lease.renew", &database);
                match find(connection, &wanted.name).map_err(&failed)? {
                    Some(lease) if lease.token == wanted.token && lease.expires > Timestamp::UNIX_EPOCH => {
                        save(connection, &wanted).map_err(&failed)
                    }
                    _ => Err(Error::new(
                        ErrorKind::Held,
                        "lease.renew",
                        format!("`{}` was taken over by another run", wanted.name),
                    )),
                }
            })
            .await?;
        Ok(renewed)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let (database, lease) = (self.database().to_owned(), lease.clone());
        let (name, token) = (lease.name.clone(), lease.token);
        let sign = sign_path(&self.folder().join(FOLDER), &lease);
        let writer = self.writer()?;
        let released = writer
            .write(move |connection| {
                // The row stays for its token, which is never used again.
                connection
                    .execute(
                        "UPDATE leases SET expires = 0 WHERE name = ?1 AND token = ?2",
                        params![lease.name, signed(lease.token)],
                    )
                    .map(drop)
                    .map_err(sqlite("lease.release", &database))
            })
            .await;
        self.held().retain(|(held, of, _)| *held != name || *of != token);
        let _ = std::fs::remove_file(sign);
        released
    }

    async fn holder(&self, name: &str, now: Timestamp) -> Result<Option<Lease>> {
        let lease = self.read(None, |connection| find(connection, name))?;
        match lease.filter(|lease| lease.expires > now) {
            Some(lease) => Ok(is_alive(&self.folder().join(FOLDER), &lease)?.then_some(lease)),
            None => Ok(None),
        }
    }
}

impl SqliteStore {
    fn held(&self) -> std::sync::MutexGuard<'_, Vec<(String, u64, File)>> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A file that the holder of a lease keeps locked for as long as it lives, one for each token.
fn sign_path(folder: &Path, lease: &Lease) -> PathBuf {
    let name = hex::encode(&Sha256::digest(&lease.name)[..16]);
    folder.join(format!("{name}.{}.lock", lease.token))
}

fn sign_of_life(folder: &Path, lease: &Lease) -> Result<File> {
    let path = sign_path(folder, lease);
    let failed = file("lease.acquire", &path);
    let mut options = OpenOptions::new();
    let sign = options.create(true).truncate(false).read(true).write(true).open(&path).map_err(&failed)?;
    // Nobody else knows this token yet.
    sign.lock().map_err(&failed)?;
    Ok(sign)
}

/// Whether the holder still lives: the kernel frees the locks of a process that died.
fn is_alive(folder: &Path, lease: &Lease) -> Result<bool> {
    let path = sign_path(folder, lease);
    match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file("lease.acquire", &path)(error)),
        // Shared: two that look at once must not take each other for the holder.
        Ok(sign) => match sign.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(file("lease.acquire", &path)(error)),
        },
    }
}

fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Lease>> {
    let read = |row: &Row<'_>| {
        Ok(Lease {
            name: row.get(0)?,
            owner: row.get(1)?,
            token: unsigned(row.get(2)?),
            since: moment(row.get(3)?),
            expires: moment(row.get(4)?),
        })
    };
    connection.prepare_cached(SELECT)?.query_row([name], read).optional()
}

fn save(connection: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    let Lease { name, owner, token, since, expires } = lease;
    let (since, expires) = (since.as_microsecond(), expires.as_microsecond());
    connection
        .prepare_cached(
            "REPLACE INTO leases(name, owner, token, since, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![name, owner, signed(*token), since, expires])
        .map(drop)
}
