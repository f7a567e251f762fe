//! A bench target in two revisions through the whole gate: built, measured by turns, judged, its files derived again.

mod common;
#[path = "common/toy.rs"]
mod toy;

use std::fs;

use common::Run;
use serde_json::Value;
use toy::{BENCH, Toy, of_cargo};

impl Toy {
    /// `bench gate --bench speed` in the repository, with what cargo needs to know.
    fn gate(&self, options: &[&str]) -> Run {
        let mut args = vec!["gate", "--bench", "speed", "--layouts", "2", "--out", "out"];
        args.extend(options);
        let cache = self.here.path("cache").display().to_string();
        let mut vars = vec![("XDG_CACHE_HOME", cache)];
        vars.extend(of_cargo());
        let vars: Vec<(&str, &str)> =
            vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.here.bench_with(&args, &vars)
    }

    fn json(&self, name: &str) -> Value {
        let bytes = fs::read(self.here.path("out").join(name)).expect("the gate wrote it");
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

#[test]
fn a_benchmark_that_takes_twice_as_long_fails_and_another_does_not() {
    let toy = Toy::new();
    toy.write("benches/speed.rs", &BENCH.replace("SLEEP_US: u64 = 300", "SLEEP_US: u64 = 900"));
    toy.commit();
    let run = toy.gate(&["--base", "HEAD~1", "--head", "HEAD"]).expect(2, &["untimed"]);
    assert!(run.stdout.contains("first: +"), "{}", run.stdout);
    assert!(!run.stdout.contains("group/second: +"), "{}", run.stdout);
    assert!(run.stdout.contains("bench-edited"), "the benchmark itself was edited: {}", run.stdout);

    let verify = toy.here.bench(&["verify", "out"]).expect(0, &[]);
    assert_eq!(verify.stdout.matches("✔ ").count(), 9, "{}", verify.stdout);
    let evidence = toy.json("evidence.json");
    let (base, head) = (&evidence["base"]["subject"], &evidence["head"]["subject"]);
    let commit =
        |subject: &Value| subject["command"]["bench"]["commit"].as_str().unwrap().to_owned();
    assert_eq!(evidence["given"]["commit"], commit(base));
    assert_ne!(commit(base), commit(head));
    assert_eq!(head["layouts"].as_array().map(Vec::len), Some(2));
    let process = &evidence["head"]["processes"][0];
    assert_eq!(process["series"][0]["metric"], "iteration_ns");
    assert_eq!(process["runs"][0]["iterations"], serde_json::to_value([2; 10]).unwrap());
    for sample in process["series"][0]["samples"].as_array().unwrap() {
        // A sleep is never shorter than asked for.
        assert!(sample.as_f64().unwrap() >= 900e3, "{sample}");
    }
    let report = fs::read_to_string(toy.here.path("out/report.md")).unwrap();
    assert!(report.contains("cargo bench --package toy --bench speed"), "{report}");
    assert!(report.contains("2 code layouts") && !report.contains("tok/s"), "{report}");
    let page = fs::read_to_string(toy.here.path("out/report.html")).unwrap();
    assert!(page.contains(&commit(head)[..12]), "the page names the commit");

    // More iterations than the process had time for.
    let path = toy.here.path("out/evidence.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"iterations\":[2,", "\"iterations\":[9000,", 1)).unwrap();
    let verify = toy.here.bench(&["verify", "out"]).expect(4, &[]);
    assert!(verify.stdout.contains("rule `wall`"), "{}", verify.stdout);
}

#[test]
fn a_filter_reaches_the_target_and_a_benchmark_that_the_head_lost_is_a_hole() {
    let toy = Toy::new();
    toy.write("benches/speed.rs", &BENCH.replace("group/second", "group/other"));
    let filtered = toy.gate(&["--base", "HEAD", "--filter", "first"]);
    assert!([0, 3].contains(&filtered.code), "{}\n{}", filtered.stdout, filtered.stderr);
    assert_eq!(
        toy.json("evidence.json")["head"]["suite"]["workloads"].as_array().map(Vec::len),
        Some(1)
    );

    let lost = toy.gate(&["--base", "HEAD"]).expect(5, &[]);
    assert!(lost.stdout.contains("only the base has group/second"), "{}", lost.stdout);
    assert!(lost.stdout.contains("only the head has group/other"), "{}", lost.stdout);
}

#[test]
fn what_cannot_be_compared_says_why_and_leaves_no_files() {
    let toy = Toy::new();
    for (options, parts) in [
        (&["--base", "HEAD", "--package", "none"][..], &["in package `none`", "speed (toy)"][..]),
        (&["--base", "no-such"], &["no such commit"]),
        (&["--base", "HEAD", "--warm-up-time", "0"], &["--warm-up-time", "found 0"]),
    ] {
        let run = toy.gate(options);
        assert_eq!(run.code, 1, "{options:?}: {}", run.stdout);
        for part in parts {
            assert!(run.stderr.contains(part), "{options:?}: expected {part:?} in {}", run.stderr);
        }
        assert!(!toy.here.path("out/evidence.json").exists(), "{options:?}");
    }
    toy.write("benches/speed.rs", "fn main() { let broken }");
    toy.commit();
    let run = toy.gate(&["--base", "HEAD~1", "--head", "HEAD"]).expect(1, &["expected", "broken"]);
    assert_eq!(run.stdout, "");
    toy.write("benches/speed.rs", "fn main() { panic!() }");
    toy.gate(&["--base", "HEAD~1"]).expect(1, &["exit code 101", "cargo bench --package toy"]);
    toy.write("benches/speed.rs", "fn main() {}");
    toy.gate(&["--base", "HEAD~1"]).expect(1, &["of the head left no samples", "Criterion 0.3.4"]);
}
