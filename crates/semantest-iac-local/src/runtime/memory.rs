//! How much memory processes take, where this system tells (Linux: proc(5)).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Resident memory of a process, in KiB.
pub(crate) fn resident_kib(process: u32) -> Option<u64> {
    Resident::of(process)?.kib()
}

/// A process whose resident memory is asked for again and again: what tells it is kept open.
pub(crate) struct Resident(File);

impl Resident {
    /// Nothing where this system does not tell.
    pub fn of(process: u32) -> Option<Self> {
        File::open(format!("/proc/{process}/statm")).ok().map(Self)
    }

    /// Now, in KiB; nothing once the process has ended.
    pub fn kib(&self) -> Option<u64> {
        // Seven numbers of up to 20 digits.
        let mut sizes = [0; 160];
        let read = self.0.read_at(&mut sizes, 0).ok()?;
        let pages: u64 = std::str::from_utf8(sizes.get(..read)?).ok()?.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64 / 1024)
    }
}

/// Memory of the process group that `leader` leads, in KiB. Above `limit` it is counted exactly, which costs more:
/// pages that processes share after a fork count once then.
pub(crate) fn group_kib(leader: u32, limit: u64) -> u64 {
    let members = members(leader);
    let resident = members.iter().filter_map(|process| resident_kib(*process)).sum();
    if resident <= limit || members.len() < 2 {
        return resident;
    }
    let share = |process: &u32| proportional_kib(*process).or_else(|| resident_kib(*process));
    members.iter().filter_map(share).sum()
}

fn members(leader: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter(|process| group_of(*process) == Some(leader)).collect()
}

fn group_of(process: u32) -> Option<u32> {
    let about = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything. Then: state, parent, process group.
    about.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

/// Memory of a process in KiB, of what it shares its part.
pub(crate) fn proportional_kib(process: u32) -> Option<u64> {
    let sizes = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let share = sizes.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    share.trim().trim_end_matches("kB").trim_end().parse().ok()
}
