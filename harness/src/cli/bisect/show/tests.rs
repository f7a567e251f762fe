//! What a reader sees: every line within 80 columns, the culprit with its change, what is left where there is none.

use super::*;
use crate::bisect::tests::Scripted;

fn shown(bench: &Scripted, exact: bool) -> String {
    let bisection = bench.bisect(exact);
    let text = human(&bisection, &Trail::of(&bisection).unwrap());
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None, "{text}");
    text
}

#[test]
fn the_culprit_stands_with_its_change_and_the_chance_of_a_wrong_step() {
    let text = shown(&Scripted::new(16, 11, 0.2, 0.01, 1), false);
    for part in [
        "decode_step_ns of decode-64: 16 commits from",
        "differs",
        "✔ 0000000000 worsened decode_step_ns of decode-64",
        "\n  change number 11\n",
        "   commit       change       interval   n verdict   subject\n",
        "written 2026-03-02",
        "chance of a wrong step: at most 5.00 %; 6 builds, 5 steps",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = shown(&Scripted::new(16, 3, -0.2, 0.0, 1), true);
    assert!(text.contains("lowered timed_allocations"), "{text}");
    assert!(text.contains("from 1000 to 819") && text.contains("no noise"), "{text}");
}

#[test]
fn what_did_not_come_to_one_commit_says_what_is_left_and_why() {
    let mut bench = Scripted::new(16, 8, 0.2, 0.01, 1);
    bench.broken = (7..10).collect();
    let text = shown(&bench, false);
    for part in ["? one of 4 commits made the change", "change number 10", "skipped", "error: no"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = shown(&Scripted::new(16, 17, 0.0, 0.002, 1), false);
    assert!(text.contains("nothing to bisect") && text.contains("within 1 %"), "{text}");
    let text = shown(&Scripted::new(16, 8, 0.01, 0.03, 1), false);
    assert!(text.contains("cannot be said") && text.contains("--pairs"), "{text}");
    let mut bench = Scripted::new(16, 12, 0.10, 0.005, 5);
    bench.changes[5..12].fill(0.05);
    let text = shown(&bench, false);
    assert!(text.contains("Noise hides on which side it is") && text.contains("--good"), "{text}");
}
