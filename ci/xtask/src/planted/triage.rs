//! What `bench triage` says of each fault, and whether that is right.

use anyhow::ensure;
use serde_json::Value;

use super::{Args, Scratch, word};

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

/// A branch for each fault.
pub(super) fn plant(scratch: &Scratch<'_>) -> anyhow::Result<()> {
    for fault in FAULTS {
        scratch.here(&["checkout", "--quiet", "-B", fault.name, "base"])?;
        scratch.commit(fault.name, fault.about)?;
    }
    Ok(())
}

/// Measures and prints. True if at least 19 of 20 answers are right.
pub(super) fn run(scratch: &Scratch<'_>, args: &Args) -> anyhow::Result<bool> {
    let (mut right, mut all) = (0, 0);
    for fault in FAULTS {
        if !args.faults.is_empty() && !args.faults.iter().any(|name| name == fault.name) {
            continue;
        }
        let mut n_right = 0;
        for round in 1..=args.rounds {
            let is_right = fault.is_named(scratch, round, args.layouts)?;
            n_right += u32::from(is_right);
            println!("{} {round}: {} ({})", fault.name, word(is_right), fault.wanted);
        }
        println!("{}: {n_right} of {}: {}", fault.name, args.rounds, fault.about);
        (right, all) = (right + n_right, all + args.rounds);
    }
    println!("{right} of {all} right; at least 19 of 20 are wanted");
    Ok(right * 20 >= all * 19)
}

/// Refuses a name that no fault has.
pub(super) fn check_names(names: &[String]) -> anyhow::Result<()> {
    let known = self::names();
    for name in names {
        ensure!(
            known.contains(&name.as_str()),
            "`{name}` is no planted fault; known: {}",
            known.join(", ")
        );
    }
    Ok(())
}

pub(super) fn names() -> Vec<&'static str> {
    FAULTS.iter().map(|fault| fault.name).collect()
}

impl Fault {
    /// One triage. Out: whether it says what was planted.
    fn is_named(&self, scratch: &Scratch<'_>, round: u32, layouts: u32) -> anyhow::Result<bool> {
        let out = scratch.folder.join(format!("{}-{round}", self.name));
        // The seed makes the layouts too: another one would build them all again.
        let [layouts, nonce] = [layouts.to_string(), format!("{round:032x}")];
        let mut args = vec!["triage", "--workload", "decode", "--base", "base"];
        args.extend(["--head", self.name, "--layouts", &layouts, "--seed", "1"]);
        let folder = out.to_string_lossy();
        args.extend(["--nonce", &nonce, "--out", &folder]);
        Ok((self.says)(&scratch.bench(&args, &out.join("triage.json"))?))
    }
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
