//! `cargo xtask planted`: regressions planted in a scratch clone, and whether `bench triage` says what each of them is.
//! In: the patches of `ci/planted/`, how often each is tried. Out: a table of hits; every bundle stays in the folder.
//!
//! What counts as right is written down in [`FAULTS`] before anything is measured. Like the picture it starts `bench` through cargo.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, succeeds};

/// One planted change.
struct Fault {
    /// The patch, `ci/planted/NAME.patch`, and the branch that has it.
    name: &'static str,
    about: &'static str,
    /// What a right answer says.
    wanted: &'static str,
    /// Whether `triage.json` says it.
    says: fn(&Value) -> bool,
}

/// All of them.
const FAULTS: &[Fault] = &[
    Fault {
        name: "kernel",
        about: "one product kernel does a tenth of its work twice",
        wanted: "the sum by kernel names ternary_i8.avx512",
        says: |triage| {
            each(triage, "/workloads").any(|workload| {
                each(workload, "/kernels").any(|kernel| {
                    kernel["kernel"] == "ternary_i8.avx512" && is_slower(&kernel["change"])
                })
            })
        },
    },
    Fault {
        name: "quantize",
        about: "activations are quantized twice",
        wanted: "the hint `quantized` has 32 → 64 times a sample",
        says: |triage| hints(triage, "quantized").any(|text| text.contains("32 → 64 times")),
    },
    Fault {
        name: "isa",
        about: "AVX-512 is no longer found",
        wanted: "the hint `isa` has avx512 to avx2",
        says: |triage| hints(triage, "isa").any(|text| text.contains("from avx512 to avx2")),
    },
    Fault {
        name: "clone",
        about: "the residual stream is cloned for each token",
        wanted: "the hint `allocations` has one more for each of 64 tokens",
        says: |triage| {
            hints(triage, "allocations")
                .filter(|text| text.contains("decode"))
                .filter_map(|text| counts(text, "allocations"))
                .any(|[base, head]| head - base == 64)
        },
    },
    Fault {
        name: "cache",
        about: "the keys and values of all positions are written again in each step",
        wanted: "the span `rope`, and the hint `growth` has it grow with the position",
        says: |triage| {
            let named = each(triage, "/workloads").any(|workload| {
                each(workload, "/parts")
                    .any(|part| part["span"] == "rope" && is_slower(&part["change"]))
            });
            named && hints(triage, "growth").any(|text| text.contains("`rope` grows"))
        },
    },
    Fault {
        name: "nothing",
        about: "the words of an error message",
        wanted: "no difference was found",
        says: |triage| triage["silent"] == true,
    },
];

/// Options of `cargo xtask planted`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the scratch clone, and of what `bench` writes.
    #[arg(long, value_name = "PATH")]
    folder: PathBuf,

    /// Sessions of each fault.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,

    /// Code layouts of each build.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=40))]
    layouts: u32,

    /// Only these faults; may be repeated.
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
}

/// Plants, measures and prints the table. True if at least 19 of 20 answers are right.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> anyhow::Result<bool> {
    for name in &args.faults {
        let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        ensure!(
            known.contains(&name.as_str()),
            "`{name}` is no planted fault; known: {}",
            known.join(", ")
        );
    }
    fs::create_dir_all(&args.folder)
        .with_context(|| format!("failed to make {}", args.folder.display()))?;
    let folder = args.folder.canonicalize().context("failed to find the folder again")?;
    let clone = folder.join("clone");
    let faults: Vec<&Fault> = FAULTS
        .iter()
        .filter(|fault| args.faults.is_empty() || args.faults.iter().any(|name| name == fault.name))
        .collect();
    if !clone.is_dir() {
        plant(workspace, &clone)?;
    }
    ensure!(
        succeeds(workspace.bench_here(&["--version"]))?,
        "failed to build `bench`; cargo says why"
    );
    let (mut right, mut all) = (0, 0);
    for fault in faults {
        let mut n_right = 0;
        for round in 1..=args.rounds {
            let said = ask(workspace, fault, round, args.layouts, &folder)?;
            n_right += u32::from(said);
            let word = if said { "right" } else { "WRONG" };
            println!("{} {round}: {word} ({})", fault.name, fault.wanted);
        }
        println!("{}: {n_right} of {}: {}", fault.name, args.rounds, fault.about);
        (right, all) = (right + n_right, all + args.rounds);
    }
    println!("{right} of {all} right; at least 19 of 20 are wanted");
    Ok(right * 20 >= all * 19)
}

/// The clone: what is committed here, and a branch for each fault.
fn plant(workspace: &Workspace, clone: &Path) -> anyhow::Result<()> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(clone).args([
            "-c",
            "user.name=xtask",
            "-c",
            "user.email=xtask@localhost",
        ]);
        command.args(args);
        command
    };
    let mut command = Command::new("git");
    command.args(["clone", "--quiet"]).arg(&workspace.root).arg(clone);
    let mut commands = vec![command, git(&["checkout", "--quiet", "-B", "base"])];
    for fault in FAULTS {
        let patch = workspace.root.join("ci/planted").join(format!("{}.patch", fault.name));
        let mut apply = git(&["apply"]);
        apply.arg(patch);
        commands.extend([
            git(&["checkout", "--quiet", "-B", fault.name, "base"]),
            apply,
            git(&["commit", "--quiet", "--all", "--message", fault.about]),
        ]);
    }
    for command in commands {
        let line = format!("{command:?}");
        ensure!(succeeds(command)?, "failed to plant: {line}");
    }
    Ok(())
}

/// One triage. Out: whether it says what was planted.
fn ask(
    workspace: &Workspace,
    fault: &Fault,
    round: u32,
    layouts: u32,
    folder: &Path,
) -> anyhow::Result<bool> {
    let out = folder.join(format!("{}-{round}", fault.name));
    // The seed makes the layouts too: another one would build them all again.
    let [layouts, nonce] = [layouts.to_string(), format!("{round:032x}")];
    let line = ["triage", "--workload", "decode", "--base", "base", "--head", fault.name];
    let mut command = workspace.bench_here(&line);
    command.args(["--layouts", &layouts, "--seed", "1", "--nonce", &nonce, "--out"]).arg(&out);
    command.current_dir(folder.join("clone"));
    ensure!(succeeds(command)?, "failed to explain `{}`; bench says why", fault.name);
    let path = out.join("triage.json");
    let bytes = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let triage: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("failed to read {}", path.display()))?;
    Ok((fault.says)(&triage))
}

fn each<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The sentences of one kind of hint.
fn hints<'a>(triage: &'a Value, kind: &str) -> impl Iterator<Item = &'a str> {
    each(triage, "/hints")
        .filter(move |hint| hint["kind"] == kind)
        .filter_map(|hint| hint["text"].as_str())
}

/// Surely, and in this direction.
fn is_slower(change: &Value) -> bool {
    change["sure"] == true && change["share_of_base"].as_f64().is_some_and(|share| share > 0.0)
}

/// Both numbers of `… 2176 → 2240 WHAT …`.
fn counts(text: &str, what: &str) -> Option<[i64; 2]> {
    let (before, _) = text.split_once(&format!(" {what}"))?;
    let (base, head) = before.rsplit_once(" → ")?;
    Some([base.rsplit(' ').next()?.parse().ok()?, head.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace() -> Workspace {
        Workspace::find(&std::env::current_dir().unwrap(), "cargo".into()).unwrap()
    }

    #[test]
    fn every_fault_has_a_patch_that_still_applies_and_every_patch_is_a_fault() {
        let root = workspace().root;
        let mut names: Vec<String> = fs::read_dir(root.join("ci/planted"))
            .unwrap()
            .filter_map(|file| file.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".patch").map(str::to_owned))
            .collect();
        names.sort();
        let mut known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        known.sort_unstable();
        assert_eq!(names, known);
        for name in names {
            let mut command = Command::new("git");
            command.current_dir(&root).args(["apply", "--check"]);
            command.arg(format!("ci/planted/{name}.patch"));
            assert!(succeeds(command).unwrap(), "{name}: make it anew on today's source");
        }
    }

    #[test]
    fn what_does_not_say_what_was_planted_is_wrong() {
        let hint = |kind: &str, text: &str| json!({ "hints": [{ "kind": kind, "text": text }] });
        let says = |name: &str, triage: &Value| {
            (FAULTS.iter().find(|fault| fault.name == name).unwrap().says)(triage)
        };
        for fault in FAULTS {
            assert!(!(fault.says)(&json!({})), "{}", fault.name);
        }
        let allocations = "decode-64: 2176 → 2240 allocations, 9 → 9 bytes allocated in the";
        assert!(says("clone", &hint("allocations", allocations)));
        assert!(!says("clone", &hint("allocations", &allocations.replace("2240", "2177"))));
        assert!(!says("quantize", &hint("quantized", "decode-64: quantized 32 → 33 times")));
        let kernel = |share: f64, sure: bool| {
            let change = json!({ "share_of_base": share, "sure": sure });
            let kernel = json!({ "kernel": "ternary_i8.avx512", "change": change });
            json!({ "workloads": [{ "kernels": [kernel] }] })
        };
        assert!(says("kernel", &kernel(0.05, true)));
        assert!(!says("kernel", &kernel(0.05, false)) && !says("kernel", &kernel(-0.05, true)));
    }
}
