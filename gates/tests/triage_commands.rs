//! Triage of external commands on scripted sessions whose parts are known: what is planted is named, what is not is not.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it")]

use baselines::{
    Evidence, RunRecord,
    evidence::TriageSession,
    record::{Process, Purpose, Series},
    testing::{WORKLOAD, commands},
};
use gates::{
    Policy,
    triage::{Part, Triage, attached, triage},
};

/// Shares of a run; the rest is waiting.
const USER: f64 = 0.5;
const SYSTEM: f64 = 0.1;

/// What is planted in the head: shares of the base's run that are added, and counts.
#[derive(Clone, Copy)]
struct Plant {
    user: f64,
    system: f64,
    waiting: f64,
    /// Processor time is so many times what it is: as many threads.
    threads: f64,
    minor_faults: f64,
    blocks_read: f64,
    /// Peak memory; 0: not above that of `bench`, and so not in the record.
    memory: f64,
}

const NOTHING: Plant = Plant {
    user: 0.0,
    system: 0.0,
    waiting: 0.0,
    threads: 1.0,
    minor_faults: 0.0,
    blocks_read: 0.0,
    memory: 50e6,
};

/// Uniform in −1 to 1: Knuth's multiplier, the upper bits.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1_u32 << 30) - 1.0
    }
}

/// A session of triage of two commands, 16 pairs of five runs.
fn accounted(seed: u64, base: Plant, head: Plant) -> Evidence {
    let mut evidence = commands(seed, 1.0);
    evidence.policy = gates::command_policy(&[(WORKLOAD, "wall_ns")]);
    let mut draws = Draws(seed);
    for (arm, plant) in [(&mut evidence.base, base), (&mut evidence.head, head)] {
        account(arm, plant, &mut draws);
    }
    evidence
}

fn account(arm: &mut RunRecord, plant: Plant, draws: &mut Draws) {
    arm.purpose = Purpose::Triage;
    for process in &mut arm.processes {
        let own = series(process, "wall_ns").samples.clone();
        let mut samples: Vec<(&str, Vec<f64>)> = vec![
            ("wall_ns", Vec::new()),
            ("user_ns", Vec::new()),
            ("system_ns", Vec::new()),
            ("cpu_ns", Vec::new()),
            ("minor_faults_count", Vec::new()),
            ("major_faults_count", Vec::new()),
            ("voluntary_switches_count", Vec::new()),
            ("involuntary_switches_count", Vec::new()),
            ("blocks_read_count", Vec::new()),
            ("blocks_written_count", Vec::new()),
        ];
        for wall in own {
            let user = wall * (USER * (1.0 + 0.02 * draws.next()) + plant.user) * plant.threads;
            let system = wall * (SYSTEM * (1.0 + 0.02 * draws.next()) + plant.system);
            let (user, system) = (user.round(), system.round());
            let whole = (wall * (1.0 + plant.user + plant.system + plant.waiting)).round();
            let faults = (300.0 + 3.0 * draws.next()).round() + plant.minor_faults;
            let waits = (5.0 + draws.next()).round();
            let values = [
                whole,
                user,
                system,
                user + system,
                faults,
                0.0,
                waits,
                1.0,
                plant.blocks_read,
                0.0,
            ];
            for ((_, samples), value) in samples.iter_mut().zip(values) {
                samples.push(value);
            }
        }
        if plant.memory > 0.0 {
            let peaks = (0..samples[0].1.len()).map(|_| plant.memory + 1e4 * draws.next());
            samples.push(("max_rss_bytes", peaks.map(f64::round).collect()));
        }
        process.series = samples
            .into_iter()
            .map(|(metric, samples)| Series {
                workload: WORKLOAD.to_owned(),
                metric: metric.to_owned(),
                per_iteration: 1,
                samples,
            })
            .collect();
    }
    *arm = arm.clone().sealed();
}

fn series<'a>(process: &'a mut Process, metric: &str) -> &'a mut Series {
    process.series.iter_mut().find(|series| series.metric == metric).unwrap()
}

fn explain(evidence: &Evidence) -> Triage {
    triage(evidence, &Policy::parse(&evidence.policy).unwrap())
}

#[track_caller]
fn found(head: Plant, seed: u64) -> Triage {
    let found = explain(&accounted(seed, NOTHING, head));
    assert_eq!(found.refusals, [], "the scripted session holds");
    assert_eq!((found.workloads.len(), found.n_pairs), (1, 16));
    found
}

fn named(found: &Triage) -> Vec<&str> {
    found.workloads[0].named().map(|part| part.name.as_str()).collect()
}

fn part<'a>(found: &'a Triage, name: &str) -> &'a Part {
    found.workloads[0].parts.iter().find(|part| part.name == name).unwrap()
}

fn hint<'a>(found: &'a Triage, kind: &str) -> Vec<&'a str> {
    found.hints.iter().filter(|hint| hint.kind == kind).map(|hint| hint.text.as_str()).collect()
}

/// The rest is what is left of the same runs of the same pairs.
#[test]
fn parts_sum_to_the_whole_exactly() {
    for plant in [NOTHING, Plant { user: 0.4, waiting: 0.3, threads: 3.0, ..NOTHING }] {
        let found = found(plant, 7);
        let table = &found.workloads[0];
        let names: Vec<&str> = table.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["user", "system", "waiting"]);
        let sum: f64 = table.parts.iter().map(|part| part.change.share).sum();
        assert!((sum - table.whole.share).abs() < 1e-12, "{sum} of {}", table.whole.share);
        for (sum, whole) in [
            (table.parts.iter().map(|part| part.change.base_ns).sum::<f64>(), table.whole.base_ns),
            (table.parts.iter().map(|part| part.change.head_ns).sum::<f64>(), table.whole.head_ns),
        ] {
            assert!((sum / whole - 1.0).abs() < 1e-9, "{sum} of {whole}");
        }
    }
}

#[test]
fn what_is_planted_in_a_part_is_named_by_that_part_with_its_size_in_every_session() {
    for seed in 0..10 {
        for (name, plant) in [
            ("user", Plant { user: 0.3, ..NOTHING }),
            ("system", Plant { system: 0.3, ..NOTHING }),
            ("waiting", Plant { waiting: 0.3, ..NOTHING }),
        ] {
            let found = found(plant, seed);
            assert_eq!(named(&found).first(), Some(&name), "seed {seed}");
            let change = part(&found, name).change;
            assert!(change.low > 0.2 && change.high < 0.4, "seed {seed}: {name} {change:?}");
            let whole = found.workloads[0].whole;
            assert!(whole.low > 0.2 && whole.high < 0.4, "seed {seed}: {whole:?}");
            let of_processor = !hint(&found, "processor-time").is_empty();
            assert_eq!(of_processor, name != "waiting", "seed {seed}: {name}");
        }
    }
}

/// Of twenty tables of nothing one is allowed to name something; of this test's seeds more than three never do.
#[test]
fn commands_that_do_the_same_show_no_difference() {
    let silent = (100..120).filter(|seed| found(NOTHING, *seed).is_silent()).count();
    assert!(silent >= 17, "{silent} of 20 sessions of nothing say nothing");
}

#[test]
fn counts_of_the_system_are_said_with_their_numbers_and_small_ones_are_not() {
    let plant = Plant { minor_faults: 500.0, blocks_read: 64.0, system: 0.3, ..NOTHING };
    let some = found(plant, 3);
    let faults = hint(&some, "page-faults");
    assert_eq!(faults.len(), 1, "{:?}", some.hints);
    assert!(faults[0].starts_with("command: 300.") || faults[0].starts_with("command: 299."));
    assert!(faults[0].contains(" → 800.") || faults[0].contains(" → 799."), "{faults:?}");
    let reads = hint(&some, "disk-reads");
    assert_eq!(reads, ["command: 0.0 → 64.0 blocks of 512 bytes a run read from disks"]);
    for kind in ["waits", "faults-from-disk", "disk-writes", "memory", "preemptions"] {
        assert_eq!(hint(&some, kind), [""; 0], "{kind}");
    }
    // Surely more, and nothing to act on: 1.3 % of what starting a program takes.
    let few = found(Plant { minor_faults: 4.0, ..NOTHING }, 3);
    assert_eq!(hint(&few, "page-faults"), [""; 0]);
}

#[test]
fn peak_memory_is_told_where_it_is_known_and_where_it_is_only_known_of_one() {
    let more = found(Plant { memory: 90e6, ..NOTHING }, 5);
    assert_eq!(hint(&more, "memory"), ["command: peak resident memory: 50.0 → 90.0 MB (+80.0 %)"]);
    let unknown = found(Plant { memory: 0.0, ..NOTHING }, 5);
    let said = hint(&unknown, "memory");
    assert_eq!(said, ["command: peak resident memory: 50.0 MB → no more than bench itself"]);
    let neither = Plant { memory: 0.0, ..NOTHING };
    assert_eq!(hint(&explain(&accounted(5, neither, neither)), "memory"), [""; 0]);
}

#[test]
fn more_processor_time_than_time_makes_waiting_negative_and_that_is_said() {
    let found = found(Plant { threads: 3.0, ..NOTHING }, 9);
    assert!(part(&found, "waiting").change.head_ns < 0.0);
    let said = hint(&found, "parallel");
    assert!(said.len() == 1 && said[0].contains("0.60 → 1.60 processors at work"), "{said:?}");
    assert!(said[0].contains("below zero"), "{said:?}");
    assert_eq!(hint(&self::found(NOTHING, 9), "parallel"), [""; 0]);
}

/// Without both parts nothing can be explained, and "no difference" would be a lie.
#[test]
fn a_session_without_parts_or_with_parts_that_do_not_sum_up_is_refused() {
    let plants: [fn(&mut Process); 5] = [
        |process| process.series.retain(|series| series.metric != "user_ns"),
        |process| series(process, "system_ns").samples.truncate(4),
        |process| series(process, "user_ns").samples[1] += 1.0,
        |process| series(process, "cpu_ns").samples[1] += 1.0,
        |process| {
            process.series.retain(|series| series.metric != "cpu_ns");
            series(process, "system_ns").samples[1] *= 1e4;
        },
    ];
    for (nth, plant) in plants.iter().enumerate() {
        let mut evidence = accounted(11, NOTHING, NOTHING);
        plant(&mut evidence.head.processes[2]);
        evidence.head = evidence.head.clone().sealed();
        let found = explain(&evidence);
        assert!(found.refusals.iter().any(|refusal| refusal.rule == "command"), "plant {nth}");
        assert!(found.workloads.is_empty() && !found.is_silent(), "plant {nth}");
    }
    // A part may be nothing, where the system counts whole ticks.
    let mut evidence = accounted(11, NOTHING, NOTHING);
    for process in &mut evidence.head.processes {
        let system = series(process, "system_ns").samples.clone();
        series(process, "system_ns").samples.fill(0.0);
        let user = &mut series(process, "user_ns").samples;
        user.iter_mut().zip(system).for_each(|(user, system)| *user += system);
    }
    evidence.head = evidence.head.clone().sealed();
    assert_eq!(explain(&evidence).refusals, []);
}

#[test]
fn a_gate_of_commands_has_none_of_these_series_and_a_triage_is_no_gate() {
    let mut gate = accounted(13, NOTHING, NOTHING);
    for arm in [&mut gate.base, &mut gate.head] {
        arm.purpose = Purpose::Paired;
        *arm = arm.clone().sealed();
    }
    let derived = gates::derive(&gate).unwrap();
    assert!(derived.refusals.iter().any(|refusal| refusal.rule == "command"));
    let derived = gates::derive(&accounted(13, NOTHING, NOTHING)).unwrap();
    assert!(derived.refusals.iter().any(|refusal| refusal.rule == "purpose"));
}

/// Requirement: T5.
#[test]
fn a_red_gate_of_commands_carries_the_triage_of_its_commands_and_of_no_others() {
    let session = accounted(17, NOTHING, Plant { waiting: 0.4, ..NOTHING });
    let mut gate = commands(42, 1.4);
    gate.policy.clone_from(&session.policy);
    gate.triage = Some(TriageSession { base: session.base, head: session.head });
    let derived = gates::derive(&gate).unwrap();
    assert_eq!(derived.refusals, []);
    assert_eq!(derived.route.to, "perf-fixer");
    let route: serde_json::Value = serde_json::from_slice(&derived.route.to_json()).unwrap();
    assert_eq!(route["triage"]["spans"][0]["span"], "waiting");
    assert!(derived.report.contains("| part | base ns |"), "{}", derived.report);
    let found = attached(&gate, &Policy::parse(&gate.policy).unwrap()).unwrap();
    assert!(!found.is_silent());

    let other = &mut gate.triage.as_mut().unwrap().head;
    let baselines::record::What::Command(command) = &mut other.subject.what else { panic!() };
    command.line = "work --newer".to_owned();
    let derived = gates::derive(&gate).unwrap();
    assert!(derived.refusals.iter().any(|refusal| refusal.rule == "triage-arms"));
}

#[test]
fn the_document_names_both_lines_and_markdown_the_parts() {
    let evidence = accounted(19, NOTHING, Plant { user: 0.3, ..NOTHING });
    let found = explain(&evidence);
    let document: serde_json::Value = serde_json::from_slice(&found.to_json(&evidence)).unwrap();
    assert_eq!(document["base"]["command"], "work --old");
    assert_eq!(document["head"]["command"], "work --new");
    assert_eq!(document["workloads"][0]["parts"][0]["span"], "user");
    assert!(found.to_markdown().contains("| **user** |"), "{}", found.to_markdown());
}
