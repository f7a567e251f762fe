//! What a triage measures: the workloads whose passes can be stamped, and every matrix product of a layer by itself.
//! In: a suite, names, the model. Out: a suite.

use anyhow::{Result, bail, ensure};
use baselines::record::{Suite, WorkloadDef, wire::MAX_SERIES};
use engine::{Model, quant};

use crate::{nearest::suggestion, session, suite};

/// Kinds whose passes can be stamped.
const STAMPED: [&str; 3] = ["batch", "decode", "prefill"];
/// Series of a stamped workload: its own, the spans, stamps and packed rows, faults and preemptions, and a thousand stamps.
const SERIES_STAMPED: u64 = 1 + engine::Span::ALL.len() as u64 + 5;
/// Timed iterations of a product, ten in each round.
const ITERATIONS: u64 = 80;
/// Untimed ones before them.
const WARMUP: u64 = 2;

/// The suite of a triage of `names`, by workload or by kind; without names, of every workload that can be stamped.
pub(crate) fn plan(given: &Suite, names: &[String], model: &Model) -> Result<Suite> {
    let can: Vec<&WorkloadDef> =
        given.workloads.iter().filter(|def| STAMPED.contains(&def.kind.as_str())).collect();
    for name in names {
        if !can.iter().any(|def| def.name == *name || def.kind == *name) {
            let known: Vec<&str> = can.iter().map(|def| def.name.as_str()).collect();
            bail!(
                "failed to plan the triage: suite `{}` has no workload `{name}` whose passes can be stamped (kinds {}); {}",
                given.name,
                STAMPED.join(", "),
                suggestion(name, &known)
            );
        }
    }
    let asked = |def: &&&WorkloadDef| {
        names.is_empty() || names.iter().any(|name| def.name == *name || def.kind == *name)
    };
    let mut workloads: Vec<WorkloadDef> = can.iter().filter(asked).copied().cloned().collect();
    ensure!(
        !workloads.is_empty(),
        "failed to plan the triage: suite `{}` has no workload whose passes can be stamped: expected one of kind {}; choose another \
         suite with `--suite`",
        given.name,
        STAMPED.join(", ")
    );
    let tokens = workloads.iter().map(tokens_of).collect::<Vec<u64>>();
    workloads.extend(products(model, &tokens));
    Ok(suite::of_workloads("triage", workloads))
}

/// Refuses a session whose bundle no reader would take: with the pairs that may be disturbed and measured again.
pub(crate) fn check_size(suite: &Suite, pairs: u64) -> Result<()> {
    let series = |def: &WorkloadDef| {
        if STAMPED.contains(&def.kind.as_str()) { SERIES_STAMPED } else { 1 }
    };
    let per_process: u64 = suite.workloads.iter().map(series).sum();
    // Both arms have half of what a bundle may hold.
    let most = MAX_SERIES as u64 / 2 / per_process.max(1);
    let planned = session::with_spare(pairs);
    ensure!(
        planned <= most,
        "failed to plan the triage: `--pairs`: expected at most {} with {per_process} series a process, found {pairs}; ask for fewer \
         pairs, or name one workload with `--workload`",
        (0..=most).rev().find(|pairs| session::with_spare(*pairs) <= most).unwrap_or(0)
    );
    Ok(())
}

/// Tokens that share a product in one pass of a workload, as far as they are worth a measurement of their own.
fn tokens_of(def: &WorkloadDef) -> u64 {
    let param = |name: &str| def.params.get(name).copied().unwrap_or(1);
    match def.kind.as_str() {
        "prefill" => param("prompt_tokens").min(128),
        "batch" => param("sequences"),
        _ => 1,
    }
}

/// Every shape of a layer, once for each number of tokens.
fn products(model: &Model, tokens: &[u64]) -> Vec<WorkloadDef> {
    let mut defs: Vec<WorkloadDef> = Vec::new();
    let linears = model.linears();
    let of_layers = linears.iter().filter(|linear| !linear.once_per_sequence);
    for linear in of_layers {
        let Some(format) = quant::by_name(linear.format) else { continue };
        for tokens in tokens {
            let (rows, cols) = (linear.rows, linear.cols);
            let name = format!("product-{}-{rows}x{cols}-{tokens}", linear.format);
            if defs.iter().any(|def| def.name == name) {
                continue;
            }
            let params = [
                ("cols", cols as u64),
                ("format", u64::from(format.id())),
                ("iterations", ITERATIONS),
                ("rows", rows as u64),
                ("tokens", *tokens),
                ("warmup", WARMUP),
            ];
            defs.push(WorkloadDef {
                name,
                kind: "gemm".to_owned(),
                params: params.map(|(name, value)| (name.to_owned(), value)).into(),
            });
        }
    }
    defs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{subject::engine::Source, suite::Catalogue, workload};

    fn planned(names: &[&str]) -> Result<Suite> {
        let suite = Catalogue::builtin().unwrap().suite("quick", None).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        plan(&suite, &names, &Source::Builtin.open().unwrap())
    }

    #[test]
    fn every_stamped_workload_and_every_shape_once_for_each_number_of_tokens() {
        let suite = planned(&[]).unwrap();
        let names: Vec<&str> = suite.workloads.iter().map(|def| def.name.as_str()).collect();
        assert_eq!(names[..2], ["prefill-128", "decode-64"]);
        // q and output, k and v, gate and up, down: four shapes, with 128 tokens and with one.
        assert_eq!(names.len(), 2 + 4 * 2, "{names:?}");
        assert!(names.contains(&"product-i2_s-128x384-1"), "{names:?}");
        for def in &suite.workloads {
            workload::check(workload::find(&def.kind).unwrap(), def).unwrap();
        }
    }

    /// 2 · 19 series and 8 of products are 46 a process: an arm holds 65 of them, those of 49 pairs and 16 that were disturbed.
    #[test]
    fn more_pairs_than_a_bundle_can_hold_are_refused_before_they_are_measured() {
        let suite = planned(&[]).unwrap();
        check_size(&suite, 49).unwrap();
        let error = check_size(&suite, 50).unwrap_err().to_string();
        assert!(
            error.contains("expected at most 49 with 46 series a process, found 50"),
            "{error}"
        );
        check_size(&planned(&["decode"]).unwrap(), 32).unwrap();
    }

    #[test]
    fn names_and_kinds_choose_and_others_suggest() {
        for name in ["decode", "decode-64"] {
            let suite = planned(&[name]).unwrap();
            assert_eq!(suite.workloads.len(), 1 + 4, "{name}");
        }
        let error = planned(&["decode-46"]).unwrap_err().to_string();
        assert!(error.contains("nearest: `decode-64`"), "{error}");
        let error = planned(&["load"]).unwrap_err().to_string();
        assert!(error.contains("no workload `load` whose passes can be stamped"), "{error}");
    }
}
