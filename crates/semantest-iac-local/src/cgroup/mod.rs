//! Limits on memory that the kernel keeps: a cgroup (version 2) for each worker and each replica, where this process may make some.
//!
//! Source of the files and their meanings: the Linux kernel's "Control Group v2" document. Elsewhere (`runtime/memory.rs`,
//! `replicas/usage.rs`) processes are looked at.

mod delegation;
#[cfg(test)]
mod fault_tests;
pub(crate) mod memory_cgroup;
pub(crate) mod memory_limits;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::host::registry::at;

/// Where version 2 is mounted where it is the only one.
const MOUNT: &str = "/sys/fs/cgroup";

/// Writes a file of the kernel's: none is made where it has none.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let opened = OpenOptions::new().write(true).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| at(path, error))
}

/// Whether a file that lists words has this one.
fn lists(path: &Path, word: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|words| words.split_whitespace().any(|one| one == word))
}
