//! The core's `tracing` events as records of Python's `logging`.
//!
//! Threads of ours only queue them; the event loop's thread hands them over.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::bridge::Bridge;

/// So many are kept while no loop runs that could take them.
const MOST: usize = 10_000;
/// Targets of ours: shown at every level. What other crates say below INFO may hold what they send and are sent, values
/// of secrets too.
const OURS: &str = "semantest_iac";
/// `logging.CRITICAL + 1`: nothing.
const SILENT: i32 = 51;

/// Python's number of the finest level that is wanted.
static WANTED: AtomicI32 = AtomicI32::new(SILENT);
static QUEUE: Mutex<Queue> = Mutex::new(Queue { records: VecDeque::new(), dropped: 0, through: None });
static INSTALLED: Once = Once::new();

struct Queue {
    records: VecDeque<Record>,
    dropped: usize,
    /// The loop that was opened last.
    through: Option<Weak<Bridge>>,
}

struct Record {
    target: String,
    level: i32,
    message: String,
    fields: Vec<(&'static str, String)>,
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has records handed over by `bridge` from now on.
pub(crate) fn deliver_through(bridge: &Arc<Bridge>) {
    INSTALLED.call_once(|| {
        // The application of an embedding program may have its own: then that one is left alone.
        let _ = tracing_subscriber::registry().with(ToPython).try_init();
    });
    queue().through = Some(Arc::downgrade(bridge));
}

/// The finest level that Python wants of `semantest_iac`, by `logging`'s numbers.
#[pyfunction]
#[pyo3(signature = (level: "int"))]
pub(crate) fn set_level(level: i32) {
    if WANTED.swap(level, Ordering::Relaxed) != level {
        tracing::callsite::rebuild_interest_cache();
    }
}

struct ToPython;

fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

impl<S: Subscriber> Layer<S> for ToPython {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let harmless = metadata.target().starts_with(OURS) || *metadata.level() <= Level::INFO;
        harmless && number(*metadata.level()) >= WANTED.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut said = Said::default();
        event.record(&mut said);
        let record = Record {
            target: metadata.target().to_owned(),
            level: number(*metadata.level()),
            message: said.message,
            fields: said.fields,
        };
        let mut queue = queue();
        if queue.records.len() >= MOST {
            queue.records.pop_front();
            queue.dropped += 1;
        }
        queue.records.push_back(record);
        let through = queue.through.as_ref().and_then(Weak::upgrade);
        drop(queue);
        if let Some(bridge) = through {
            bridge.wake();
        }
    }
}

#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.fields.push((name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Hands over what is queued. On the loop's thread.
pub(crate) fn drain(py: Python<'_>) {
    let (records, dropped) = {
        let mut queue = queue();
        (std::mem::take(&mut queue.records), std::mem::take(&mut queue.dropped))
    };
    if records.is_empty() {
        return;
    }
    let handed_over = py.import("semantest_iac._logging").and_then(|logging| {
        let emit = logging.getattr("emit")?;
        if dropped > 0 {
            let text = format!("{dropped} messages were dropped: no event loop ran to take them");
            emit.call1((OURS, 30, text, PyDict::new(py)))?;
        }
        for record in records {
            let fields = PyDict::new(py);
            record.fields.iter().try_for_each(|(name, value)| fields.set_item(*name, value))?;
            emit.call1((record.target, record.level, record.message, fields))?;
        }
        Ok(())
    });
    if let Err(error) = handed_over {
        error.write_unraisable(py, None);
    }
}
