//! The lines of the report about builds, tests and lints. In: the gates of the checks. Out: a line each; what was not checked says so.

use crate::{derive::Judged, gate::GateReport, text::plain, verdict::Verdict};

/// What the outline asks for, by kind of check.
const ASKED: [(&str, &str); 4] =
    [("build", "Build"), ("tests", "Test suite"), ("format", "Format"), ("clippy", "Lint")];
const ABSENT: &str = "not part of this evidence";

/// Lines of the section "Infrastructure Validation".
pub(super) fn lines(judged: &Judged<'_>) -> String {
    if judged.checks.is_empty() {
        return format!("- Build, tests and lints: {ABSENT}\n");
    }
    let mut block = String::new();
    for (kind, title) in ASKED {
        let mut gates = judged.checks.iter().filter(|gate| kind_of(gate) == kind).peekable();
        if gates.peek().is_none() {
            block.push_str(&format!("- [ ] {title}: {ABSENT}\n"));
        }
        gates.for_each(|gate| block.push_str(&line(judged, title, gate)));
    }
    let asked = |gate: &&GateReport| ASKED.iter().any(|(kind, _)| *kind == kind_of(gate));
    for gate in judged.checks.iter().filter(|gate| !asked(gate)) {
        block.push_str(&line(judged, kind_of(gate), gate));
    }
    block
}

/// Lines of the section on files.
pub(super) fn files(judged: &Judged<'_>) -> String {
    let line = |gate: &GateReport| format!("- `ci/{}` - gate status of a check\n", gate.file());
    judged.checks.iter().map(line).collect()
}

/// The command lines that make the check records again.
pub(super) fn history(judged: &Judged<'_>) -> String {
    let line = |check: &baselines::CheckRecord| {
        format!(
            "bench check --gate {} -- {}\n",
            plain(&check.gate),
            plain(&crate::check::line(check))
        )
    };
    judged.evidence.checks.iter().map(line).collect()
}

/// Which of the required gates decided against a measurement that did not fail.
pub(super) fn decided(judged: &Judged<'_>) -> Option<String> {
    let others = judged.other_gates.iter().filter(|(_, verdict)| *verdict == judged.verdict);
    let names: Vec<String> = others.map(|(name, _)| plain(name)).collect();
    (judged.measured != judged.verdict).then(|| names.join(", "))
}

fn kind_of(gate: &GateReport) -> &'static str {
    gate.evidence.first().map_or("", |item| item.key)
}

fn line(judged: &Judged<'_>, title: &str, gate: &GateReport) -> String {
    let mark = if gate.verdict == Verdict::Pass { "[x]" } else { "[ ]" };
    let required = judged.other_gates.iter().any(|(name, _)| *name == gate.name);
    let required = if required { "" } else { ", not required" };
    let texts: Vec<String> = gate.evidence.iter().map(|item| plain(&item.text)).collect();
    format!(
        "- {mark} {title} ({}, {}{required}): {}\n",
        plain(&gate.name),
        gate.verdict.name(),
        texts.join("; ")
    )
}
