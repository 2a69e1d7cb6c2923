//! What replicas use: memory and processor time of whole process trees, read in one pass (Linux: proc(5); elsewhere nothing is
//! known, and neither limit nor scaling take effect).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::runtime::memory::{proportional_kib, resident_kib};

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    group: u32,
    /// User and system time, in clock ticks, of itself and of the children that it has waited for.
    ticks: u64,
    pages: u64,
}

/// All processes at one moment.
#[derive(Debug, Default)]
pub(crate) struct ProcessTable(BTreeMap<u32, Process>);

/// What a process tree uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Processor time since its processes began.
    pub cpu_seconds: f64,
    /// Pages that processes share count for each of them.
    pub resident_kib: u64,
}

impl ProcessTable {
    /// Reads it.
    pub fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((id, parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?))
        });
        Self(processes.collect())
    }

    /// Of `leader`, its process group, and all their descendants.
    pub fn usage(&self, leader: u32) -> Usage {
        let tree = self.tree(leader);
        let ours = tree.iter().filter_map(|id| self.0.get(id));
        let (ticks, pages) = ours.fold((0, 0), |(ticks, pages), one| (ticks + one.ticks, pages + one.pages));
        Usage {
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            resident_kib: pages * rustix::param::page_size() as u64 / 1024,
        }
    }

    /// Memory of the same in KiB, where what processes share counts once; this costs more.
    pub fn exact_kib(&self, leader: u32) -> u64 {
        let share = |id: &u32| proportional_kib(*id).or_else(|| resident_kib(*id));
        self.tree(leader).iter().filter_map(share).sum()
    }

    fn tree(&self, leader: u32) -> BTreeSet<u32> {
        let mut tree: BTreeSet<u32> = self
            .0
            .iter()
            .filter(|(id, one)| **id == leader || one.group == leader)
            .map(|(id, _)| *id)
            .collect();
        loop {
            let more = self.0.iter().filter(|(id, one)| !tree.contains(id) && tree.contains(&one.parent));
            let more: Vec<u32> = more.map(|(id, _)| *id).collect();
            if more.is_empty() {
                return tree;
            }
            tree.extend(more);
        }
    }
}

/// A line of `/proc/<id>/stat`.
fn parse(line: &str) -> Option<Process> {
    // The name before it may hold anything. Then, from the third field on: state, parent, group, …
    let fields: Vec<&str> = line.rsplit_once(") ")?.1.split(' ').collect();
    let number = |field: usize| fields.get(field - 3)?.trim().parse::<i64>().ok();
    let whole = |field: usize| number(field).and_then(|number| u64::try_from(number).ok());
    Some(Process {
        parent: u32::try_from(number(4)?).ok()?,
        group: u32::try_from(number(5)?).ok()?,
        ticks: whole(14)? + whole(15)? + whole(16)? + whole(17)?,
        pages: whole(24)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_program_is_called() {
        let line = "42 (a) b (c) S 7 41 41 0 -1 4194560 1 2 3 4 100 50 20 10 20 0 1 0 9 1000 256 0";
        let expected = Process { parent: 7, group: 41, ticks: 180, pages: 256 };
        assert_eq!(parse(line), Some(expected));
    }

    #[test]
    fn a_tree_is_its_group_and_their_descendants() {
        let one = |parent, group| Process { parent, group, ticks: 100, pages: 1 };
        let processes =
            [(10, one(1, 10)), (11, one(10, 10)), (12, one(11, 12)), (13, one(1, 10)), (14, one(1, 14))];
        let table = ProcessTable(processes.into_iter().collect());
        assert_eq!(table.tree(10), BTreeSet::from([10, 11, 12, 13]));
        assert_eq!(table.tree(14), BTreeSet::from([14]));
        assert_eq!(table.usage(99), Usage::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        assert!(ProcessTable::read().usage(std::process::id()).resident_kib > 0);
    }
}
