//! A record against stored sessions, all scripted: what is judged, what is refused, what is passed over.

use baselines::{
    Digest, RunRecord,
    record::{Engine, Purpose},
    testing::{commands, session, sessions},
};
use gates::{
    DEFAULT_POLICY, MetricVerdict, Policy, StoredComparison, Verdict, judge_stored,
    stored::{self, spreads},
};

/// Every sample of `metric` replaced by `change`: (process, sample) → value.
fn rewrite(record: &mut RunRecord, metric: &str, mut change: impl FnMut(usize, f64) -> f64) {
    for (place, process) in record.processes.iter_mut().enumerate() {
        for series in process.series.iter_mut().filter(|series| series.metric == metric) {
            for sample in &mut series.samples {
                *sample = change(place, *sample);
            }
        }
    }
}

fn engine(record: &mut RunRecord) -> &mut Engine {
    record.subject.engine_mut().expect("an engine is scripted")
}

fn policy() -> Policy {
    Policy::parse(DEFAULT_POLICY).expect("it ships")
}

fn judged(current: &RunRecord, past: &[RunRecord]) -> StoredComparison {
    judge_stored(current, past, &policy())
}

#[test]
fn a_truth_of_0_10_and_20_percent_is_judged_as_the_noise_allows() {
    for (sd, ratio, verdict, exit_code, route) in [
        (0.01, 1.0, Verdict::Pass, 0, "docs-reviewer"),
        (0.01, 1.1, Verdict::Fail, 2, "regression-detector"),
        (0.01, 1.2, Verdict::Fail, 2, "regression-detector"),
        (0.04, 1.0, Verdict::Inconclusive, 3, "regression-detector"),
        (0.04, 1.1, Verdict::Inconclusive, 3, "regression-detector"),
        (0.04, 1.2, Verdict::Fail, 2, "regression-detector"),
    ] {
        let found = judged(&session(9, ratio), &sessions(1, 10, sd));
        let at = format!("SD {sd}, × {ratio}");
        let reasons: Vec<_> = found.rows.iter().map(|row| &row.reason).collect();
        assert_eq!(found.verdict, verdict, "{at}: {reasons:#?}");
        assert_eq!((found.verdict.exit_code(), found.route(&policy())), (exit_code, route), "{at}");
        assert_eq!((found.n_sessions, found.passed_over.len()), (10, 0));
        for row in &found.rows {
            let predicted = row.predicted.as_ref().expect("judged");
            // The level of the ten sessions is known to about sd/√10; three of these, and 1 % of noise.
            let error = 3.0 * sd / 10.0_f64.sqrt() + 0.01;
            assert!((predicted.found.change - f64::ln(ratio)).abs() < error, "{at}: {row:?}");
            assert!(predicted.found.bound() < predicted.found.detectable(), "{at}");
        }
    }
}

#[test]
fn every_verdict_says_why() {
    let reason =
        |sd, ratio| judged(&session(9, ratio), &sessions(1, 10, sd)).rows[0].reason.clone();
    for (reason, parts) in [
        (reason(0.01, 1.0), ["within the prediction bound of +", "not slower than +5.0 %"]),
        (reason(0.01, 1.2), ["slower than the bound of +", "unconfirmed: `bench gate`"]),
        (
            reason(0.04, 1.0),
            ["does not show that it is not slower", "10 sessions see a slow-down of +"],
        ),
    ] {
        for part in parts {
            assert!(reason.contains(part), "{part}: {reason}");
        }
    }
}

#[test]
fn fewer_than_three_sessions_are_never_judged() {
    for (k, verdict, reason) in [
        (0, Verdict::Incomparable, "too few past sessions (0 of the least 3)"),
        (1, Verdict::Inconclusive, "too few past sessions (1 of the least 3)"),
        (2, Verdict::Inconclusive, "too few past sessions (2 of the least 3)"),
    ] {
        // However slow it is: without a spread there is no bound.
        for ratio in [1.0, 3.0] {
            let found = judged(&session(9, ratio), &sessions(1, k, 0.01));
            assert_eq!((found.verdict, found.rows.len()), (verdict, 6));
            assert!(found.rows.iter().all(|row| row.reason == reason), "{:?}", found.rows);
        }
    }
    let three = judged(&session(9, 3.0), &sessions(1, 3, 0.01));
    assert_eq!(three.verdict, Verdict::Fail);
}

/// Changes a record that asks the same into one that asks something else.
type Change = fn(&mut RunRecord);

#[test]
fn another_question_is_not_judged_and_says_what_differs() {
    let machine: Change = |record| {
        record.host.cpu_model = "Another CPU".to_owned();
        record.host.microcode = "0x1".to_owned();
        record.host.cpu_flags.push("vaes".to_owned());
        record.host.fingerprint = record.host.computed_fingerprint();
    };
    let cases: [(Change, &str, Verdict, [&str; 3]); 10] = [
        (
            machine,
            "machine",
            Verdict::Incomparable,
            [
                "found cpu_model Another CPU, microcode 0x1, cpu_flags with vaes",
                "bench baseline record --name main",
                "bench gate",
            ],
        ),
        (
            |record| record.subject.what = commands(1, 1.0).base.subject.what,
            "subject",
            Verdict::Incomparable,
            ["expected the engine", "found the command `work --old`", "--base-command"],
        ),
        (
            |record| engine(record).model.digest = Digest::of(b"m"),
            "model",
            Verdict::Incomparable,
            ["expected stories (SHA-256 261f5da193fe)", "found stories (SHA-256", "--name main"],
        ),
        (
            |record| engine(record).settings.threads = 1,
            "settings",
            Verdict::Incomparable,
            ["expected threads 2", "found threads 1", "--name main"],
        ),
        (
            |record| record.suite.digest = Digest::of(b"s"),
            "suite",
            Verdict::Incomparable,
            ["expected SHA-256", "found SHA-256", "--name main"],
        ),
        (
            |record| record.seed = 7,
            "seed",
            Verdict::Incomparable,
            ["expected seed 42", "found seed 7", "--name main"],
        ),
        (
            |record| record.tool.toolchain = "rustc 1.99.0".to_owned(),
            "build",
            Verdict::Incomparable,
            ["expected toolchain rustc 1.95.0", "found toolchain rustc 1.99.0", "bench gate"],
        ),
        (
            |record| record.purpose = Purpose::Paired,
            "pairing",
            Verdict::Incomparable,
            ["alone", "in pairs", "bench run"],
        ),
        (
            |record| record.processes[0].outputs[0].logits_digest = Digest::of(b"x"),
            "output",
            Verdict::Invalid,
            ["of prefill-128", "logits", "--reason"],
        ),
        (
            |record| {
                record.processes[0].outputs.pop();
            },
            "output",
            Verdict::Invalid,
            ["of end-to-end", "found of end-to-end none", "--reason"],
        ),
    ];
    let past = sessions(1, 5, 0.01);
    for (change, what, verdict, parts) in cases {
        let mut current = session(9, 1.0);
        change(&mut current);
        let found = judged(&current, &past);
        let difference = found.difference.expect("refused");
        assert_eq!((difference.what, found.verdict, found.rows.len()), (what, verdict, 0));
        let text = difference.text("main");
        for part in parts {
            assert!(text.contains(part), "{what}: {part}: {text}");
        }
        // An older record of another question is passed over, the newest decides.
        let mut mixed = past.clone();
        change(&mut mixed[2]);
        let found = judged(&session(9, 1.0), &mixed);
        assert_eq!((found.n_sessions, found.passed_over.len(), found.passed_over[0].0), (4, 1, 2));
        assert_eq!(found.passed_over[0].1.what, what);
        assert_ne!(found.verdict, verdict);
    }
}

#[test]
fn a_record_is_not_its_own_past() {
    let past = sessions(1, 5, 0.01);
    let found = judged(&past[0], &past);
    assert_eq!((found.n_sessions, found.passed_over[0].1.what), (4, "session"));
    let alone = judged(&past[0], &past[..1]);
    assert_eq!((alone.verdict, alone.n_sessions), (Verdict::Incomparable, 0));
}

#[test]
fn a_session_that_lacks_a_metric_counts_for_the_others_only() {
    let mut past = sessions(1, 4, 0.01);
    for process in &mut past[1].processes {
        process.series.retain(|series| series.metric != "load_ns");
    }
    for (place, bad) in [(2, f64::NAN), (2, 0.0), (2, -1.0), (2, f64::INFINITY)] {
        let mut past = past.clone();
        let mut first = true;
        rewrite(&mut past[place], "load_ns", |process, ns| {
            let here = process == 3 && std::mem::take(&mut first);
            if here { bad } else { ns }
        });
        let found = judged(&session(9, 1.0), &past);
        let [load, prefill] = [&found.rows[0], &found.rows[1]];
        assert_eq!((load.n_sessions, prefill.n_sessions), (2, 4));
        assert_eq!(
            load.reason, "too few past sessions (2 of the least 3); 2 of 4 past sessions lack it",
            "{bad}"
        );
        assert_eq!(load.verdict, MetricVerdict::Inconclusive);
        assert!(prefill.predicted.is_some());
    }
    // The current record: nothing to compare, and never green.
    for bad in [f64::NAN, 0.0, f64::NEG_INFINITY] {
        let mut current = session(9, 1.0);
        rewrite(&mut current, "load_ns", |_, _| bad);
        let found = judged(&current, &past);
        assert_eq!(
            (found.rows[0].verdict, found.verdict),
            (MetricVerdict::Missing, Verdict::Incomparable)
        );
        assert!(found.rows[0].reason.contains("no positive finite times"), "{:?}", found.rows[0]);
    }
    // A regression is not hidden by what is missing.
    let mut current = session(9, 2.0);
    rewrite(&mut current, "load_ns", |_, _| f64::NAN);
    assert_eq!(judged(&current, &past).verdict, Verdict::Fail);
}

#[test]
fn the_spread_of_sessions_is_told_level_by_level() {
    let spreads = spreads(&sessions(3, 40, 0.04));
    assert_eq!(spreads.len(), 7);
    let decode =
        spreads.iter().find(|spread| spread.metric == "decode_step_ns").expect("it is there");
    let sd = |variance: Option<f64>| variance.expect("repeated").sqrt();
    let components = decode.components;
    assert_eq!(
        (components.n_sessions, components.n_processes, components.n_iterations),
        (40, 640, 5120)
    );
    // The script: sessions 4 % (40 of them: ± 11 % each standard error); processes √(1² + .4²) = 1.08 % (600 degrees of
    // freedom, ± 3 %); an iteration is a median of 64 steps of 1 %: 1.25 · 1 % ÷ 8 = .16 %.
    assert!((0.027..0.053).contains(&sd(components.session)), "{components:?}");
    assert!((0.0098..0.0118).contains(&sd(components.process)), "{components:?}");
    assert!((0.0014..0.0018).contains(&sd(components.iteration)), "{components:?}");
    let plan = decode.plan.expect("both levels were repeated");
    assert!(plan.n_iterations >= 1 && plan.n_processes >= 16, "{plan:?}");
    let one = &stored::spreads(&sessions(3, 1, 0.04))[0];
    assert_eq!(one.components.session, None);
    assert!(stored::spreads(&[]).is_empty());
}
