//! The screened head: what it can have read, and that what is said of its looks is what was counted.
//!
//! In: counts and screenings of a process. Out: bounds on the bytes of a screened product, for the other rules; a fault for each
//! screening that contradicts the counts beside it. What the head does, and in how many bytes: `engine/docs/numerics.md`.

use baselines::{
    RunRecord,
    record::{Counts, Linear, Process, Screening, WorkloadDef},
};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "screening",
    class: Class::Invalid,
    demand: "A screened head is that of decoded tokens, no look of it is at more rows than the one before, and its bytes are those of its looks.",
    way_out: "run the session again; other rows or bytes mean that other work was timed",
    check: Check::Record(check),
};

/// Weights of a block: of each, the first look reads five bits, the second two more.
const BLOCK: u64 = 256;
const FIRST_BYTES: u64 = 160;
const REST_BYTES: u64 = 64;
/// What is known of one row besides its weights: a scale and three norms, read with the first look.
const ROW_BYTES: u64 = 16;
/// Kinds that decode a single sequence: the others ask for all logits.
const DECODING: [&str; 2] = ["decode", "end-to-end"];

/// Whether a kernel is a screened head's.
pub(crate) fn is_screened(kernel: &str) -> bool {
    kernel.starts_with("screened_")
}

/// Bytes of the first look at every row: no screened product reads less.
const fn first_look(linear: &Linear) -> u64 {
    let row = FIRST_BYTES.saturating_mul(linear.cols.div_ceil(BLOCK)).saturating_add(ROW_BYTES);
    linear.rows.saturating_mul(row)
}

/// The least bytes of a product that may have been screened. Where none can be relied on, the matrix is multiplied as a whole,
/// which is less for rows far shorter than a block.
pub(super) fn least_bytes(linear: &Linear) -> u64 {
    first_look(linear).min(linear.bytes)
}

/// The most: every row looked at three times.
pub(super) const fn most_bytes(linear: &Linear) -> u64 {
    let blocks = linear.cols.div_ceil(BLOCK);
    let row = (FIRST_BYTES + REST_BYTES).saturating_mul(blocks).saturating_add(ROW_BYTES);
    linear.bytes.saturating_add(linear.rows.saturating_mul(row))
}

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let linears = record.subject.engine().map_or(&[][..], |engine| &engine.model.linears);
    let mut faults = Vec::new();
    for process in &record.processes {
        for counts in process.counts.iter().filter(|counts| is_screened(&counts.kernel)) {
            faults.extend(misplaced(record, process, counts, linears));
        }
        for (place, screening) in process.screenings.iter().enumerate() {
            faults.extend(check_one(process, screening, place, linears));
        }
    }
    faults
}

/// Of the head, in a workload that decodes, with its looks beside it where the process decodes and nothing else.
fn misplaced(
    record: &RunRecord,
    process: &Process,
    counts: &Counts,
    linears: &[Linear],
) -> Option<Fault> {
    let field =
        format!("process {} counts[{}/{}].kernel", process.order, counts.workload, counts.linear);
    let is_head = |linear: &Linear| linear.name == counts.linear && linear.once_per_sequence;
    let of = |def: &&WorkloadDef| def.name == counts.workload;
    let kind = record.suite.workloads.iter().find(of).map_or("", |def| def.kind.as_str());
    if !linears.iter().any(is_head) || !DECODING.contains(&kind) {
        let expected = "a screened product of the head alone, where one sequence is decoded";
        return Some(Fault::new(field, expected, counts.kernel.clone()));
    }
    let said = process.screenings.iter().any(|screening| screening.workload == counts.workload);
    (kind == "decode" && !said).then(|| {
        Fault::new(format!("{field} screening"), "how many rows were looked at", "nothing of it")
    })
}

fn check_one(
    process: &Process,
    screening: &Screening,
    place: usize,
    linears: &[Linear],
) -> Vec<Fault> {
    let Screening { workload, screened_rows, refined_rows, rescored_rows } = screening;
    let field = |name: &str| format!("process {} screenings[{workload}].{name}", process.order);
    let screened = |counts: &&Counts| counts.workload == *workload && is_screened(&counts.kernel);
    let counts = process.counts.iter().find(screened);
    let head = counts
        .and_then(|counts| linears.iter().find(|linear| linear.name == counts.linear))
        .filter(|linear| linear.rows > 0);
    let again = process.screenings[..place].iter().any(|other| other.workload == *workload);
    let (Some(counts), Some(head), false) = (counts, head, again) else {
        return vec![Fault::new(field("workload"), "a screened head, once", "another")];
    };
    let tokens = screened_rows / head.rows;
    let mut faults = Vec::new();
    if screened_rows % head.rows != 0 || tokens == 0 || tokens > counts.products {
        let expected = format!("{} for each of at most {} tokens", head.rows, counts.products);
        faults.push(Fault::new(field("screened_rows"), expected, screened_rows.to_string()));
    }
    if refined_rows > screened_rows {
        let expected = format!("at most the {screened_rows} before");
        faults.push(Fault::new(field("refined_rows"), expected, refined_rows.to_string()));
    }
    // One of them is the token.
    if rescored_rows > refined_rows || *rescored_rows < tokens {
        let expected = format!("{tokens} to {refined_rows}");
        faults.push(Fault::new(field("rescored_rows"), expected, rescored_rows.to_string()));
    }
    let blocks = u128::from(head.cols.div_ceil(BLOCK));
    let of = |rows: u64, each: u64| u128::from(rows).saturating_mul(each.into());
    let looks = of(*screened_rows, FIRST_BYTES)
        .saturating_add(of(*refined_rows, REST_BYTES))
        .saturating_mul(blocks)
        .saturating_add(of(*screened_rows, ROW_BYTES))
        .saturating_add(of(*rescored_rows, 2).saturating_mul(head.cols.into()));
    let whole = of(counts.products.saturating_sub(tokens), head.bytes);
    let bytes = looks.saturating_add(whole);
    if u128::from(counts.bytes) != bytes {
        let expected = format!("{bytes} bytes, those of its looks");
        faults.push(Fault::new(field("bytes"), expected, counts.bytes.to_string()));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(rows: u64, cols: u64) -> Linear {
        Linear {
            name: "output".to_owned(),
            rows,
            cols,
            format: "f16".to_owned(),
            n: 1,
            bytes: rows * cols * 2,
            once_per_sequence: true,
        }
    }

    /// The head of the 2B model: 128256 rows of ten blocks.
    #[test]
    fn bounds_are_those_of_the_planes() {
        let linear = head(128_256, 2_560);
        assert_eq!(least_bytes(&linear), 207_261_696);
        assert_eq!(most_bytes(&linear), 656_670_720 + 128_256 * (2_240 + 16));
        // A row of one weight takes a whole block of the planes, and two bytes in full.
        assert_eq!(least_bytes(&head(10, 1)), 20);
        assert!(is_screened("screened_f16.avx2") && !is_screened("gemm_f16_f32.avx2"));
    }
}
