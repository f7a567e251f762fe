//! The scripted session with a screened head, or with packed weights: the decoded tokens of a record, and what is planted in
//! what is said of them.

use baselines::{
    RunRecord,
    record::{Counts, Screening},
};

/// The kernel, on the script's instruction set.
pub(crate) const SCREENED: &str = "screened_f16.avx512";

/// The kernel of packed weights.
pub(crate) const PACKED: &str = "ternary_i8_packed.avx512";

/// Has every process of `record` decode with packed weights in `linear`: rows in whole lines of 320 weights, without the 32 bytes
/// behind a tensor.
pub(crate) fn packed(record: &mut RunRecord, linear: &str) {
    let engine = record.subject.engine_mut().expect("a session of the engine");
    let known = engine.model.linears.iter().find(|known| known.name == linear);
    let known = known.expect("a linear of the model");
    let each = known.rows * known.cols.div_ceil(320) * 64;
    let all = record.processes.iter_mut().flat_map(|process| &mut process.counts);
    for counts in all.filter(|c| c.workload == "decode-64" && c.linear == linear) {
        (counts.kernel, counts.bytes) = (PACKED.to_owned(), counts.products * each);
    }
}

/// Every count of the head on `workload`.
pub(crate) fn head_counts<'a>(
    record: &'a mut RunRecord,
    workload: &'a str,
) -> impl Iterator<Item = &'a mut Counts> {
    let all = record.processes.iter_mut().flat_map(|process| &mut process.counts);
    all.filter(move |counts| counts.workload == workload && counts.linear == "output")
}

/// Has every process of `record` decode with a screened head: 4096 rows of 384 columns, so two blocks and 16 bytes each; a hundredth of the rows looked
/// at again and two a token in full. `plant` changes what is said of the looks, and the counts are left as they were.
pub(crate) fn screened(record: &mut RunRecord, plant: impl Fn(&mut Screening)) {
    for process in &mut record.processes {
        for counts in process.counts.iter_mut().filter(|counts| counts.linear == "output") {
            let steps = match counts.workload.as_str() {
                "decode-64" => counts.products,
                // The first of 64 tokens is the prefill's.
                "end-to-end" => counts.products / 64 * 63,
                _ => continue,
            };
            let (screened_rows, refined_rows, rescored_rows) =
                (4096 * steps, 41 * steps, 2 * steps);
            let looks =
                screened_rows * (160 * 2 + 16) + refined_rows * 64 * 2 + rescored_rows * 384 * 2;
            counts.bytes = looks + (counts.products - steps) * 4096 * 384 * 2;
            counts.kernel = SCREENED.to_owned();
            if counts.workload == "decode-64" {
                let workload = counts.workload.clone();
                let mut said = Screening { workload, screened_rows, refined_rows, rescored_rows };
                plant(&mut said);
                process.screenings.push(said);
            }
        }
    }
}
