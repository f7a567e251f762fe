//! Both arms are subjects of one kind, and commands are run in the same way: only the lines and programs may differ.

use baselines::{Evidence, record::CommandInfo};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "same-command",
    class: Class::Invalid,
    demand: "Both arms are the engine, or both are commands with the same shell, setup, preparation, cleanup, parameters and limits.",
    way_out: "run `bench gate` again; it runs both commands in the same surroundings",
    check: Check::Bundle(check),
};

fn check(evidence: &Evidence, _: &Policy) -> Vec<Fault> {
    let (base, head) = (evidence.base.subject.command(), evidence.head.subject.command());
    let kind = |command: Option<&CommandInfo>| command.map_or("the engine", |_| "a command");
    let Some((base, head)) = base.zip(head) else {
        return Fault::unless_equal("head.subject", kind(base), kind(head)).into_iter().collect();
    };
    // All fields but the line itself, and the commit that a bench target was built from.
    let surroundings = |command: &CommandInfo| {
        let mut command = CommandInfo { line: String::new(), ..command.clone() };
        if let Some(bench) = &mut command.bench {
            bench.commit = None;
        }
        command
    };
    let (base, head) = (surroundings(base), surroundings(head));
    let differ = (base != head)
        .then(|| Fault::new("head.subject.command", format!("{base:?}"), format!("{head:?}")));
    differ.into_iter().collect()
}
