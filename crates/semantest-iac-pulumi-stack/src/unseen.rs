//! What a program writes that may outlive us: into a file that has no name any more. A pipe would end the program once nobody reads it,
//! and a file with a name could be read by whoever comes by.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells those apart that are made at once.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// A file without a name, written by a program and read here.
pub(crate) struct Unseen {
    file: File,
    /// How much was read.
    read: u64,
    /// Read, and no whole line yet.
    rest: Vec<u8>,
}

impl Unseen {
    /// A new one; for a moment it has a name in `folder`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".{name}-{}-{number}", std::process::id()));
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(Self { file, read: 0, rest: Vec::new() })
    }

    /// Where a program writes to.
    ///
    /// # Errors
    /// Where no more files can be opened.
    pub fn writer(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }

    /// Whole lines that came since the last time.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn lines(&mut self) -> io::Result<Vec<String>> {
        self.pull()?;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(Vec::new()) };
        let left = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, left);
        Ok(String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect())
    }

    /// All that was not told as lines.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn text(&mut self) -> io::Result<String> {
        self.pull()?;
        Ok(String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned())
    }

    fn pull(&mut self) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            // Where the program writes is not ours to move.
            let count = self.file.read_at(&mut piece, self.read)?;
            if count == 0 {
                return Ok(());
            }
            self.read += count as u64;
            self.rest.extend_from_slice(&piece[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn lines_come_whole_and_the_file_has_no_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut unseen = Unseen::new(folder.path(), "out").expect("a file");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        let write = |text: &str| {
            let mut program = Command::new("printf");
            let writer = unseen.writer().expect("a writer");
            assert!(program.arg(text).stdout(writer).status().expect("printf runs").success());
        };
        write("one\\ntw");
        write("o\\nthree");
        assert_eq!(unseen.lines().expect("lines"), ["one", "two"]);
        assert!(unseen.lines().expect("lines").is_empty());
        assert_eq!(unseen.text().expect("text"), "three");
        assert_eq!(unseen.text().expect("text"), "");
    }
}
