//! Where the base comes from is said once, and the base is what is said.

use baselines::Evidence;

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "base-source",
    class: Class::Invalid,
    demand: "The base is a stored baseline or was given; a revision that was given is the clean commit the base was built from, and the policy if it is a commit's, a command the one that ran.",
    way_out: "run `bench gate` again; build revisions with `--base REV`, which builds the commit and nothing else",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let mut faults = of_base(evidence);
    let given = evidence.given.as_ref().and_then(|given| given.commit.as_ref());
    if let Some(policy) = evidence.policy_commit.as_ref().filter(|policy| Some(*policy) != given) {
        let expected = given.map_or("none", String::as_str);
        faults.push(Fault::new("policy_commit", expected, policy));
    }
    faults
}

fn of_base(evidence: &Evidence) -> Vec<Fault> {
    let one = "either a stored baseline or a base that was given";
    let given = match (&evidence.baseline, &evidence.given) {
        (Some(_), None) => return Vec::new(),
        (None, Some(given)) => given,
        (Some(_), Some(_)) => return vec![Fault::new("given", one, "both")],
        (None, None) => return vec![Fault::new("baseline", one, "neither")],
    };
    let command = evidence.base.subject.command();
    if let Some(bench) = command.and_then(|command| command.bench.as_ref()) {
        let text = |commit: &Option<String>| commit.clone().unwrap_or_else(|| "none".to_owned());
        let (said, built_from) = (text(&given.commit), text(&bench.commit));
        let fault = Fault::unless_equal("given.commit", built_from, said);
        return fault.into_iter().collect();
    }
    let line = command.map(|command| command.line.as_str());
    let other =
        line.and_then(|line| Fault::unless_equal("given.asked", line, given.asked.as_str()));
    let mut faults = Vec::from_iter(other);
    let Some(commit) = &given.commit else { return faults };
    if command.is_some() {
        faults.push(Fault::new("given.commit", "none: a command is no revision", commit));
        return faults;
    }
    let tool = &evidence.base.tool;
    let built_from = tool.commit.as_deref().unwrap_or("a commit that is not known");
    faults.extend(Fault::unless_equal("base.tool.commit", commit.as_str(), built_from));
    if tool.dirty != Some(false) {
        faults.push(Fault::new("base.tool.dirty", "false", format!("{:?}", tool.dirty)));
    }
    faults
}
