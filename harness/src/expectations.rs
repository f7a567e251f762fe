//! What whoever verifies knows by himself, held against a bundle: the repository's policy and sources, the nonce that was drawn
//! for it, an attestation that somebody signed.
//!
//! In: the bundle, and what was given on the command line. Out: refusals in the form of the rules. None of this can be in the
//! rules themselves: a forger writes the whole bundle, and whatever stands in it agrees with itself.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use baselines::{Digest, Evidence, RunRecord};
use gates::{
    Class, Policy, Refusal,
    attestation::{PREDICATE_TYPE, Statement, Subject},
};
use serde_json::Value;

use crate::{
    build::Repository,
    config::{Config, FILE_NAME},
    failure::Failure,
    files, policy,
};

/// The policy of a bundle is the one that this repository has for it: `given`, else the base revision's, else this folder's or
/// the one that ships. Of commands, which have no file of their own, the one that ships for what they gate.
pub(crate) fn policy(
    evidence: &Evidence,
    given: Option<&Path>,
    config: &Config,
) -> Result<Option<Refusal>> {
    let (whose, expected) = match (given, &evidence.policy_commit) {
        (Some(path), _) => (format!("`{}`", path.display()), policy::text(Some(path))?),
        (None, Some(commit)) => {
            let whose = format!("commit {}", short(commit));
            match of_commit(commit)? {
                Some(text) => (whose, text),
                None => {
                    return Ok(Some(refusal(
                        ("policy", Class::Incomparable),
                        "policy_commit",
                        "a commit of the repository in this folder".to_owned(),
                        whose,
                        "run in a clone that has the commit, or say which policy it should be with `--policy PATH`",
                    )));
                }
            }
        }
        (None, None) if evidence.head.subject.engine().is_some() => {
            ("this folder".to_owned(), policy::text(config.policy.as_deref())?)
        }
        (None, None) => ("commands, as it ships".to_owned(), shipped_for_commands(evidence)?),
    };
    if evidence.policy == expected {
        return Ok(None);
    }
    let line = evidence.policy.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let at = |text: &str| text.lines().nth(line).unwrap_or("its end").trim().to_owned();
    Ok(Some(refusal(
        ("policy", Class::Invalid),
        &format!("policy, line {}", line + 1),
        format!("that of {whose}: {:?}", at(&expected)),
        format!("{:?}", at(&evidence.policy)),
        "a verdict holds under the policy it was judged by: gate again, or say which policy is meant with `--policy PATH`",
    )))
}

/// The policy of `commit` in the repository of this folder; `None` where that has no such commit.
fn of_commit(commit: &str) -> Result<Option<String>> {
    let Ok(repository) = Repository::open(Path::new(".")) else { return Ok(None) };
    if repository.commit(commit).is_err() {
        return Ok(None);
    }
    let path = match repository.file(commit, FILE_NAME)? {
        Some(text) => {
            Config::policy_of(&text).context("failed to read the settings of the base")?
        }
        None => None,
    };
    let path = path.unwrap_or_else(|| PathBuf::from(policy::FILE));
    let own = repository.file(commit, &path.to_string_lossy())?;
    Ok(Some(own.unwrap_or_else(|| gates::DEFAULT_POLICY.to_owned())))
}

/// The margins and levels that ship, for whatever this bundle gates.
fn shipped_for_commands(evidence: &Evidence) -> Result<String> {
    let policy = Policy::parse_with(&evidence.policy, &evidence.head.suite.metrics)
        .context("failed to read the policy of the evidence")?;
    let gated: Vec<(&str, &str)> =
        policy.gated.iter().map(|gated| (&*gated.workload, &*gated.metric)).collect();
    Ok(gates::command_policy(&gated))
}

/// The nonce is the one that was drawn for this session.
pub(crate) fn nonce(record: &RunRecord, drawn: &str) -> Option<Refusal> {
    let found = record.nonce.as_deref().unwrap_or("none");
    (found != drawn).then(|| {
        refusal(
            ("nonce", Class::Invalid),
            "nonce",
            drawn.to_owned(),
            found.to_owned(),
            "this evidence is of another session than the one that the nonce was drawn for",
        )
    })
}

/// The source tree of an arm is that of the clean commit it says it was built from. What is no clean commit of the repository in
/// this folder has nothing here to be held against.
pub(crate) fn sources(evidence: &Evidence) -> Result<Vec<Refusal>> {
    let Ok(repository) = Repository::open(Path::new(".")) else { return Ok(Vec::new()) };
    let mut refusals = Vec::new();
    for (arm, record) in [("base", &evidence.base), ("head", &evidence.head)] {
        let tool = &record.tool;
        let (Some(commit), Some(found), Some(false)) = (&tool.commit, &tool.tree, tool.dirty)
        else {
            continue;
        };
        let Some(expected) = repository.tree(commit)? else { continue };
        if *found != expected {
            refusals.push(refusal(
                ("source-tree", Class::Invalid),
                &format!("{arm}.tool.tree"),
                format!("{expected}, that of commit {}", short(commit)),
                found.clone(),
                "build the commit that is named, and measure that",
            ));
        }
    }
    Ok(refusals)
}

/// Every file of the gate is a subject of the attestation, with the digest that it has; and where it says what this program says of
/// a session, it says that of this one.
pub(crate) fn attested(
    path: &Path,
    files: &[(String, Digest)],
    predicate: &Value,
) -> Result<Vec<Refusal>> {
    let bytes = files::read(path)?;
    let statements = gates::attestation::statements(&bytes).map_err(|error| {
        Failure::invalid(format!("failed to read `{}`: {error}", path.display()))
    })?;
    let way_out =
        "the files are not those that were attested: take them from the run that signed them";
    let mut refusals = Vec::new();
    // The statement is about all of them but itself.
    for (name, digest) in files.iter().filter(|(name, _)| name != files::ATTESTATION) {
        // A signer may name files by the paths they had there.
        let named = |subject: &&Subject| subject.name.rsplit('/').next() == Some(name);
        let mut found = statements.iter().flat_map(|said| &said.subjects).filter(named).peekable();
        let first = found.peek().map_or_else(
            || "no subject of this name".to_owned(),
            |subject| format!("SHA-256 {}", subject.sha256),
        );
        if !found.any(|subject| subject.sha256 == *digest) {
            refusals.push(refusal(
                ("attestation", Class::Invalid),
                &format!("subject `{name}`"),
                format!("SHA-256 {digest}"),
                first,
                way_out,
            ));
        }
    }
    let ours = |said: &&Statement| said.predicate_type == PREDICATE_TYPE;
    for said in statements.iter().filter(ours).filter(|said| said.predicate != *predicate) {
        let of =
            |predicate: &Value| predicate["runDetails"]["metadata"]["invocationId"].to_string();
        refusals.push(refusal(
            ("attestation", Class::Invalid),
            "predicate",
            format!("that of session {} with these files", of(predicate)),
            format!("another, of session {}", of(&said.predicate)),
            way_out,
        ));
    }
    Ok(refusals)
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn refusal(
    (rule, class): (&'static str, Class),
    field: &str,
    expected: String,
    found: String,
    way_out: &'static str,
) -> Refusal {
    Refusal { rule, class, field: field.to_owned(), expected, found, way_out }
}
