//! The store: one folder with the database, its lock files and the packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags};
use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::error::{file, sqlite};
use crate::schema;
use crate::writer::{self, Writer};

/// Name of the database in its folder.
const DATABASE: &str = "events.db";

/// So much of the database is read through memory mapping, in bytes.
const MAPPED_BYTES: i64 = 4 * 1024 * 1024 * 1024;

/// Event store, leases, checkpoints and artifacts in one folder. Nothing is created before something is written.
pub struct SqliteStore {
    folder: PathBuf,
    database: PathBuf,
    reader: Mutex<Option<Connection>>,
    writer: Mutex<Option<Arc<Writer>>>,
    pub(crate) grown: Arc<Notify>,
    pub(crate) held: Mutex<Vec<(String, u64, fs::File)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl SqliteStore {
    /// The store in `folder`, which need not exist yet.
    ///
    /// # Errors
    /// `StorageTooNew` for a file of a newer program; `Storage` where it is not ours, damaged, or on a network
    /// file system.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let database = folder.join(DATABASE);
        refuse_network(&folder)?;
        let store = Self {
            database,
            folder,
            reader: Mutex::new(None),
            writer: Mutex::new(None),
            grown: Arc::new(Notify::new()),
            held: Mutex::new(Vec::new()),
        };
        store.read((), |_| Ok(()))?;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many transactions this process has committed.
    pub fn commits(&self) -> u64 {
        lock(&self.writer).as_ref().map(|writer| writer.commits()).unwrap_or_default()
    }

    /// Runs `query` in a short read; `nothing` is the answer of a store that was never written.
    pub(crate) fn read<T>(
        &self,
        nothing: T,
        query: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T> {
        let mut reader = lock(&self.reader);
        let failed = sqlite("store.read", &self.database);
        if reader.is_none() {
            match fs::metadata(&self.database) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(nothing),
                Err(error) => return Err(file("store.open", &self.database)(error)),
                Ok(found) if found.is_file() => {}
                Ok(_) => return Err(schema::foreign(&self.database)),
            }
            let connection = self.reader()?;
            // Reading through the page cache, without a copy of each page.
            connection.pragma_update(None, "mmap_size", MAPPED_BYTES).map_err(&failed)?;
            match schema::check(&connection, &self.database)? {
                // Another process is creating it.
                0 => return Ok(nothing),
                schema::SCHEMA_VERSION => {}
                _ => writer::upgrade(&self.database)?,
            }
            *reader = Some(connection);
        }
        match reader.as_ref() {
            Some(connection) => query(connection).map_err(&failed),
            None => Ok(nothing),
        }
    }

    /// A connection to read with. Where nothing can be written the log is read as it lies there, if it is whole without
    /// its write-ahead log.
    fn reader(&self) -> Result<Connection> {
        let failed = sqlite("store.read", &self.database);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened =
            Connection::open_with_flags(&self.database, flags).map_err(&failed).and_then(|connection| {
                schema::configure(&connection, &self.database)?;
                // SQLite opens its files with the first question.
                schema::check(&connection, &self.database).map(|_| connection)
            });
        let error = match opened {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let mut log = self.database.clone().into_os_string();
        log.push("-wal");
        let is_whole = !fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        if !is_whole || rustix::fs::access(&self.folder, rustix::fs::Access::WRITE_OK).is_ok() {
            return Err(error);
        }
        let path = percent_encode(self.database.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(format!("file:{path}?immutable=1"), flags).map_err(&failed)
    }

    /// The writer, started when first needed.
    pub(crate) fn writer(&self) -> Result<Arc<Writer>> {
        let mut writer = lock(&self.writer);
        match writer.as_ref() {
            Some(writer) => Ok(writer.clone()),
            None => {
                create_private(&self.folder)?;
                let started = Arc::new(Writer::start(&self.database, self.grown.clone())?);
                *writer = Some(started.clone());
                Ok(started)
            }
        }
    }

    /// The database, for messages.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }
}

/// Creates a folder that only its owner can enter.
pub(crate) fn create_private(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(file("store.create", folder))
}

/// Locks of network file systems do not hold what they promise: a log there would be lost.
#[cfg(target_os = "linux")]
fn refuse_network(folder: &Path) -> Result<()> {
    /// `f_type` values of statfs(2).
    const NETWORK: [(i64, &str); 4] =
        [(0x6969, "NFS"), (0xff53_4d42, "CIFS"), (0xfe53_4d42, "SMB"), (0x0102_1997, "9P")];
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    let Some(Ok(found)) = existing.map(rustix::fs::statfs) else { return Ok(()) };
    match NETWORK.iter().find(|(magic, _)| i128::from(found.f_type) == i128::from(*magic)) {
        Some((_, name)) => {
            let text = format!(
                "{} is on a network file system ({name}), where the log would not be safe: \
                 keep the project on a local disk",
                folder.display()
            );
            Err(Error::new(ErrorKind::Storage, "store.open", text).with("folder", folder.display()))
        }
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_folder: &Path) -> Result<()> {
    Ok(())
}
