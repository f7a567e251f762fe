//! Which CPUs a thread may run on.
//! In: CPU numbers as the system counts them. Out: threads that stay where they are put.
//!
//! Why: threads that hand over by spinning never sleep, so a scheduler sees two busy threads and no reason to move one;
//! once both are on one CPU they may stay there for many milliseconds, each waiting for the other's time slice.
//! Where the system can't say or won't do it, threads run where they like: no result depends on it, only times.

/// The CPUs that the calling thread may run on, ascending; empty where the system does not say.
#[must_use]
pub fn allowed() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity};
        if let Ok(set) = sched_getaffinity(None) {
            return (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect();
        }
    }
    Vec::new()
}

/// Keeps the calling thread, and threads it starts later, on one CPU. False where the system won't.
pub fn stay_on(cpu: usize) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};
        if cpu < CpuSet::MAX_CPU {
            let mut set = CpuSet::new();
            set.set(cpu);
            return sched_setaffinity(None, &set).is_ok();
        }
    }
    let _ = cpu;
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_stays_where_it_is_put() {
        let all = allowed();
        assert!(!all.is_empty());
        let last = *all.last().unwrap();
        // On a thread of its own: the test runner's must stay free.
        let put = std::thread::spawn(move || (stay_on(last), allowed())).join().unwrap();
        assert_eq!(put, (true, vec![last]));
        assert_eq!(allowed(), all);
        assert!(!stay_on(usize::MAX));
    }
}
