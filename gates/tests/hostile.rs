//! Every case of the hostile corpus is refused by whom it names; what is left to `bench verify` at least never panics.

#[path = "common/corpus.rs"]
mod corpus;
#[path = "common/planted.rs"]
mod planted;

use std::path::PathBuf;

use baselines::{ErrorKind, Evidence, testing::hostile::RefusedBy};
use gates::{RULES, Verdict, derive};

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "hostile"].iter().collect()
}

/// Requirement: S4, M1, H1, C1, Z2.
#[test]
fn every_case_is_refused_by_whom_it_names() {
    let cases = corpus::cases(&folder());
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for (name, case) in cases {
        let read = Evidence::from_json(&planted::bytes(&folder(), &case));
        match (&case.refused_by, read) {
            (RefusedBy::Reader(words), read) => {
                let error = read.expect_err(&name);
                assert!(
                    matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Version),
                    "{name}: {error}"
                );
                assert!(error.to_string().contains(words), "{name}: {words:?} not in {error}");
            }
            (RefusedBy::Rule(rule), read) => {
                let evidence = read.unwrap_or_else(|error| panic!("{name}: {error}"));
                let derived = derive(&evidence).unwrap_or_else(|error| panic!("{name}: {error}"));
                let found: Vec<_> = derived.refusals.iter().map(|refusal| refusal.rule).collect();
                assert!(RULES.iter().any(|known| known.name == rule), "{name}: no rule {rule}");
                assert!(found.contains(&rule.as_str()), "{name}: only {found:?}");
                assert_eq!(derived.verdict.name(), case.verdict, "{name}: {found:?}");
            }
            (RefusedBy::Verify(_), read) => {
                let evidence = read.unwrap_or_else(|error| panic!("{name}: {error}"));
                derive(&evidence).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
}

/// Requirement: S4.
#[test]
fn the_bundles_that_faults_are_planted_in_pass() {
    for of in ["session", "commands", "benchmarks"] {
        let derived = derive(&planted::clean(of)).expect("the policy is read");
        assert_eq!((derived.refusals.len(), derived.verdict), (0, Verdict::Pass), "{of}");
    }
}
