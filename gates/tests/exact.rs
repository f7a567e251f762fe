//! Exact metrics: one byte too many fails whatever the times say, less never does, and what cannot be compared is no pass.

mod common;

use baselines::{Evidence, RunRecord};
use common::{arms, rewrite, session};
use gates::{
    DEFAULT_POLICY, Derived, Policy, Verdict, derive,
    exact::{self, State},
};

fn derived(evidence: &Evidence) -> Derived {
    derive(evidence).expect("the policy is read")
}

/// The judged places of `metric` that are in `state`.
fn texts(derived: &Derived, metric: &str, state: State) -> Vec<String> {
    let places =
        derived.exact.iter().filter(|place| place.metric == metric && place.state == state);
    places.map(|place| place.text.clone()).collect()
}

/// Every count of one linear of one workload, changed.
fn recount(record: &mut RunRecord, workload: &str, change: impl Fn(u64) -> u64) {
    let all = record.processes.iter_mut().flat_map(|process| &mut process.counts);
    for counts in all.filter(|counts| counts.workload == workload && counts.linear == "ffn_up") {
        counts.bytes = change(counts.bytes);
    }
}

/// A policy that judges this metric alone.
fn only(metric: &str, max_increase: &str, required: bool) -> String {
    let (before, rest) = DEFAULT_POLICY.split_once("[[exact]]").expect("it ships");
    let (_, last) = rest.rsplit_once("[[exact]]").expect("more than one ships");
    let (_, after) = last.split_once("\n\n").expect("more follows");
    format!(
        "{before}[[exact]]\nmetric = \"{metric}\"\nmax_increase = {max_increase}\nrequired = {required}\n\n{after}"
    )
}

#[test]
fn an_equal_session_holds_every_rule_that_ships_and_says_so() {
    let derived = derived(&session(1, 1.0));
    assert_eq!(derived.verdict, Verdict::Pass);
    let summaries = exact::summaries(&derived.exact);
    let lines: Vec<String> = summaries.iter().map(exact::Summary::text).collect();
    // The scripted head's binary is 4 096 of 14 680 064 bytes larger: 0.03 %, within the 10 % that ship.
    assert_eq!(
        lines,
        [
            "binary_bytes: base 14680064 bytes, head 14684160, at most +10 % allowed: found +0.03 %, allowed",
            "timed_allocations: 6 places: 6 same",
            "kernel_bytes: 31 places: 31 same",
            "kernel_products: 31 places: 31 same",
        ]
    );
}

#[test]
fn one_byte_beyond_the_bound_fails_although_every_time_is_faster() {
    let mut evidence = session(2, 0.8);
    // 14 680 064 · 1.1 = 16 148 070.4.
    for (bytes, verdict) in [(16_148_070, Verdict::Pass), (16_148_071, Verdict::Fail)] {
        evidence.head.subject.binary_bytes = bytes;
        let derived = derived(&evidence);
        assert_eq!(derived.verdict, verdict, "{bytes}: {:?}", derived.refusals);
        assert_eq!(derived.counts.improved, 6, "times are still said");
    }
    let derived = derived(&evidence);
    assert_eq!(
        texts(&derived, "binary_bytes", State::Broken),
        [
            "binary_bytes: base 14680064 bytes, head 16148071, at most +10 % allowed: found +10.00 %, broken"
        ]
    );
    assert_eq!((derived.route.to.as_str(), derived.route.open.len()), ("perf-fixer", 1));
    assert_eq!(derived.route.open[0]["state"], "broken");
    assert_eq!(derived.perf_gate.conclusion, "failure");
    assert_eq!(derived.benchmarks_gate.conclusion, "success", "it was measured, all of it");
    let report = derived.files().pop().expect("the report is last").1;
    let report = String::from_utf8(report).expect("UTF-8");
    assert!(report.contains("- [ ] binary_bytes: base 14680064 bytes, head 16148071"), "{report}");
}

#[test]
fn work_that_grew_in_one_linear_of_one_workload_fails_with_its_place() {
    // Less in the head is said, and passes.
    let mut less = session(3, 1.0);
    recount(&mut less.head, "matmul", |bytes| bytes - 8);
    let found = derived(&less);
    assert_eq!(found.verdict, Verdict::Pass, "{:?}", found.refusals);
    assert_eq!(texts(&found, "kernel_bytes", State::Less).len(), 1);
    // The same the other way round is more in the head.
    let mut more = session(3, 1.0);
    recount(&mut more.base, "matmul", |bytes| bytes - 8);
    let found = derived(&more);
    assert_eq!(found.verdict, Verdict::Fail, "{:?}", found.refusals);
    let said = texts(&found, "kernel_bytes", State::Broken);
    assert!(
        said.len() == 1 && said[0].starts_with("kernel_bytes of matmul/ffn_up: base "),
        "{said:?}"
    );
    let gate = String::from_utf8(found.perf_gate.to_json()).expect("UTF-8");
    assert!(gate.contains("\"place\": \"matmul/ffn_up\""), "{gate}");
}

#[test]
fn amounts_are_per_iteration() {
    // Twice the work in twice the iterations is the same; one product more is not.
    let policy = Policy::parse(&only("kernel_products", "0.0", true)).expect("in range");
    let evidence = session(4, 1.0);
    let mut head = evidence.head.clone();
    for process in &mut head.processes {
        for counts in process.counts.iter_mut().filter(|counts| counts.workload == "decode-64") {
            counts.products *= 2;
        }
        process.outputs[1].iterations *= 2;
    }
    let states = |head: &RunRecord| -> Vec<State> {
        exact::check(&evidence.base, head, &policy).iter().map(|place| place.state).collect()
    };
    assert_eq!(states(&head), vec![State::Same; 31]);
    for process in &mut head.processes {
        process.counts.last_mut().expect("counted").products += 1;
    }
    assert_eq!(states(&head).iter().filter(|state| **state == State::Broken).count(), 1);
}

#[test]
fn other_kernels_are_not_comparable_and_a_hole_only_where_the_policy_demands_it() {
    // Both kernels carry ternary weights with int8 activations, so that the evidence holds.
    let mut evidence = session(5, 1.0);
    for process in &mut evidence.head.processes {
        for counts in process.counts.iter_mut().filter(|counts| counts.linear == "attn_q") {
            counts.kernel = "ternary_i8.avx512".to_owned();
        }
    }
    for (required, verdict) in [(false, Verdict::Pass), (true, Verdict::Incomparable)] {
        evidence.policy = only("kernel_bytes", "0.0", required);
        let derived = derived(&evidence);
        assert_eq!(derived.verdict, verdict, "{:?}", derived.refusals);
        let said = texts(&derived, "kernel_bytes", State::NotComparable);
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            said[0]
                .ends_with("not comparable: base ran gemm_i2s_i8.avx512, head ternary_i8.avx512"),
            "{said:?}"
        );
    }
    // A hole never hides a fail.
    evidence.policy.push_str("\n[[exact]]\nmetric = \"binary_bytes\"\nmax_increase = 0.0\n");
    assert_eq!(derived(&evidence).verdict, Verdict::Fail);
}

#[test]
fn another_instruction_set_processes_that_disagree_and_nothing_counted_are_not_comparable() {
    let evidence = session(6, 1.0);
    let policy = Policy::parse(&only("kernel_bytes", "9.0", true)).expect("in range");
    let said = |base: &RunRecord, head: &RunRecord| {
        let places = exact::check(base, head, &policy);
        assert!(places.iter().any(gates::Exact::is_hole), "{places:?}");
        places.into_iter().find(|place| place.is_hole()).expect("a hole").text
    };
    let mut other = evidence.clone();
    other.head.subject.engine_mut().expect("scripted").settings.isa = "avx2".to_owned();
    assert!(said(&other.base, &other.head).ends_with("base on avx512, head on avx2"));
    let mut other = evidence.clone();
    other.head.processes[3].counts[0].bytes -= 1;
    assert!(said(&other.base, &other.head).contains("head: processes count "));
    let mut other = evidence.clone();
    other.base.processes[3].counts.remove(0);
    assert!(said(&other.base, &other.head).ends_with("base: counted 15 times in 16 processes"));
    let mut other = evidence;
    for record in arms(&mut other) {
        for process in &mut record.processes {
            process.counts.clear();
        }
    }
    assert_eq!(
        said(&other.base, &other.head),
        "kernel_bytes: not comparable: neither arm counted it"
    );
}

#[test]
fn every_metric_of_the_register_is_read_and_grows_when_its_source_does() {
    let evidence = session(7, 1.0);
    for metric in exact::METRICS {
        let policy = Policy::parse(&only(metric.name, "0.0", true)).expect("a known metric");
        let mut base = evidence.head.clone();
        let same = exact::check(&base, &evidence.head, &policy);
        assert!(same.iter().all(|place| place.state == State::Same), "{}: {same:?}", metric.name);
        base.subject.binary_bytes -= 1;
        base.subject.engine_mut().expect("scripted").model.file_bytes -= 1;
        for process in &mut base.processes {
            process.outputs[1].n_generated -= 1;
            let asked = &mut process.allocations[0];
            (asked.requests, asked.bytes) = (asked.requests - 1, asked.bytes - 1);
            let counts = &mut process.counts[0];
            (counts.products, counts.macs, counts.bytes) =
                (counts.products - 1, counts.macs - 1, counts.bytes - 1);
        }
        let grown = exact::check(&base, &evidence.head, &policy);
        let n_broken = grown.iter().filter(|place| place.state == State::Broken).count();
        assert_eq!(n_broken, 1, "{}: {grown:?}", metric.name);
    }
}

#[test]
fn refused_evidence_has_no_exact_rows() {
    let mut evidence = session(8, 1.0);
    evidence.head.subject.binary_bytes *= 2;
    rewrite(&mut evidence.head, "load_ns", |_, ns| -ns);
    let derived = derived(&evidence);
    assert_eq!((derived.verdict, derived.exact), (Verdict::Invalid, Vec::new()));
}
