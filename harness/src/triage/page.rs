//! `triage.html`: what a triage says, as a page for people.
//!
//! In: the bundle and what follows from it; counts of instructions and their flame graph, if they lie in the same folder and are of the
//! same two builds. Out: the page, a pure function of these files, so that anyone can derive the same bytes again.

use std::path::Path;

use anyhow::{Context as _, Result};
use baselines::{Evidence, RunRecord, record::Purpose};
use gates::{
    Policy,
    triage::{Attribution, Change, Part, ProductTime, Triage},
};
use reports::triage::{
    Compared, Function, Hint, Instructions, Pairs, Product, Stamps, View, Workload,
};

use super::{
    EVIDENCE, EXACT, FLAME,
    exact::{Document as Counts, FunctionRow},
};
use crate::{
    files::{self, Document, READABLE},
    findings,
};

/// The page.
pub(crate) const PAGE: &str = "triage.html";

/// Lines of a function that are shown; all are in the document.
const LINES_SHOWN: usize = 3;

/// Writes the page of a session into `folder`.
pub(super) fn write(folder: &Path, evidence: &Evidence, found: &Triage) -> Result<()> {
    write_bytes(folder, page(folder, evidence, found)?.as_bytes())
}

/// Writes the page of what was counted in `folder`, with the session of the same two builds that lies there, if one does.
pub(super) fn write_counted(folder: &Path, counts: &Counts) -> Result<()> {
    let session = match Document::read(&folder.join(EVIDENCE)) {
        Ok(Document::Evidence(evidence)) if is_of(counts, &evidence) => Some(evidence),
        // None, of other builds, or what a reader refuses: no word of this page is from it.
        _ => None,
    };
    if let Some(evidence) = session {
        let policy = Policy::parse(&evidence.policy).context("failed to read the policy")?;
        return write(folder, &evidence, &gates::triage::triage(&evidence, &policy));
    }
    let row = |name: &str, base: String, head: String| [name.to_owned(), base, head];
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let view = View {
        headline: functions_in_words(counts),
        silent: counts.is_silent(),
        compared: Compared {
            with: short(&counts.base_binary),
            rows: vec![row("Binary", short(&counts.base_binary), short(&counts.head_binary))],
            ..Compared::default()
        },
        instructions: Some(instructions(counts, flame(folder))),
        ..View::default()
    };
    write_bytes(folder, draw(&view)?.as_bytes())
}

/// The page of a session in `folder`.
pub(super) fn page(folder: &Path, evidence: &Evidence, found: &Triage) -> Result<String> {
    let counts = counts(folder, evidence);
    draw(&view(evidence, found, counts.map(|counts| (counts, flame(folder)))))
}

fn draw(view: &View) -> Result<String> {
    reports::triage_page(view).context("failed to draw the page of the triage")
}

fn write_bytes(folder: &Path, bytes: &[u8]) -> Result<()> {
    baselines::write_atomic(&folder.join(PAGE), bytes, READABLE)
        .context("failed to write the page of the triage")
}

/// The counts in `folder`, if they are there, can be read, and are of the builds of `evidence`.
fn counts(folder: &Path, evidence: &Evidence) -> Option<Counts> {
    let bytes = files::read(&folder.join(EXACT)).ok()?;
    Counts::parse(&bytes).filter(|counts| is_of(counts, evidence))
}

/// Whether both are of the same two builds or commands, and the session is one of a triage.
fn is_of(counts: &Counts, evidence: &Evidence) -> bool {
    let counted =
        [(&counts.base_binary, &counts.base_command), (&counts.head_binary, &counts.head_command)];
    let is = |arm: &RunRecord, (binary, command): (&String, &Option<String>)| {
        let line = arm.subject.command().map(|command| &command.line);
        arm.subject.binary.to_string() == *binary && line == command.as_ref()
    };
    evidence.head.purpose == Purpose::Triage
        && is(&evidence.base, counted[0])
        && is(&evidence.head, counted[1])
}

fn flame(folder: &Path) -> Option<String> {
    String::from_utf8(files::read(&folder.join(FLAME)).ok()?).ok()
}

/// What the base was asked for as.
pub(crate) fn compared_with(evidence: &Evidence) -> String {
    let given = evidence.given.as_ref().map(|given| given.asked.clone());
    let stored = evidence.baseline.as_ref().map(|baseline| format!("baseline {}", baseline.name));
    given.or(stored).unwrap_or_default()
}

fn view(evidence: &Evidence, found: &Triage, counts: Option<(Counts, Option<String>)>) -> View {
    let differs = counts.as_ref().map(|(counts, _)| counts).filter(|counts| !counts.is_silent());
    View {
        headline: headline(found, differs),
        silent: found.is_silent() && differs.is_none(),
        compared: Compared::of(evidence, compared_with(evidence)),
        pairs: Some(Pairs { compared: found.n_pairs, left_out: found.n_disturbed }),
        workloads: found.workloads.iter().map(workload).collect(),
        products: found.products.iter().map(product).collect(),
        hints: found
            .hints
            .iter()
            .map(|hint| Hint {
                kind: hint.kind.to_owned(),
                text: hint.text.clone(),
                explains: hint.explains,
            })
            .collect(),
        instructions: counts.map(|(counts, flame)| instructions(&counts, flame)),
        refusals: found.refusals.iter().map(findings::refusal).collect(),
    }
}

/// The headline of the triage; where no part is named, what else differs.
fn headline(found: &Triage, differs: Option<&Counts>) -> String {
    let named = found.workloads.iter().any(|workload| workload.named().next().is_some());
    if named || found.hints.iter().any(|hint| hint.explains) {
        return found.headline();
    }
    let sure = |name: &str, change: &Change| {
        change.is_sure().then(|| format!("{name} {:+.2} %", change.share * 100.0))
    };
    let wholes = found
        .workloads
        .iter()
        .filter_map(|of| Some(sure(&of.workload, &of.whole)? + ", of no part that could be named"));
    let products = found.products.iter().filter_map(|of| sure(&of.workload, &of.change));
    let all: Vec<String> = wholes.chain(products).chain(differs.map(functions_in_words)).collect();
    if all.is_empty() { found.headline() } else { all.join("; ") }
}

fn functions_in_words(counts: &Counts) -> String {
    match counts.functions.len() + counts.n_more {
        0 => "no function executes more or fewer instructions".to_owned(),
        1 => "1 function executes more or fewer instructions".to_owned(),
        n => format!("{n} functions execute more or fewer instructions"),
    }
}

fn workload(of: &Attribution) -> Workload {
    let named: Vec<&str> = of.named().map(|part| part.name.as_str()).collect();
    Workload {
        name: of.workload.clone(),
        metric: of.metric.clone(),
        whole: change(&of.whole),
        parts: of.parts.iter().map(|of| part(of, named.contains(&of.name.as_str()))).collect(),
        kernels: of.kernels.iter().map(|(name, sum)| (name.clone(), change(sum))).collect(),
        stamps: of.overhead.map(|overhead| Stamps {
            n: overhead.stamps,
            each_ns: overhead.stamp_ns,
            share: overhead.share,
        }),
    }
}

fn part(part: &Part, named: bool) -> reports::triage::Part {
    let [base, head] = part.kernels.each_ref().map(|kernels| kernels.join(", "));
    let mut evidence = part.evidence.clone();
    if named && base == head && !base.is_empty() {
        evidence.insert(0, base);
    }
    if named && part.evidence.is_empty() {
        evidence.push("its counts are the same".to_owned());
    }
    reports::triage::Part {
        name: part.name.clone(),
        about: part.about.to_owned(),
        change: change(&part.change),
        of_change: part.of_whole,
        named,
        evidence,
    }
}

fn product(of: &ProductTime) -> Product {
    let ProductTime { workload, rows, cols, tokens, .. } = of;
    Product {
        name: workload.clone(),
        rows: *rows,
        cols: *cols,
        tokens: *tokens,
        change: change(&of.change),
    }
}

const fn change(change: &Change) -> reports::triage::Change {
    let Change { base_ns, head_ns, share, low, high } = *change;
    reports::triage::Change { base_ns, head_ns, share, low, high }
}

fn instructions(counts: &Counts, flame: Option<String>) -> Instructions {
    let counted = match (&counts.base_command, &counts.head_command) {
        (Some(base), Some(head)) => format!("`{base}` and `{head}`"),
        _ => format!("`bench {}`", counts.arguments.join(" ")),
    };
    let mut notes = vec![counts.isa.clone()];
    notes.extend_from_slice(&counts.notes);
    Instructions {
        base: counts.base_ir,
        head: counts.head_ir,
        how: format!("valgrind {} counted {counted}", counts.valgrind),
        note: notes.join("; "),
        functions: counts.functions.iter().map(function).collect(),
        n_unsteady: counts.n_unsteady,
        n_more: counts.n_more,
        flame,
    }
}

fn function(row: &FunctionRow) -> Function {
    Function {
        name: row.function.clone(),
        file: row.file.clone(),
        only: row.only.clone(),
        base: row.base_ir[0],
        head: row.head_ir[0],
        delta: row.delta_ir,
        share: row.share,
        calls: [row.base_calls, row.head_calls],
        lines: row.lines.iter().take(LINES_SHOWN).map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use baselines::testing::{Size, sized_evidence};

    use super::*;

    fn stamped() -> Evidence {
        let mut evidence = sized_evidence(42, 1.2, Size { n_pairs: 4, ..Size::SCRIPT });
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        for arm in [&mut evidence.base, &mut evidence.head] {
            arm.purpose = Purpose::Triage;
        }
        evidence
    }

    fn nothing(n_pairs: usize) -> Triage {
        Triage {
            workloads: Vec::new(),
            products: Vec::new(),
            hints: Vec::new(),
            n_pairs,
            n_disturbed: 0,
            refusals: Vec::new(),
        }
    }

    fn document(evidence: &Evidence) -> String {
        format!(
            r#"{{"schema": "tritgate.triage-exact", "version": "1.0", "valgrind": "valgrind-3.19.0", "isa": "AVX2", "arguments": ["model", "generate"],
            "base_binary": "{}", "head_binary": "{}", "base_ir": [100, 101], "head_ir": [300, 301], "n_unsteady": 0, "n_more": 0,
            "functions": [{{"function": "grown<script>", "file": "f.rs", "only": "both", "base_ir": [100, 101], "head_ir": [300, 301],
            "delta_ir": 200, "base_calls": 1, "head_calls": 1, "share": 1.0,
            "lines": [{{"file": "f.rs", "base_line": null, "head_line": 7, "delta_ir": 200}}]}}]}}"#,
            evidence.base.subject.binary, evidence.head.subject.binary
        )
    }

    #[test]
    fn counts_of_the_same_builds_are_on_the_page_and_those_of_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = stamped();
        let drawn = || page(folder.path(), &evidence, &nothing(4)).unwrap();
        assert!(drawn().contains("No difference was found"));

        std::fs::write(folder.path().join(EXACT), document(&evidence)).unwrap();
        let with_counts = drawn();
        for said in [
            "grown&lt;script&gt;",
            "f.rs: line none → 7: +200",
            "1 function executes more or fewer",
        ] {
            assert!(with_counts.contains(said), "{said}: {with_counts}");
        }
        assert!(!with_counts.contains("No difference was found"));

        let of_a_command = document(&evidence).replace(
            r#""base_ir": [100, 101], "head_ir": [300, 301], "n_un"#,
            r#""base_command": "a", "head_command": "b", "base_ir": [100, 101], "head_ir": [300, 301], "n_un"#,
        );
        assert!(Counts::parse(of_a_command.as_bytes()).is_some());
        let mut other = stamped();
        other.head.subject.binary = baselines::Digest::of(b"another build");
        for text in [
            document(&other),
            of_a_command,
            "{\"schema\":".to_owned(),
            document(&evidence).replace("triage-exact", "x"),
        ] {
            std::fs::write(folder.path().join(EXACT), text).unwrap();
            assert!(!drawn().contains("grown"), "of other builds, or no document of ours");
        }
    }

    #[test]
    fn a_page_of_counts_alone_takes_the_session_of_the_same_builds_that_lies_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = stamped();
        let counts = Counts::parse(document(&evidence).as_bytes()).unwrap();
        std::fs::write(folder.path().join(EXACT), document(&evidence)).unwrap();
        let written = || {
            write_counted(folder.path(), &counts).unwrap();
            std::fs::read_to_string(folder.path().join(PAGE)).unwrap()
        };
        assert!(written().contains("no time was measured"));
        std::fs::write(folder.path().join(EVIDENCE), evidence.to_json()).unwrap();
        assert!(!written().contains("no time was measured"));
    }

    #[test]
    fn a_refusal_is_all_that_the_page_of_a_refused_session_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut evidence = stamped();
        evidence.head.processes[0].series[0].samples.clear();
        let policy = Policy::parse(&evidence.policy).unwrap();
        let found = gates::triage::triage(&evidence, &policy);
        assert!(!found.refusals.is_empty());
        let page = page(folder.path(), &evidence, &found).unwrap();
        assert!(page.contains("Refused: the evidence does not hold"), "{page}");
        assert!(!page.contains(&evidence.head.host.cpu_model), "{page}");
    }
}
