//! Rooflines: how near each timed workload comes to what its session's own probes say the machine can do.
//!
//! In: a record. Out: of each workload whose work is counted, the measured time beside two floors: its bytes at the best bandwidth
//! that any probe of its working set saw, its multiply-adds at the best int8 rate. The work is a lower bound (no attention, no
//! norms, no activations; of a screened head what it reads of every row), so a floor is never too high. Source: Williams, Waterman, Patterson 2009.

use baselines::{RunRecord, record::Linear};

use crate::{
    facts,
    verify::rates::{Timed, as_f64, best_probe, read_bytes, timed},
};

/// One metric of one workload with its floors.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline {
    /// Workload name.
    pub workload: String,
    /// Metric name.
    pub metric: String,
    /// Median of the process medians, nanoseconds.
    pub median_ns: f64,
    /// Bytes that one sample reads at least.
    pub bytes: f64,
    /// Multiply-adds that one sample carries out at least.
    pub macs: f64,
    /// Nanoseconds that the bytes take at best; `None` without a probe.
    pub bytes_floor_ns: Option<f64>,
    /// Nanoseconds that the multiply-adds take at best; `None` without a probe.
    pub macs_floor_ns: Option<f64>,
    /// Of a decode step, its products: the largest floor first. Empty of everything else.
    pub products: Vec<Product>,
}

/// All products of one kind in a decode step.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Tensor name without layer: `ffn_down`, …
    pub linear: String,
    /// Storage format.
    pub format: String,
    /// Bytes, over all layers.
    pub bytes: f64,
    /// Multiply-adds, over all layers.
    pub macs: f64,
    /// The higher of its two floors, nanoseconds.
    pub floor_ns: Option<f64>,
}

/// One for each metric whose work is known, in the order of the suite.
#[must_use]
pub fn rooflines(record: &RunRecord) -> Vec<Roofline> {
    timed(record).iter().filter_map(|timed| roofline(record, timed)).collect()
}

fn roofline(record: &RunRecord, timed: &Timed<'_>) -> Option<Roofline> {
    let fact = facts::of(record, &timed.workload.name, timed.metric)?;
    let bandwidth = best_probe(record, timed.bandwidth_probes());
    let peak = best_probe(record, timed.peak_probe());
    let floor = |work: f64, rate: Option<f64>| {
        rate.filter(|rate| *rate > 0.0 && work > 0.0).map(|rate| work / rate * 1e9)
    };
    let product = |linear: &Linear| {
        let n = as_f64(linear.n);
        let each = read_bytes(record, timed.workload, linear);
        let (bytes, macs) = (n * as_f64(each), n * as_f64(linear.rows) * as_f64(linear.cols));
        Product {
            linear: linear.name.clone(),
            format: linear.format.clone(),
            bytes,
            macs,
            floor_ns: higher(floor(bytes, bandwidth), floor(macs, peak)),
        }
    };
    let mut products: Vec<Product> = match record.subject.engine() {
        Some(engine) if timed.metric == "decode_step_ns" => {
            engine.model.linears.iter().map(product).collect()
        }
        _ => Vec::new(),
    };
    products.sort_by(|a, b| b.floor_ns.unwrap_or(0.0).total_cmp(&a.floor_ns.unwrap_or(0.0)));
    Some(Roofline {
        workload: timed.workload.name.clone(),
        metric: timed.metric.to_owned(),
        median_ns: fact.median,
        bytes: timed.work.bytes,
        macs: timed.work.macs,
        bytes_floor_ns: floor(timed.work.bytes, bandwidth),
        macs_floor_ns: floor(timed.work.macs, peak),
        products,
    })
}

fn higher(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        _ => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use baselines::{record::ProbeKind, testing};

    use super::{higher, rooflines};

    /// The floor is work ÷ best rate, recomputed here from the record alone.
    #[test]
    fn floors_are_work_by_the_best_probe_of_the_session() {
        let record = testing::evidence(42, 1.0).head;
        let all = rooflines(&record);
        let decode = all.iter().find(|found| found.metric == "decode_step_ns").expect("decode");
        let linears = &record.subject.engine().expect("the engine").model.linears;
        let macs: u64 = linears.iter().map(|linear| linear.n * linear.rows * linear.cols).sum();
        let peak = record.probes.iter().filter(|probe| probe.kind == ProbeKind::Int8Peak);
        let peak = peak.filter_map(|probe| probe.best_rate()).fold(0.0, f64::max);
        #[expect(clippy::cast_precision_loss, reason = "a small model")]
        let want = macs as f64 / peak * 1e9;
        let found = decode.macs_floor_ns.expect("a probe");
        assert!((found / want - 1.0).abs() < 1e-12, "{found} is not {want}");
        let floor = higher(decode.bytes_floor_ns, decode.macs_floor_ns).expect("probes");
        assert!(floor <= decode.median_ns, "the script keeps to its own physics");
        let products: f64 = decode.products.iter().map(|product| product.macs).sum();
        assert!((products / decode.macs - 1.0).abs() < 1e-12, "the products are the step's work");
    }

    #[test]
    fn without_probes_there_is_no_floor_and_a_command_has_none() {
        let mut record = testing::evidence(42, 1.0).head;
        record.probes.clear();
        let has_floor = |found: &super::Roofline| {
            found.bytes_floor_ns.is_some() || found.macs_floor_ns.is_some()
        };
        assert!(!rooflines(&record).iter().any(has_floor));
        assert!(rooflines(&testing::commands(3, 1.0).head).is_empty());
    }
}
