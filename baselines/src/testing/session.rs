//! The scripted session: who runs when, what the probes say, and what each process found.

use super::{
    Size,
    noise::Noise,
    process::{self, Script},
    subject,
};
use crate::{
    record::{Probe, ProbeKind, ProbeWhen, Process},
    timestamp,
};

/// 2026-03-02T09:00:00.000Z.
const START_MS: i64 = 1_772_442_000_000;
const PROBES_MS: i64 = 3_000;
/// Room for one process of the script as it stands and the gap after it: enough for a head at twice the time.
const SLOT_MS: i64 = 3_200;

/// One of the two subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arm {
    Base,
    Head,
}

/// What both arms share.
pub(super) struct Session {
    pub(super) seed: u64,
    pub(super) id: String,
    pub(super) nonce: String,
    pub(super) size: Size,
    pub(super) scripts: Vec<Script>,
    slot_ms: i64,
    base_first: Vec<bool>,
    /// Relative level of each pair: the drift of the machine, common to both arms.
    drift: Vec<f64>,
}

impl Session {
    pub(super) fn new(seed: u64, size: Size) -> Self {
        let mut noise = Noise::new(seed, "session");
        let id = format!("{:016x}{:016x}", noise.next_u64(), noise.next_u64());
        let mut nonce = Noise::new(seed, "nonce");
        let nonce = format!("{:016x}{:016x}", nonce.next_u64(), nonce.next_u64());
        let mut base_first: Vec<bool> = (0..size.n_pairs).map(|pair| pair % 2 == 0).collect();
        for idx in (1..base_first.len()).rev() {
            let other = noise.below(idx as u64 + 1);
            base_first.swap(idx, usize::try_from(other).expect("an index of a short list"));
        }
        let drift = (0..size.n_pairs).map(|_| 1.0 + 0.01 * noise.normal()).collect();
        let scripts = process::scripts(size);
        let slot_ms = slot_ms(&scripts);
        Self { seed, id, nonce, size, scripts, slot_ms, base_first, drift }
    }

    /// `ms` after the start, RFC 3339.
    pub(super) fn timestamp(&self, ms: i64) -> String {
        timestamp::format_ms(START_MS + ms).expect("a time in 2026")
    }

    /// End of the session: after the last process and the second probes.
    pub(super) fn end_ms(&self) -> i64 {
        2 * PROBES_MS + self.slot_ms * i64::try_from(2 * self.size.n_pairs).expect("few")
    }

    /// One worker process of `arm`, every time `factor` times the script's.
    pub(super) fn process(&self, arm: Arm, pair: u64, factor: f64) -> Process {
        let at = usize::try_from(pair).expect("an index of a short list");
        let position = u64::from(self.base_first[at] != (arm == Arm::Base));
        let order = 2 * pair + position;
        let mut noise = Noise::new(self.seed, &format!("{arm:?} {pair}"));
        let level = factor * self.drift[at] * (1.0 + 0.004 * noise.normal());
        let series = process::series(&self.scripts, &mut noise, level);

        // 150 ms for start-up, digests and what is carried out but not timed. `ttft_ns` lies within `e2e_ns`.
        let timed: f64 =
            series.iter().filter(|s| s.metric != "ttft_ns").flat_map(|s| &s.samples).sum();
        let wall = timed + 150e6;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few seconds in ns"
        )]
        let (wall_ns, wall_ms) = (wall as u64, (wall / 1e6).ceil() as i64);
        let started = PROBES_MS + self.slot_ms * i64::try_from(order).expect("few");
        assert!(
            wall_ms < self.slot_ms,
            "factor {factor} leaves no room between processes; the script allows about 4"
        );
        Process {
            order,
            pair,
            position,
            layout: 0,
            disturbed: None,
            pid: 41_000 + order,
            started_at: self.timestamp(started),
            ended_at: self.timestamp(started + wall_ms),
            wall_ns,
            env_padding_bytes: noise.below(4096),
            peak_rss_bytes: Some(38_000_000 + noise.below(500_000)),
            weights_huge_bytes: None,
            device: None,
            samples_digest: None,
            series,
            outputs: process::outputs(&self.scripts, self.seed),
            challenges: process::challenges(&self.scripts, &self.nonce, pair),
            counts: process::counts(&self.scripts, &subject::model()),
            screenings: Vec::new(),
            allocations: process::allocations(&self.scripts),
            runs: Vec::new(),
        }
    }

    /// Four kinds, before and after: about 120 GB/s in cache, 50 GB/s from 4 KiB pages, 55 GB/s from huge pages and
    /// 200 G int8 multiply-adds per second.
    pub(super) fn probes(&self) -> Vec<Probe> {
        let kinds = [
            (ProbeKind::BandwidthCache, 1 << 30, 1 << 19, 8_950_000.0),
            (ProbeKind::BandwidthPages4k, 1 << 28, 1 << 28, 5_370_000.0),
            (ProbeKind::BandwidthHugePages, 1 << 28, 1 << 28, 4_880_000.0),
            (ProbeKind::Int8Peak, 2_000_000_000, 0, 10_000_000.0),
        ];
        let mut noise = Noise::new(self.seed, "probes");
        let mut probes = Vec::new();
        for when in [ProbeWhen::Before, ProbeWhen::After] {
            for (kind, work, working_set_bytes, typical_ns) in kinds {
                let samples_ns = (0..5).map(|_| noise.around(typical_ns, 0.01)).collect();
                probes.push(Probe { kind, when, threads: 2, work, working_set_bytes, samples_ns });
            }
        }
        probes
    }
}

/// Four times what one process of these series typically times, and never less than the script as it stands has.
fn slot_ms(scripts: &[Script]) -> i64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "minutes in ms, thousands of samples"
    )]
    let ms = |script: &Script| {
        let n_samples = (script.iterations * script.per_iteration) as f64;
        (4.0 * n_samples * script.typical_ns / 1e6) as i64
    };
    scripts.iter().map(ms).sum::<i64>().max(SLOT_MS)
}
