//! Scripted histories: sessions, tracks and changes from a seed. The changes are where the script put the steps: finding them is
//! the gate's business.

use baselines::{Digest, metric::Better, quantile::median, timestamp::format_ms, unit::Unit};
use reports::history::{
    Calibration, Change, Class, Event, History, LeftOut, Point, Reference, Session, Track, Waiver,
    interval,
};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// 2026-01-05T09:00Z.
const START_MS: i64 = 1_767_603_600_000;
/// Processes of each session.
const N_PROCESSES: usize = 5;

/// Even values in [-1, 1), from a linear congruential generator (Knuth's MMIX).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).expect("31 bits")) / f64::from(1_u32 << 30) - 1.0
    }
}

/// `n` sessions, one a day, of `n_tracks` series; the nth track has a step of `steps[nth]` at each place named.
pub(crate) fn history(n: usize, n_tracks: usize, steps: &[(usize, f64)]) -> History {
    let sessions = (0..n).map(session).collect();
    let mut history = History {
        sessions,
        classes: vec![class("AMD EPYC 9R14", n)],
        commit_url: Some("https://github.com/octo-org/octo-repo/commit/".to_owned()),
        command: "bench report --store .bench --out report.html".to_owned(),
        ..History::default()
    };
    history.tracks =
        (0..n_tracks).map(|nth| track(nth, n, if nth % 3 == 0 { steps } else { &[] })).collect();
    history
}

/// A history as a person meets it: 90 sessions, six series, steps, a gap, a baseline, a waiver, something left out.
pub(crate) fn typical() -> History {
    let mut history = history(90, 6, &[(31, 0.06), (62, -0.04)]);
    for session in &mut history.sessions[50..] {
        let day: i64 = session.started_at[8..10].parse().expect("a day");
        session.started_at =
            session.started_at.replace("T09", if day % 2 == 0 { "T10" } else { "T09" });
    }
    for (nth, session) in history.sessions.iter_mut().enumerate().skip(70) {
        session.started_at = at(i64::try_from(nth).expect("few") + 30);
    }
    for place in [12, 64] {
        let session = &history.sessions[place];
        history.events.push(Event {
            baseline: "main".to_owned(),
            action: if place == 12 { "record" } else { "promote" }.to_owned(),
            moves: true,
            session: Some(place),
            record: session.record,
            at: session.started_at.clone(),
            reason: "faster loads".to_owned(),
            by: "ada, approved by grace".to_owned(),
        });
    }
    for track in &mut history.tracks {
        let margins = Some((1.01_f64.ln(), 1.05_f64.ln()));
        track.reference = Some(Reference { name: "main".to_owned(), place: 64, margins });
    }
    history.tracks[0].waivers.push(Waiver {
        reason: "the new tokenizer".to_owned(),
        owner: "ada".to_owned(),
        expires: "2026-12-31".to_owned(),
        state: "in force".to_owned(),
        ceiling: "+20 %".to_owned(),
    });
    history.calibrations.push(Calibration {
        machine: history.classes[0].fingerprint.to_string(),
        cpu_model: history.classes[0].cpu_model.clone(),
        ended_at: "2026-04-01T09:00:00.000Z".to_owned(),
        holds: true,
        rates: vec![
            "a build with itself: 0 of 60 (0.0 % to 6.0 %) fail, 58 pass, 2 inconclusive"
                .to_owned(),
        ],
    });
    history.left_out.push(LeftOut {
        reason: "written by a newer bench than this one".to_owned(),
        n: 2,
        examples: vec![
            "0123456789ab: version 2.0".to_owned(),
            "ba9876543210: version 2.1".to_owned(),
        ],
    });
    history
}

/// The same with text that tries to be something else.
pub(crate) fn hostile() -> History {
    let bad =
        "<script>alert(1)</script>\"'</svg></style>\u{202e}gnp.exe<img src=x onerror=alert(2)>";
    let mut history = typical();
    for session in &mut history.sessions {
        session.subject = Some(format!("{bad}{}", "x".repeat(10_240)));
    }
    history.sessions[3].started_at = bad.to_owned();
    history.sessions[4].commit = Some("javascript:alert(3)".to_owned());
    for track in &mut history.tracks {
        track.workload = format!("{bad}{}", track.workload);
    }
    history.classes[0].cpu_model = bad.to_owned();
    history.classes[0].subject = bad.repeat(100);
    history.command = bad.to_owned();
    for event in &mut history.events {
        (event.reason, event.by) = (bad.to_owned(), bad.to_owned());
    }
    history.left_out[0].examples = vec![bad.repeat(100)];
    history
}

/// Two machines and a change of the model in one store, sessions by turns.
pub(crate) fn mixed() -> History {
    let mut history = history(40, 3, &[(20, 0.05)]);
    history.classes.push(class("Intel Xeon Platinum 8488C", 20));
    history.classes[0].n_sessions = 20;
    let others: Vec<Track> = history
        .tracks
        .iter_mut()
        .map(|track| {
            let mut other = track.clone();
            other.class = 1;
            other.points.retain(|point| point.session % 2 == 1);
            track.points.retain(|point| point.session % 2 == 0);
            for change in track.changes.iter_mut().chain(&mut other.changes) {
                change.place /= 2;
                change.last_good = change.place - 1;
                change.first_bad = change.place;
            }
            other
        })
        .collect();
    history.tracks.extend(others);
    history.tracks.sort_by_key(|track| (track.workload.clone(), track.class));
    history
}

fn at(day: i64) -> String {
    format_ms(START_MS + day * DAY_MS).expect("a date")
}

fn session(nth: usize) -> Session {
    let record = Digest::of(format!("record {nth}").as_bytes());
    Session {
        record,
        started_at: at(i64::try_from(nth).expect("few")),
        commit: Some(Digest::of(format!("commit {nth}").as_bytes()).to_string()[..40].to_owned()),
        subject: Some(format!("engine: change number {nth}")),
        is_current: false,
    }
}

fn class(cpu_model: &str, n_sessions: usize) -> Class {
    Class {
        digest: Digest::of(cpu_model.as_bytes()),
        cpu_model: cpu_model.to_owned(),
        fingerprint: Digest::of(b"machine"),
        subject: "stories, avx512, 2 threads".to_owned(),
        n_sessions,
    }
}

fn track(nth: usize, n: usize, steps: &[(usize, f64)]) -> Track {
    let names = [
        ("decode-64", "decode_step_ns", 481_730.0),
        ("load", "load_ns", 3.9e6),
        ("prefill-128", "prefill_ns", 34.1e6),
        ("memory", "rss_bytes", 81.2e6),
        ("end-to-end", "e2e_ns", 31.5e6),
        ("matmul", "matmul_ns", 27_590.0),
    ];
    let (workload, metric, level) = names[nth % names.len()];
    let mut noise = Noise(u64::try_from(nth).expect("few") + 7);
    let mut track = Track {
        workload: if nth < names.len() { workload.to_owned() } else { format!("{workload}-{nth}") },
        metric: metric.to_owned(),
        definition: "tokens 64".to_owned(),
        unit: if metric.ends_with("bytes") { Unit::Bytes } else { Unit::Nanoseconds },
        better: Better::Lower,
        class: 0,
        points: Vec::with_capacity(n),
        processes: Vec::with_capacity(N_PROCESSES * n),
        changes: Vec::new(),
        not_searched: None,
        reference: None,
        waivers: Vec::new(),
        n_unusable: 0,
    };
    for session in 0..n {
        let log: f64 =
            steps.iter().filter(|(place, _)| *place <= session).map(|(_, step)| step).sum();
        let day = 0.008 * noise.next();
        let processes: Vec<f64> =
            (0..N_PROCESSES).map(|_| level * (log + day + 0.006 * noise.next()).exp()).collect();
        let bounds = interval(&processes).expect("finite");
        track.points.push(Point {
            session,
            median: median(&processes).expect("five"),
            low: bounds.low,
            high: bounds.high,
            first_process: track.processes.len(),
            n_processes: N_PROCESSES,
        });
        track.processes.extend(processes);
    }
    track.changes = steps
        .iter()
        .filter(|(place, _)| (1..n).contains(place))
        .map(|&(place, log_ratio)| Change {
            place,
            last_good: place - 1,
            first_bad: place,
            log_ratio,
            interval_95: Some((log_ratio - 0.004, log_ratio + 0.004)),
        })
        .collect();
    track
}
