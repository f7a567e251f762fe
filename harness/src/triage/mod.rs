//! `bench triage`: one session of two builds with stamped passes, or of two commands, and what it says about where the time between
//! them went.
//!
//! ```text
//! arms.rs ─► stamped session ─► triage_evidence.json ─► gates::triage ─► triage.json, triage.html
//! ```
//!
//! In: two programs and the workloads. Out: the bundle, and what follows from it.

mod exact;
mod page;
mod plan;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use baselines::{
    Digest, Evidence, RunRecord,
    evidence::{Given, TriageSession},
    record::Purpose,
};
use gates::{Policy, triage::Triage};

pub(crate) use exact::{Build, Document as ExactDocument, Exact, exact, exact_commands};
pub(crate) use page::{PAGE, compared_with};
pub(crate) use plan::{check_size, plan};

use crate::{
    arms::Ready,
    command,
    evidence::{self, Brought, Source},
    failure::Failure,
    files::{self, Document, READABLE},
    measure::{Clock, timestamp},
    policy::Ruling,
    progress::Progress,
    session::{self, Assignment, Subjects},
};

/// The bundle of a triage.
pub(crate) const EVIDENCE: &str = "triage_evidence.json";
/// What follows from it.
pub(crate) const TRIAGE: &str = "triage.json";

/// Counts of executed instructions, where they were asked for.
pub(crate) const EXACT: &str = "triage_exact.json";
/// The flame graph of both.
pub(crate) const FLAME: &str = "triage_flame.svg";

/// What is to be explained.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// Its suite is that of [`plan`].
    pub(crate) assignment: Assignment,
    pub(crate) pairs: u64,
    pub(crate) ready: Ready,
    pub(crate) policy: String,
    /// Folder of all files.
    pub(crate) out: &'a Path,
}

/// What a triage came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Both builds are the same bytes, or both commands the same words.
    Identical(Same),
    /// Only instructions were counted.
    Counted,
    /// A session was run.
    Measured(Box<Evidence>, Box<Triage>),
}

/// What base and head have in common: everything.
#[derive(Debug)]
pub(crate) struct Same {
    /// Of the program.
    pub(crate) digest: Digest,
    /// The line of both commands; `None` of builds.
    pub(crate) line: Option<String>,
}

/// What is to be explained of two commands.
#[derive(Debug)]
pub(crate) struct CommandOrder<'a> {
    pub(crate) spec: &'a command::Spec,
    pub(crate) pairs: u64,
    pub(crate) policy: String,
    /// Folder of both files.
    pub(crate) out: &'a Path,
}

/// Measures two commands and explains.
pub(crate) fn triage_commands(
    order: &CommandOrder<'_>,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Outcome> {
    let policy = Policy::parse(&order.policy).context("failed to read the policy")?;
    let looks = [order.pairs];
    let (base, head) =
        command::measure(order.spec, Purpose::Triage, &looks, &|_, _| true, clock, progress)?;
    let given = Given { asked: order.spec.base.clone(), commit: None };
    let source = Source::Given(given);
    explain(source, base, head, &order.policy, &policy, order.out, clock, progress)
}

/// Measures and explains.
pub(crate) fn triage(order: &Order<'_>, clock: &dyn Clock, progress: &Progress) -> Result<Outcome> {
    let (base, head) = (order.ready.base.clone(), order.ready.head.clone());
    let policy = Policy::parse(&order.policy).context("failed to read the policy")?;
    let subjects = Subjects::Pair { base, head, looks: vec![order.pairs] };
    let measured = session::triage(&order.assignment, &subjects, &|_, _| true, clock, progress)?;
    let source = order.ready.source(&measured.head.suite)?;
    let base = measured.base.context("a paired session has a base")?;
    explain(source, base, measured.head, &order.policy, &policy, order.out, clock, progress)
}

/// The bundle of a session and what follows from it, written; the gate of the same two takes it over.
fn explain(
    source: Source,
    base: RunRecord,
    head: RunRecord,
    text: &str,
    policy: &Policy,
    out: &Path,
    clock: &dyn Clock,
    progress: &Progress,
) -> Result<Outcome> {
    let evidence = evidence::bundle(
        source,
        base,
        head,
        Vec::new(),
        Ruling::of_text(text.to_owned()),
        Brought::default(),
        timestamp(clock.utc()),
    );
    let found = gates::triage::triage(&evidence, policy);
    write(out, &evidence, &found)?;
    if attach(out, &evidence)? {
        progress.note("the gate's files in the same folder now carry this triage");
    }
    Ok(Outcome::Measured(Box::new(evidence), Box::new(found)))
}

/// Puts the session into the bundle of a gate that lies in `folder`, if that compared the same two builds or commands, and derives the gate's
/// files again: its verdict stays, its route and its check run then say where the time went.
fn attach(folder: &Path, stamped: &Evidence) -> Result<bool> {
    let path = folder.join(files::EVIDENCE);
    if !path.is_file() {
        return Ok(false);
    }
    // What does not read back is for `bench verify` to report.
    let Ok(Document::Evidence(mut gate)) = Document::read(&path) else { return Ok(false) };
    let builds = |arm: &RunRecord| {
        let subject = &arm.subject;
        (subject.binary, subject.layouts.clone(), subject.command().cloned())
    };
    let same = builds(&gate.base) == builds(&stamped.base)
        && builds(&gate.head) == builds(&stamped.head)
        && gate.version == stamped.version;
    if !same {
        return Ok(false);
    }
    let (base, head) = (stamped.base.clone(), stamped.head.clone());
    gate.triage = Some(TriageSession { base, head });
    // A bundle is closed after all its inputs.
    gate.created_at.clone_from(&stamped.created_at);
    // A bundle that no reader takes would be worse than one without a triage.
    if Evidence::from_json(&gate.to_json()).is_err() {
        return Ok(false);
    }
    let (_, written) = files::derive(&gate)?;
    files::write(folder, &gate, &written)?;
    Ok(true)
}

/// What follows from the bundle in `path`, or in that folder, once more; the page beside it is drawn anew.
pub(crate) fn again(path: &Path) -> Result<Outcome> {
    let path = if path.is_dir() { path.join(EVIDENCE) } else { path.to_owned() };
    let Document::Evidence(evidence) = Document::read(&path)? else {
        bail!(
            "failed to read `{}`: expected the bundle of a triage, found a run record",
            path.display()
        );
    };
    ensure!(
        evidence.head.purpose == Purpose::Triage,
        "failed to explain `{}`: expected the bundle of a triage, whose passes are stamped, found one of a gate; run `bench triage`",
        path.display()
    );
    let policy = Policy::parse(&evidence.policy).context("failed to read the policy")?;
    let found = gates::triage::triage(&evidence, &policy);
    page::write(folder(&path), &evidence, &found)?;
    Ok(Outcome::Measured(evidence, Box::new(found)))
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Derives the triage of a bundle again: an error unless the bundle holds and the files beside it have the same bytes. Returns the
/// names of those that do; a page that nobody kept is no fault.
pub(crate) fn verify(path: &Path, evidence: &Evidence) -> Result<Vec<&'static str>> {
    let policy = Policy::parse(&evidence.policy).context("failed to read the policy")?;
    let found = gates::triage::triage(evidence, &policy);
    if let Some(refusal) = found.refusals.first() {
        return Err(Failure::invalid(files::paragraph(refusal)).into());
    }
    let mut expected = vec![(TRIAGE, found.to_json(evidence))];
    if path.with_file_name(PAGE).is_file() {
        expected.push((PAGE, page::page(folder(path), evidence, &found)?.into_bytes()));
    }
    for (name, bytes) in &expected {
        let document = path.with_file_name(name);
        if files::read(&document)? != *bytes {
            let failure = Failure::invalid(format!(
                "failed to verify `{}`: expected the bytes that follow from `{}`, found others; write it again with `bench triage`",
                document.display(),
                path.display()
            ));
            return Err(failure.into());
        }
    }
    Ok(expected.into_iter().map(|(name, _)| name).collect())
}

/// Writes the counts of instructions, their flame graph and the page.
pub(crate) fn write_exact(folder: &Path, exact: &Exact) -> Result<()> {
    let mut document = serde_json::to_vec_pretty(&exact.document)?;
    document.push(b'\n');
    for (name, bytes) in [(EXACT, document.as_slice()), (FLAME, exact.flame.as_bytes())] {
        baselines::write_atomic(&folder.join(name), bytes, READABLE)
            .context("failed to write the files of the triage")?;
    }
    page::write_counted(folder, &exact.document)
}

/// Writes the bundle, and then what follows from it.
fn write(folder: &Path, evidence: &Evidence, found: &Triage) -> Result<()> {
    for (name, bytes) in [(EVIDENCE, evidence.to_json()), (TRIAGE, found.to_json(evidence))] {
        baselines::write_atomic(&folder.join(name), &bytes, READABLE)
            .context("failed to write the files of the triage")?;
    }
    page::write(folder, evidence, found)
}

#[cfg(test)]
mod tests {
    use baselines::testing::{Size, sized_evidence};

    use super::*;

    fn session(n_pairs: u64) -> Evidence {
        let mut evidence = sized_evidence(42, 1.2, Size { n_pairs, ..Size::SCRIPT });
        gates::DEFAULT_POLICY.clone_into(&mut evidence.policy);
        evidence
    }

    fn stamped(n_pairs: u64) -> Evidence {
        let mut evidence = session(n_pairs);
        for arm in [&mut evidence.base, &mut evidence.head] {
            arm.purpose = Purpose::Triage;
        }
        evidence
    }

    #[test]
    fn a_session_joins_the_gate_of_the_same_builds_where_both_fit_into_one_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(files::EVIDENCE);
        assert!(!attach(folder.path(), &stamped(4)).unwrap(), "there is no gate");

        std::fs::write(&path, session(4).to_json()).unwrap();
        let mut other = stamped(4);
        other.head.subject.binary = Digest::of(b"another build");
        assert!(!attach(folder.path(), &other).unwrap());
        assert!(attach(folder.path(), &stamped(4)).unwrap());
        let joined = Evidence::from_json(&std::fs::read(&path).unwrap()).unwrap();
        assert!(joined.triage.is_some());

        // Seven series in 600 and 300 processes: more than 6,000.
        let large = session(300).to_json();
        std::fs::write(&path, &large).unwrap();
        assert!(!attach(folder.path(), &stamped(150)).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), large, "untouched");
    }
}
