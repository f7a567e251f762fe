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
        block.push_str(&format!(
            "- **{arm}**: {}, program {}, shell {}\n",
            plain(&command.line),
            record.subject.binary.short(),
            plain(shell)
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
    block.push_str("- The start of the process and the wait for its end are part of wall time\n");
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
        "### Infrastructure Validation\n- Build, tests and lints: not part of this evidence\n- Order of pairs: seed {}\n\
         - Output: {output}\n- Inference, quantization, accuracy, model loading: not measured, the subject is a command\n",
        head.seed
    )
}

/// The command that makes it again; `None` of the engine.
pub(super) fn history(judged: &Judged<'_>) -> Option<String> {
    let line = |record: &baselines::RunRecord| {
        record.subject.command().map(|command| plain(&command.line))
    };
    let (base, head) = (line(&judged.evidence.base)?, line(&judged.evidence.head)?);
    Some(format!("bench gate --base-command '{base}' --head-command '{head}'"))
}
