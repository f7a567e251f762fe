//! The sections of the report that are about external commands in place of the engine.

use crate::{
    derive::Judged,
    gate::{GateReport, command::KEY},
    text::plain,
};

/// Lines, surroundings and medians.
pub(super) fn metrics(judged: &Judged<'_>, benchmarks: &GateReport) -> String {
    let mut block = "## Performance Metrics Summary\n\n### External Commands\n".to_owned();
    for (arm, record) in [("base", &judged.evidence.base), ("head", &judged.evidence.head)] {
        let Some(command) = record.subject.command() else { continue };
        let shell = command.shell.as_deref().unwrap_or("none");
        let surroundings = match &command.bench {
            Some(bench) => format!(
                "commit {}, {} code layouts",
                plain(bench.commit.as_deref().unwrap_or("unknown")),
                record.subject.n_layouts()
            ),
            None => format!("shell {}", plain(shell)),
        };
        block.push_str(&format!(
            "- **{arm}**: {}, program {}, {surroundings}\n",
            plain(&command.line),
            record.subject.binary.short(),
        ));
    }
    if let Some(command) = judged.evidence.head.subject.command() {
        for (what, line) in [
            ("setup, once", &command.setup),
            ("prepare, before each run", &command.prepare),
            ("cleanup, once", &command.cleanup),
        ] {
            if let Some(line) = line {
                block.push_str(&format!("- **{what}**: {}\n", plain(line)));
            }
        }
    }
    block.push_str(&format!("- {}\n", plain(&super::text(benchmarks, KEY))));
    if judged.evidence.head.subject.command().is_some_and(|command| command.bench.is_none()) {
        block.push_str(
            "- The start of the process and the wait for its end are part of wall time\n",
        );
    }
    block
}

/// What the evidence does not hold.
pub(super) fn infrastructure(judged: &Judged<'_>) -> String {
    let head = &judged.evidence.head;
    let output = match head.subject.command().is_some_and(|command| command.same_output) {
        true => "the same bytes on stdout in every run, by digest",
        false => "not compared",
    };
    format!(
        "### Infrastructure Validation\n{}- Order of pairs: seed {}\n\
         - Output: {output}\n- Inference, quantization, accuracy, model loading: not measured, the subject is a command\n",
        super::checks::lines(judged),
        head.seed
    )
}

/// The command that makes it again; `None` of the engine.
pub(super) fn history(judged: &Judged<'_>) -> Option<String> {
    let bench = |record: &baselines::RunRecord| record.subject.command()?.bench.clone();
    if let (Some(base), Some(head)) = (bench(&judged.evidence.base), bench(&judged.evidence.head)) {
        let arm = |option: &str, commit: Option<String>| {
            commit.map_or_else(String::new, |commit| format!(" --{option} {}", plain(&commit)))
        };
        return Some(format!(
            "bench gate --package {} --bench {}{}{}",
            plain(&head.package),
            plain(&head.name),
            arm("base", base.commit),
            arm("head", head.commit)
        ));
    }
    let line = |record: &baselines::RunRecord| {
        record.subject.command().map(|command| plain(&command.line))
    };
    let (base, head) = (line(&judged.evidence.base)?, line(&judged.evidence.head)?);
    Some(format!("bench gate --base-command '{base}' --head-command '{head}'"))
}
