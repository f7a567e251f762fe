//! How often the system has stepped in: page faults of this process, and how often its first thread was made to wait.
//! In: `/proc/self/stat` and `/proc/self/status`. Out: counts since the process began.

use super::machine::{Machine, field};

/// Counts since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Page faults that needed no reading from disk, of all threads.
    pub(crate) minor: u64,
    /// Times that the scheduler took the first thread off its CPU while it wanted to go on.
    pub(crate) preempted: u64,
}

impl Faults {
    /// Those of this process so far, where the system says.
    pub(crate) fn now() -> Option<Self> {
        let machine = Machine::here();
        Self::read(&machine.text("/proc/self/stat")?, &machine.text("/proc/self/status")?)
    }

    fn read(stat: &str, status: &str) -> Option<Self> {
        // The name in parentheses may hold spaces; minflt is the 8th field after it.
        let (_, fields) = stat.rsplit_once(')')?;
        let minor = fields.split_whitespace().nth(7)?.parse().ok()?;
        let preempted = field(status, "nonvoluntary_ctxt_switches")?.parse().ok()?;
        Some(Self { minor, preempted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_systems_own_files() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 500 40 20 0 1 0 99 1 1";
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(Faults::read(stat, status), Some(Faults { minor: 100, preempted: 3 }));
        assert_eq!(Faults::read("7 (x) S 1", status), None);
        assert_eq!(Faults::read(stat, "Name:\tx\n"), None);
    }

    #[test]
    fn touching_new_pages_is_seen() {
        let Some(before) = Faults::now() else { return };
        // More than the allocator ever keeps for later (32 MiB of glibc's): pages that nothing has touched.
        let pages = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = Faults::now().unwrap();
        // 16,384 pages of 4 KiB, or 32 of 2 MiB.
        assert!(after.minor >= before.minor + 32, "{before:?} {after:?} {}", pages[1]);
    }
}
