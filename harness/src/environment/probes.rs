//! Probes: what the machine can reach at most, as bounds that no claimed rate may exceed.
//!
//! Bandwidth is read with the working set in the private caches, in 4 KiB pages and in huge pages; the int8 peak runs in
//! registers. They run before the first worker and after the last, with the workers' number of threads.

use anyhow::{Context as _, Result};
use baselines::record::{Probe, ProbeKind, ProbeWhen};
use engine::{Isa, Pool};
use memmap2::{Advice, MmapMut, MmapOptions};

use crate::measure::Clock;

/// Working set of the cache probe per thread: beyond the first-level cache, well within a private second level.
const CACHE_BYTES_PER_THREAD: usize = 128 << 10;
/// Reads of it per repetition: long enough for the clock.
const CACHE_PASSES: usize = 64;
/// Working set of the memory probes: several times a model of this size, and beyond most shared caches.
const MEMORY_BYTES: usize = 128 << 20;
/// Loop turns of the int8 probe, per thread and repetition.
const INT8_TURNS: u64 = 50_000;
/// Repetitions of each probe; the best one counts. Short and many: on a shared machine the undisturbed one must be among
/// them, or the bound is too low.
const REPETITIONS: usize = 12;

/// Runs every probe.
pub(crate) fn probe(threads: u64, when: ProbeWhen, clock: &dyn Clock) -> Result<Vec<Probe>> {
    let n_threads = usize::try_from(threads).context("more threads than memory")?;
    let pool = Pool::new(n_threads);
    let mut probes = vec![cache(&pool, n_threads, clock)?];
    for (kind, advice) in [
        (ProbeKind::BandwidthPages4k, Advice::NoHugePage),
        (ProbeKind::BandwidthHugePages, Advice::HugePage),
    ] {
        probes.push(memory(&pool, kind, advice, clock)?);
    }
    probes.push(int8_peak(&pool, clock)?);
    for probe in &mut probes {
        probe.when = when;
        probe.threads = threads;
    }
    Ok(probes)
}

fn cache(pool: &Pool, threads: usize, clock: &dyn Clock) -> Result<Probe> {
    let bytes = vec![1_u8; CACHE_BYTES_PER_THREAD * threads];
    let samples_ns = repetitions(clock, || read(pool, &bytes, CACHE_PASSES))?;
    let work = (bytes.len() * CACHE_PASSES) as u64;
    Ok(result(ProbeKind::BandwidthCache, work, bytes.len(), samples_ns))
}

fn read(pool: &Pool, bytes: &[u8], passes: usize) -> Result<()> {
    let sum = engine::probe::read(pool, Isa::best(), bytes, passes);
    std::hint::black_box(sum.context("failed to probe the bandwidth")?);
    Ok(())
}

fn memory(pool: &Pool, kind: ProbeKind, advice: Advice, clock: &dyn Clock) -> Result<Probe> {
    let mut bytes: MmapMut =
        MmapOptions::new().len(MEMORY_BYTES).map_anon().with_context(|| {
            format!("failed to probe memory: no {} MiB to be had", MEMORY_BYTES >> 20)
        })?;
    // A kernel without transparent huge pages refuses the advice; the probe then measures what there is.
    let _ = bytes.advise(advice);
    // Untouched pages would all be the one zero page, and fit any cache.
    bytes.fill(1);
    let samples_ns = repetitions(clock, || read(pool, &bytes, 1))?;
    Ok(result(kind, MEMORY_BYTES as u64, MEMORY_BYTES, samples_ns))
}

fn int8_peak(pool: &Pool, clock: &dyn Clock) -> Result<Probe> {
    let mut macs = 0;
    let samples_ns = repetitions(clock, || {
        let peak = engine::probe::int8_peak(pool, Isa::best(), INT8_TURNS);
        macs = peak.context("failed to probe the int8 peak")?.0;
        Ok(())
    })?;
    Ok(result(ProbeKind::Int8Peak, macs, 0, samples_ns))
}

/// Times `once`, after one untimed run.
fn repetitions(clock: &dyn Clock, mut once: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    once()?;
    (0..REPETITIONS)
        .map(|_| {
            let start_ns = clock.now_ns();
            once()?;
            #[expect(clippy::cast_precision_loss, reason = "a probe takes milliseconds")]
            let ns = (clock.now_ns() - start_ns) as f64;
            Ok(ns)
        })
        .collect()
}

fn result(kind: ProbeKind, work: u64, working_set: usize, samples_ns: Vec<f64>) -> Probe {
    let working_set_bytes = working_set as u64;
    // `probe` fills in when and by how many threads.
    Probe { kind, when: ProbeWhen::Before, threads: 0, work, working_set_bytes, samples_ns }
}
