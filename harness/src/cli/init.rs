//! `bench init`: set up the gate in a Rust repository. The files, what became of each, and what to do next.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use serde_json::json;

use super::{Context, Format, command::GATED_MAX, print};
use crate::{
    failure::TOOL_ERROR,
    init::{self, Action, Asked, Done, PLACEHOLDER, State},
    policy,
};

/// Options of `bench init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Criterion bench target to gate, by cargo's name [default: the only one; where there is none, a first one is written].
    #[arg(long, value_name = "TARGET")]
    bench: Option<String>,

    /// Package that has the target [default: the only one].
    #[arg(long, value_name = "NAME")]
    package: Option<String>,

    /// The action of the workflows, pinned by its commit [default: a placeholder that you replace].
    #[arg(long, value_name = "OWNER/tritgate/ci@SHA")]
    action: Option<Action>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let asked = Asked {
        bench: args.bench.as_deref(),
        package: args.package.as_deref(),
        action: args.action.as_ref(),
        gated_max: GATED_MAX,
    };
    let done = init::init(Path::new("."), &asked, context.progress)?;
    print(&match context.format {
        Format::Human => human(&done),
        Format::Json => json_text(&done),
        Format::Md => markdown(&done),
    })?;
    let kept = done.outcomes.iter().any(|outcome| outcome.state == State::Kept);
    Ok(if kept { TOOL_ERROR } else { 0 })
}

const fn word(state: State) -> &'static str {
    match state {
        State::Wrote => "wrote",
        State::There => "there already",
        State::Kept => "kept",
    }
}

/// The measure step by hand.
fn measure(done: &Done) -> String {
    format!("bench gate {} --base HEAD~1 --head HEAD --policy {}", done.options, policy::FILE)
}

fn commit(done: &Done) -> [String; 2] {
    [
        format!("git add {}", done.to_add.join(" ")),
        "git commit --message \"Gate performance\"".to_owned(),
    ]
}

/// One line for each file, the benchmarks, what to do next; last what is still to be filled in.
fn human(done: &Done) -> String {
    let mut said = String::new();
    for outcome in &done.outcomes {
        let line = format!("{:<14} {}", word(outcome.state), outcome.path);
        let note = if outcome.note.is_empty() { "" } else { ": " };
        let _ = writeln!(said, "{line}{note}{}", outcome.note);
    }
    let _ = writeln!(
        said,
        "\ngated of bench target `{}` ({}): {}",
        done.bench,
        done.package,
        done.gated.join(", ")
    );
    for (name, why) in &done.left_out {
        let _ = writeln!(said, "not gated, as {why}: {name}");
    }
    let [add, commit] = commit(done);
    let _ = write!(
        said,
        "\nnext:\n  {add}\n  {commit}\nmeasure by hand, once two commits have these benchmarks:\n  {}\n\
         require these checks, once the workflows are on the default branch:\n  {}\n",
        measure(done),
        gates::gate::NAMES.join(", ")
    );
    if !done.placeholders.is_empty() {
        let _ = writeln!(
            said,
            "replace the action, `{PLACEHOLDER}`,\nby that of the repository that has it, at a commit that you trust, in:"
        );
        for (path, line) in &done.placeholders {
            let _ = writeln!(said, "  {path}:{line}");
        }
    }
    said
}

/// One document with stable keys.
fn json_text(done: &Done) -> String {
    let files: Vec<_> = done
        .outcomes
        .iter()
        .map(|outcome| {
            json!({ "path": outcome.path, "state": word(outcome.state), "note": outcome.note })
        })
        .collect();
    let left_out: Vec<_> =
        done.left_out.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    let places: Vec<_> = done
        .placeholders
        .iter()
        .map(|(path, line)| json!({ "path": path, "line": line }))
        .collect();
    let document = json!({
        "package": done.package, "bench": done.bench, "files": files, "gated": done.gated, "not_gated": left_out,
        "commit": commit(done), "measure": measure(done), "required_checks": gates::gate::NAMES,
        "replace": { "text": PLACEHOLDER, "places": places },
    });
    format!("{document:#}\n")
}

/// The same in Markdown.
fn markdown(done: &Done) -> String {
    // A name is anybody's text: no cell may end early, no markup begin.
    let cell = |text: &str| {
        text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "\\`")
    };
    let mut said = "| file | state | note |\n|---|---|---|\n".to_owned();
    for outcome in &done.outcomes {
        let _ =
            writeln!(said, "| `{}` | {} | {} |", outcome.path, word(outcome.state), outcome.note);
    }
    said += "\n| benchmark | gated |\n|---|---|\n";
    for name in &done.gated {
        let _ = writeln!(said, "| {} | yes |", cell(name));
    }
    for (name, why) in &done.left_out {
        let _ = writeln!(said, "| {} | no: {} |", cell(name), cell(why));
    }
    let [add, commit] = commit(done);
    let _ = write!(
        said,
        "\n```sh\n{add}\n{commit}\n# Once two commits have these benchmarks:\n{}\n```\n\nRequired checks: `{}`\n",
        measure(done),
        gates::gate::NAMES.join("`, `")
    );
    for (path, line) in &done.placeholders {
        let _ = writeln!(said, "- replace `{PLACEHOLDER}` in `{path}`, line {line}");
    }
    said
}
