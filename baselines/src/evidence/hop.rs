//! One hop of the route: where an earlier gate sent the work, and what it rested on.
//! In: hops, oldest first. Out: nothing, or what is wrong with which one.

use crate::{Digest, Error, ErrorKind, Result, timestamp::parse_ms};

/// Hops that a bundle holds at most; of more the oldest are forgotten.
pub const HOPS_MAX: usize = 50;
/// Characters of a name or rule in a hop at most.
const TEXT_MAX: usize = 200;

/// What an earlier gate decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// When its bundle was closed (UTC).
    pub at: String,
    /// The stage that asked.
    pub from: String,
    /// The stage it sent the work to.
    pub to: String,
    /// The rule that chose it.
    pub rule: String,
    /// Its verdict.
    pub verdict: String,
    /// Commit it was about, when known.
    pub head_sha: Option<String>,
    /// SHA-256 of its bundle.
    pub evidence: Digest,
}

impl Hop {
    /// Checks a log found in `what`: at most [`HOPS_MAX`], oldest first, every text one line of at most 200 characters.
    ///
    /// # Errors
    /// `Malformed`, naming the field, what was expected and what was found.
    pub fn check_log(what: &str, hops: &[Self]) -> Result<()> {
        let malformed = |field: &str, expected: &str, found: &str| {
            let text = format!("{what} `{field}`: expected {expected}, found {found}");
            Err(Error::new(ErrorKind::Malformed, text))
        };
        if hops.len() > HOPS_MAX {
            let expected = format!("at most {HOPS_MAX} earlier hops");
            return malformed("hops", &expected, &hops.len().to_string());
        }
        for (place, hop) in hops.iter().enumerate() {
            let texts = [
                ("from", &hop.from),
                ("to", &hop.to),
                ("rule", &hop.rule),
                ("verdict", &hop.verdict),
            ];
            let sha = hop.head_sha.iter().map(|sha| ("head_sha", sha));
            for (name, text) in texts.into_iter().chain(sha) {
                let n = text.chars().count();
                if n == 0 || n > TEXT_MAX || text.chars().any(char::is_control) {
                    let expected = format!("one line of 1 to {TEXT_MAX} characters");
                    let cut: String = text.chars().take(40).collect();
                    let found = format!("{n} characters: {cut:?}");
                    return malformed(&format!("hops[{place}].{name}"), &expected, &found);
                }
            }
            if parse_ms(&hop.at).is_none() {
                let expected = "a UTC time like 2026-03-02T09:00:00.125Z";
                return malformed(&format!("hops[{place}].at"), expected, &format!("{:?}", hop.at));
            }
            if let Some(earlier) = hops[..place].last().filter(|earlier| earlier.at > hop.at) {
                let expected = format!("not before the hop before it ({})", earlier.at);
                return malformed(&format!("hops[{place}].at"), &expected, &hop.at);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{HOPS_MAX, Hop};
    use crate::Digest;

    fn hop(at: &str) -> Hop {
        Hop {
            at: at.to_owned(),
            from: "performance-baseline".to_owned(),
            to: "perf-fixer".to_owned(),
            rule: "a rule".to_owned(),
            verdict: "fail".to_owned(),
            head_sha: None,
            evidence: Digest::of(b"x"),
        }
    }

    /// Requirement: T3.
    #[test]
    fn a_log_is_bounded_in_order_and_of_single_lines() {
        let (early, late) = ("2026-03-01T09:00:00.000Z", "2026-03-02T09:00:00.000Z");
        assert!(Hop::check_log("log", &[]).is_ok());
        assert!(Hop::check_log("log", &[hop(early), hop(early), hop(late)]).is_ok());
        assert!(Hop::check_log("log", &vec![hop(early); HOPS_MAX]).is_ok());
        for (log, named) in [
            (
                vec![hop(early); HOPS_MAX + 1],
                "log `hops`: expected at most 50 earlier hops, found 51",
            ),
            (vec![hop(late), hop(early)], "`hops[1].at`: expected not before the hop before it"),
            (vec![hop("yesterday")], "`hops[0].at`: expected a UTC time"),
            (vec![Hop { to: "a\nb".to_owned(), ..hop(early) }], "`hops[0].to`: expected one line"),
            (vec![Hop { rule: String::new(), ..hop(early) }], "`hops[0].rule`"),
            (vec![Hop { head_sha: Some("é".repeat(201)), ..hop(early) }], "found 201 characters"),
        ] {
            let error = Hop::check_log("log", &log).expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
