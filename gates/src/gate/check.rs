//! The gate of a check: what a command's output says, and on which commit. In: a bundle's checks, what refuses them. Out: a
//! [`GateReport`] each, `NAME_gate.json`.

use baselines::{CheckRecord, Digest, Evidence, unit::Unit};
use serde_json::{Value, json};

use super::{Basis, GateReport, Item, conclusion};
use crate::{
    check::{self, Reading},
    policy::Policy,
    verdict::Verdict,
    verify::{Class, Refusal},
};

/// Key of how the command was run.
const RUN: &str = "run";
/// Where it goes after a record that stands alone: it is in no bundle yet.
const NEXT_ALONE: &str = "bench gate";

/// The gates of all checks of `evidence`, in its order.
pub(crate) fn checks(
    evidence: &Evidence,
    digest: Digest,
    policy: &Policy,
    refusals: &[Refusal],
) -> Vec<GateReport> {
    let refused = refusals.iter().find(|refusal| refusal.class != Class::Missing);
    let gate = |record: &CheckRecord| {
        let reading = check::read(record);
        let verdict = verdict(reading.verdict, refusals);
        GateReport {
            name: full_name(&record.gate),
            verdict,
            conclusion: conclusion(verdict, policy),
            counts: None,
            evidence: items(record, reading, refused),
            refusals: refusals.to_vec(),
            records: Basis::Check { evidence: Some(digest), check: record.digest() },
            head_sha: evidence.head_sha.clone(),
            next: crate::route::after_check(verdict, policy).to_owned(),
        }
    };
    evidence.checks.iter().map(gate).collect()
}

/// The gate of a check that is in no bundle yet. Which commit it holds for is the record's own word.
#[must_use]
pub fn standing_alone(record: &CheckRecord) -> GateReport {
    let reading = check::read(record);
    let verdict = reading.verdict;
    GateReport {
        name: full_name(&record.gate),
        verdict,
        conclusion: verdict.conclusion(),
        counts: None,
        evidence: items(record, reading, None),
        refusals: Vec::new(),
        records: Basis::Check { evidence: None, check: record.digest() },
        head_sha: record.commit.clone(),
        next: NEXT_ALONE.to_owned(),
    }
}

/// `tests` → `review:gate:tests`.
#[must_use]
pub fn full_name(gate: &str) -> String {
    format!("review:gate:{gate}")
}

/// What the output says, unless the evidence is refused: then nothing is said of it, as in every gate.
fn verdict(read: Verdict, refusals: &[Refusal]) -> Verdict {
    let refused = |class: Class| refusals.iter().any(|refusal| refusal.class == class);
    if refused(Class::Invalid) {
        Verdict::Invalid
    } else if refused(Class::Incomparable) {
        Verdict::Incomparable
    } else {
        read
    }
}

fn items(record: &CheckRecord, reading: Reading, refused: Option<&Refusal>) -> Vec<Item> {
    let kind = check::of(&record.gate, &record.command).name;
    if let Some(refusal) = refused {
        let text = format!("not judged: the evidence is refused by the rule `{}`", refusal.rule);
        let item = |key| Item { key, text: text.clone(), value: Value::Null };
        return vec![item(kind), item(RUN)];
    }
    let result = Item { key: kind, text: reading.text, value: reading.value };
    vec![result, run(record)]
}

fn run(record: &CheckRecord) -> Item {
    let short: String = record.commit.as_deref().unwrap_or("unknown").chars().take(12).collect();
    let state = match record.dirty {
        Some(true) => ", with changes",
        Some(false) => "",
        None => ", nobody knows in which state",
    };
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    let wall = Unit::Nanoseconds.text(record.wall_ns as f64);
    let folder = match record.folder.as_str() {
        "" => String::new(),
        folder => format!(" in {folder}"),
    };
    let text = format!("{}{folder}: {wall}, commit {short}{state}", check::line(record));
    let value = json!({
        "command": record.command,
        "folder": record.folder,
        "commit": record.commit,
        "dirty": record.dirty,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "wall_ns": record.wall_ns,
        "exit_code": record.exit_code,
        "stdout_sha256": record.stdout.digest.to_string(),
        "stderr_sha256": record.stderr.digest.to_string(),
    });
    Item { key: RUN, text, value }
}
