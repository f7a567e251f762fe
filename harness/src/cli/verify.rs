//! `bench verify`: derive everything from the evidence again, byte for byte, and say what does not hold.
//!
//! Exit 0 means that every file follows from the evidence and that the evidence holds, whatever the verdict is; the
//! verdict itself is `bench gate`'s exit code and is printed here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use baselines::{Evidence, RunRecord, record::Purpose, timestamp::parse_ms};
use gates::{Class, Policy, Refusal, Verdict};
use time::OffsetDateTime;

use super::{Context, print};
use crate::{
    config::Config,
    expectations,
    failure::{Failure, INCOMPARABLE, INVALID},
    files::{self, Document},
    measure::timestamp,
    nonce, replay, triage,
    verification::{self, Found, Verified},
};

/// How far ahead of this machine's clock another's may be. Evidence travels between machines that set theirs by themselves.
const CLOCKS_APART_MS: i64 = 60_000;

/// Options of `bench verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with the files of a gate, its evidence.json, the bundle of a triage, or a run record.
    #[arg(value_name = "PATH", default_value = "ci")]
    path: PathBuf,

    /// Ask the prompts of the workloads and of the challenge again, of this build, and count accuracy again.
    #[arg(long)]
    replay: bool,

    /// With `--replay`: where the model lies, in place of the name that the record has for it.
    #[arg(long, value_name = "MODEL", requires = "replay")]
    model: Option<String>,

    /// With `--replay`: the text that `bench run --prompt` was given.
    #[arg(long, value_name = "TEXT", requires = "replay")]
    prompt: Option<String>,

    /// The policy that the verdict must have been judged by [default: the base revision's, without one this folder's
    /// ci/policy.toml, else the one that ships].
    #[arg(long, value_name = "PATH")]
    policy: Option<PathBuf>,

    /// The commit that the bundle must be about (all 40 digits): a gate holds for one commit.
    #[arg(long, value_name = "SHA", value_parser = commit)]
    head_sha: Option<String>,

    /// The commit that the bundle must compare with (all 40 digits): whoever chooses the base chooses its policy and its speed.
    #[arg(long, value_name = "SHA", value_parser = commit)]
    base_sha: Option<String>,

    /// The nonce that was drawn for this session.
    #[arg(long, value_name = "HEX", value_parser = nonce::parse)]
    nonce: Option<String>,

    /// An attestation, bare or signed, whose subjects must be these files. Its signature is not checked here.
    #[arg(long, value_name = "PATH")]
    attestation: Option<PathBuf>,
}

/// The full name of a commit.
fn commit(text: &str) -> Result<String, String> {
    let is_full = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = || format!("expected a commit as 40 hex digits, found {} characters", text.len());
    if is_full { Ok(text.to_ascii_lowercase()) } else { Err(found()) }
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let path = files::evidence_path(&args.path);
    let bytes = files::read(&path)?;
    let document =
        Document::parse(&bytes).with_context(|| format!("failed to read `{}`", path.display()))?;
    let (field, stamp) = match &document {
        Document::Evidence(evidence) => ("created_at", &evidence.created_at),
        Document::Record(record) => ("ended_at", &record.ended_at),
    };
    if let Some(refusal) = ahead_of(context.clock.utc(), field, stamp) {
        return Err(
            Failure::invalid(format!("failed to verify `{}`: {refusal}", path.display())).into()
        );
    }
    match document {
        Document::Evidence(evidence) if evidence.head.purpose == Purpose::Triage => {
            for name in triage::verify(&path, &evidence)? {
                print(&format!("{name}: follows from {}\n", path.display()))?;
            }
            Ok(0)
        }
        Document::Evidence(evidence) => verify_bundle(&path, &bytes, &evidence, args, context),
        Document::Record(record) => verify_record(&record, args, context),
    }
}

/// Why a stamp cannot be: it is of a time that has not come. The one rule of evidence that needs a clock.
fn ahead_of(now: OffsetDateTime, field: &str, stamp: &str) -> Option<String> {
    let now = timestamp(now);
    // A stamp of no known form never got past the reader.
    let (stamped_ms, now_ms) = (parse_ms(stamp)?, parse_ms(&now)?);
    (stamped_ms > now_ms + CLOCKS_APART_MS).then(|| {
        format!(
            "{field}: expected a time that has been, at most {now} by this machine's clock, found {stamp}; set the clock \
             that is wrong, and measure again if it was the measuring machine's"
        )
    })
}

fn verify_record(record: &RunRecord, args: &Args, context: &Context<'_>) -> Result<u8> {
    for (given, option) in [
        (args.policy.is_some(), "--policy"),
        (args.attestation.is_some(), "--attestation"),
        (args.head_sha.is_some(), "--head-sha"),
        (args.base_sha.is_some(), "--base-sha"),
    ] {
        ensure!(
            !given,
            "failed to verify: `{option}` is about the files of a gate, and this is a record by itself"
        );
    }
    let mut refusals = gates::check_record(record);
    refusals.extend(args.nonce.as_deref().and_then(|drawn| expectations::nonce(record, drawn)));
    print_refusals(&refusals)?;
    if refusals.is_empty() {
        let (processes, n_samples) = (record.processes.len(), n_samples(record));
        print(&format!(
            "holds: run record of {processes} processes, {n_samples} samples, every rule\n"
        ))?;
    }
    let replayed = !args.replay || replay(record, args, context)?;
    Ok(if refusals.is_empty() && replayed { 0 } else { INVALID })
}

fn verify_bundle(
    path: &Path,
    bytes: &[u8],
    evidence: &Evidence,
    args: &Args,
    context: &Context<'_>,
) -> Result<u8> {
    let config = Config::read(context.config.as_deref())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let surplus = files::check_gates(here)?;
    let verified =
        verification::of_bundle(bytes, evidence, surplus, |name| Found::read(&here.join(name)))?;
    for (name, difference) in &verified.files {
        match difference {
            None => print(&format!("✔ {name}\n"))?,
            Some(difference) => print(&format!("✘ {name}: {difference}\n"))?,
        }
    }
    let derived = &verified.derived;
    print_refusals(&derived.refusals)?;
    let known = expected(evidence, &verified, &config, args)?;
    print_refusals(&known)?;
    let verdict = derived.verdict;
    print(&format!(
        "verdict: {} (exit {}), {}\n",
        verdict.name(),
        verdict.exit_code(),
        derived.counts.text()
    ))?;
    let n_different = verified.n_different();
    if n_different > 0 {
        return Err(Failure::invalid(format!(
            "failed to verify `{}`: {n_different} of {} files are not what the evidence gives; a gate file is derived, \
             never edited: run `bench gate` again",
            folder.display(),
            verified.files.len()
        ))
        .into());
    }
    let of = |class: Class| known.iter().any(|refusal| refusal.class == class);
    if of(Class::Invalid) {
        let policy = Policy::parse_with(&evidence.policy, &evidence.head.suite.metrics)
            .context("failed to read the policy of the bundle")?;
        let to = gates::route::next_unconfirmed(Verdict::Invalid, &policy);
        print(&format!("✘ invalid (exit {INVALID}) → {to}\n"))?;
        return Ok(INVALID);
    }
    if args.replay && !replay(&evidence.head, args, context)? {
        return Ok(INVALID);
    }
    Ok(if of(Class::Incomparable) { INCOMPARABLE } else { verified.exit_code() })
}

/// What does not hold of what is known here and not from the bundle.
fn expected(
    evidence: &Evidence,
    verified: &Verified,
    config: &Config,
    args: &Args,
) -> Result<Vec<Refusal>> {
    let mut refusals: Vec<Refusal> =
        expectations::policy(evidence, args.policy.as_deref(), config)?.into_iter().collect();
    refusals.extend(expectations::sources(evidence)?);
    let sha = args.head_sha.as_deref();
    refusals.extend(sha.and_then(|sha| gates::check_head_sha(evidence, sha)));
    let sha = args.base_sha.as_deref();
    refusals.extend(sha.and_then(|sha| gates::check_base_sha(evidence, sha)));
    let nonce = args.nonce.as_deref();
    refusals.extend(nonce.and_then(|drawn| expectations::nonce(&evidence.head, drawn)));
    if let Some(path) = &args.attestation {
        let missing = expectations::attested(
            path,
            &verified.digests,
            &gates::attestation::predicate(evidence, &verified.derived),
        )?;
        if missing.is_empty() {
            print(&format!(
                "✔ attested: {} files; the signature is not checked here, `gh attestation verify` does that\n",
                verified.digests.len() - 1
            ))?;
        }
        refusals.extend(missing);
    }
    Ok(refusals)
}

/// Whether this build answers as the record says.
fn replay(record: &RunRecord, args: &Args, context: &Context<'_>) -> Result<bool> {
    let given = replay::Given { model: args.model.as_deref(), prompt: args.prompt.as_deref() };
    let replayed = replay::replay(record, given, context.clock, context.progress)?;
    for replay::Difference { field, expected, found } in &replayed.differences {
        print(&format!(
            "✘ the evidence does not hold: replay: {field}: expected {expected}, which this build puts out, found {found}; \
             the output was not computed from this model and prompt, or by another arithmetic\n"
        ))?;
    }
    let accuracy = replayed
        .positions
        .map_or_else(String::new, |n| format!(", and accuracy over {n} positions"));
    if replayed.differences.is_empty() {
        print(&format!("✔ replayed: {} answers{accuracy}\n", replayed.n_answers))?;
    }
    Ok(replayed.differences.is_empty())
}

fn print_refusals(refusals: &[Refusal]) -> Result<()> {
    refusals.iter().try_for_each(|refusal| print(&format!("✘ {}\n", files::paragraph(refusal))))
}

fn n_samples(record: &RunRecord) -> usize {
    record
        .processes
        .iter()
        .flat_map(|process| &process.series)
        .map(|series| series.samples.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: T6.
    #[test]
    fn a_commit_is_asked_for_by_its_full_name() {
        let full = "0123456789ABCDEF0123456789abcdef01234567";
        assert_eq!(commit(full).unwrap(), full.to_ascii_lowercase());
        for bad in ["", "0123456", &full[1..], "g123456789abcdef0123456789abcdef01234567", "HEAD"] {
            assert!(commit(bad).is_err(), "{bad}");
        }
    }

    /// Requirement: Z2.
    #[test]
    fn a_stamp_of_the_future_is_refused_and_clocks_may_be_a_little_apart() {
        let now = time::macros::datetime!(2026-03-02 09:00:00 UTC);
        assert_eq!(ahead_of(now, "created_at", "2026-03-02T09:00:59.999Z"), None);
        assert_eq!(ahead_of(now, "created_at", "2025-09-24T04:52:00.000Z"), None);
        let refusal = ahead_of(now, "created_at", "2026-03-02T09:01:00.001Z").unwrap();
        assert!(refusal.starts_with("created_at: expected a time that has been"), "{refusal}");
        assert!(refusal.contains("2026-03-02T09:00:00.000Z"), "{refusal}");
    }
}
