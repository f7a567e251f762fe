//! Which metrics a calibration gates: names of the command line become the family of the policy.
//!
//! In: `decode`, `decode-64` or `end-to-end/ttft_ns`; the suite, the policy. Out: gated metrics with their margins, and the
//! suite cut down to their workloads.

use anyhow::{Context as _, Result, bail, ensure};
use baselines::record::{Suite, WorkloadDef};
use gates::{Policy, policy::Gated};

use crate::{nearest::suggestion, suite, workload};

/// Metrics of a family at most, as in a policy.
const FAMILY_MAX: usize = 8;
/// Margins of a metric that the policy does not gate: those of the policy that ships.
const MARGINS: (f64, f64) = (1.01, 1.05);

/// The family that `names` ask for, and the workloads it needs.
pub(super) fn family(
    names: &[String],
    suite: &Suite,
    policy: &Policy,
) -> Result<(Vec<Gated>, Suite)> {
    ensure!(
        (1..=FAMILY_MAX).contains(&names.len()),
        "failed to plan the calibration: `--metric`: expected 1 to {FAMILY_MAX} metrics, as in a policy, found {}",
        names.len()
    );
    let mut family: Vec<Gated> = Vec::new();
    for name in names {
        let gated = gated(name, suite, policy)
            .with_context(|| format!("failed to plan the calibration: `--metric {name}`"))?;
        let again = family
            .iter()
            .any(|one| (&one.workload, &one.metric) == (&gated.workload, &gated.metric));
        ensure!(!again, "failed to plan the calibration: `--metric {name}` is given twice");
        family.push(gated);
    }
    let suite = cut_down(suite, &family);
    Ok((family, suite))
}

/// The metric that `name` asks for, and the workload it needs.
pub(super) fn one(name: &str, suite: &Suite, policy: &Policy) -> Result<(Gated, Suite)> {
    let gated = gated(name, suite, policy)?;
    let suite = cut_down(suite, std::slice::from_ref(&gated));
    Ok((gated, suite))
}

/// The workloads of the family alone, in the suite's order.
fn cut_down(suite: &Suite, family: &[Gated]) -> Suite {
    let kept = |def: &&WorkloadDef| family.iter().any(|gated| gated.workload == def.name);
    suite::of_workloads(&suite.name, suite.workloads.iter().filter(kept).cloned().collect())
}

/// One metric: of the workload called so, or of the only one of that kind.
fn gated(name: &str, suite: &Suite, policy: &Policy) -> Result<Gated> {
    let (workload, metric) = match name.split_once('/') {
        Some((workload, metric)) => (workload, Some(metric)),
        None => (name, None),
    };
    let def = workload_of(workload, suite)?;
    let metrics = workload::find(&def.kind)?.metrics();
    let metric = metric.unwrap_or(metrics[0]);
    ensure!(
        metrics.contains(&metric),
        "workload `{}` has no metric `{metric}`; {}",
        def.name,
        suggestion(metric, metrics)
    );
    let of_policy = policy
        .gated
        .iter()
        .find(|gated| (gated.workload.as_str(), gated.metric.as_str()) == (&def.name, metric));
    Ok(of_policy.cloned().unwrap_or_else(|| Gated {
        workload: def.name.clone(),
        metric: metric.to_owned(),
        margin_negligible: MARGINS.0,
        margin_unacceptable: MARGINS.1,
    }))
}

fn workload_of<'a>(name: &str, suite: &'a Suite) -> Result<&'a WorkloadDef> {
    if let Some(def) = suite.workloads.iter().find(|def| def.name == name) {
        return Ok(def);
    }
    let of_kind: Vec<&WorkloadDef> =
        suite.workloads.iter().filter(|def| def.kind == name).collect();
    let names: Vec<&str> = suite.workloads.iter().map(|def| def.name.as_str()).collect();
    match of_kind[..] {
        [def] => Ok(def),
        [] => {
            bail!("suite `{}` has no workload `{name}`; {}", suite.name, suggestion(name, &names))
        }
        _ => bail!(
            "suite `{}` has {} workloads of kind `{name}`: name one of {}",
            suite.name,
            of_kind.len(),
            names.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Catalogue;

    fn found(names: &[&str]) -> Result<(Vec<Gated>, Suite)> {
        let suite = Catalogue::builtin().unwrap().suite("quick", None).unwrap();
        let policy = Policy::parse(gates::DEFAULT_POLICY).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        family(&names, &suite, &policy)
    }

    #[test]
    fn a_workload_its_kind_and_its_metric_name_the_same() {
        for name in ["decode", "decode-64", "decode-64/decode_step_ns"] {
            let (family, suite) = found(&[name]).unwrap();
            assert_eq!(
                (family[0].workload.as_str(), family[0].metric.as_str()),
                ("decode-64", "decode_step_ns")
            );
            let names: Vec<&str> = suite.workloads.iter().map(|def| def.name.as_str()).collect();
            assert_eq!(names, ["decode-64"], "{name}: nothing else is measured");
        }
    }

    #[test]
    fn a_family_keeps_the_suites_order_and_its_digest_is_its_own() {
        let (family, suite) = found(&["matmul", "end-to-end/ttft_ns"]).unwrap();
        assert_eq!(
            family.iter().map(|gated| gated.metric.as_str()).collect::<Vec<_>>(),
            ["matmul_ns", "ttft_ns"]
        );
        assert_eq!(suite.workloads[0].name, "end-to-end");
        assert_ne!(suite.digest, found(&["matmul"]).unwrap().1.digest);
    }

    #[test]
    fn unknown_names_suggest_the_nearest() {
        for (name, part) in [
            ("decode-46", "nearest: `decode-64`"),
            ("end-to-end/ttft", "nearest: `ttft_ns`"),
            ("", "has no workload"),
        ] {
            let error = format!("{:#}", found(&[name]).unwrap_err());
            assert!(error.contains(part), "{name}: {error}");
        }
        assert!(found(&["matmul", "matmul"]).unwrap_err().to_string().contains("twice"));
        assert!(found(&[]).is_err() && found(&["load"; 9]).is_err());
    }
}
