//! `freshness`: the commit has the base's newest one in it (`git merge-base --is-ancestor BASE HEAD`).
//! In: a check record. Out: yes, no, or that git could not say. Source: git-merge-base(1): 0 yes, 1 no, else an error.

use baselines::CheckRecord;
use serde_json::json;

use super::{Check, Reading, conclude, output, words::Words};
use crate::verdict::Verdict;

pub(super) const CHECK: Check = Check {
    name: "freshness",
    demand: "`git merge-base --is-ancestor BASE HEAD` says yes.",
    is: |words| question(words).is_some(),
    read,
};

/// Both revisions of the question.
fn question<'a>(words: &Words<'a>) -> Option<(&'a str, &'a str)> {
    match words.rest.as_slice() {
        ["merge-base", "--is-ancestor", base, head] if words.program == "git" => Some((base, head)),
        _ => None,
    }
}

fn read(record: &CheckRecord) -> Reading {
    let reading = |verdict, text: String| Reading {
        verdict,
        text,
        value: json!({ "exit_code": record.exit_code }),
    };
    let nothing = |text: &str| reading(Verdict::Incomparable, text.to_owned());
    let Some((base, head)) = question(&Words::of(&record.command)) else {
        return nothing("nothing was asked: expected `git merge-base --is-ancestor BASE HEAD`");
    };
    if head != "HEAD" && record.commit.as_deref() != Some(head) {
        return nothing("another commit was asked about: expected `HEAD` as the second revision");
    }
    match record.exit_code {
        0 => reading(Verdict::Pass, format!("`{base}` is in this commit's history")),
        1 => {
            let text = format!("`{base}` is not in this commit's history: rebase or merge it");
            reading(Verdict::Fail, text)
        }
        other => {
            let said = output::text(&record.stderr);
            let said = said.lines().next().unwrap_or_default();
            reading(
                Verdict::Incomparable,
                format!("git could not say ({}): {said}", conclude::exit(other)),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use baselines::{check::Captured, testing};

    use super::read;
    use crate::verdict::Verdict;

    #[test]
    fn only_a_yes_about_this_commit_is_a_success() {
        let commit = testing::check("freshness").commit.expect("it is scripted");
        for (line, exit_code, verdict, said) in [
            (
                "git merge-base --is-ancestor origin/main HEAD",
                0,
                Verdict::Pass,
                "`origin/main` is in",
            ),
            (&format!("git merge-base --is-ancestor a {commit}"), 0, Verdict::Pass, "`a` is in"),
            ("git merge-base --is-ancestor origin/main HEAD", 1, Verdict::Fail, "rebase"),
            ("git merge-base --is-ancestor gone HEAD", 128, Verdict::Incomparable, "Not a valid"),
            ("git merge-base --is-ancestor HEAD origin/main", 0, Verdict::Incomparable, "another"),
            ("git merge-base origin/main HEAD", 0, Verdict::Incomparable, "nothing was asked"),
            ("true", 0, Verdict::Incomparable, "nothing was asked"),
        ] {
            let mut record = testing::check("freshness");
            record.command = line.split(' ').map(str::to_owned).collect();
            record.exit_code = exit_code;
            record.stderr = Captured::whole(b"fatal: Not a valid object name gone\n");
            let reading = read(&record);
            assert_eq!(reading.verdict, verdict, "{line}: {}", reading.text);
            assert!(reading.text.contains(said), "{line}: {}", reading.text);
        }
    }
}
