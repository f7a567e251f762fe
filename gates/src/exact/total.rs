//! One number of an exact metric: the sum over all its places in a record.
//!
//! In: a metric, a record. Out: the sum per iteration, or why there is none. Two records of one suite count the same where, and only
//! where, every place is the same or changes cancel: of a suite with one workload it is what that workload costs.

use baselines::RunRecord;

use super::{ExactMetric, read::places};

/// All of `metric` that one iteration of the record's workloads costs.
///
/// # Errors
/// Nothing of it was counted, or processes of the record count differently: then it is not exact.
pub fn total(metric: &ExactMetric, record: &RunRecord) -> Result<f64, String> {
    let places = places(metric, record);
    if places.is_empty() {
        return Err("nothing of it was counted".to_owned());
    }
    let amount = |(name, place): (String, Result<super::read::Place, String>)| match place {
        Ok(place) => Ok(place.amount.per_iteration()),
        Err(why) if name.is_empty() => Err(why),
        Err(why) => Err(format!("`{name}`: {why}")),
    };
    places.into_iter().map(amount).sum()
}

#[cfg(test)]
mod tests {
    use baselines::testing::record;

    use super::total;
    use crate::exact::find;

    #[test]
    fn a_total_is_the_sum_over_places_and_needs_all_processes_to_agree() {
        let mut record = record(1);
        let macs = find("kernel_macs").expect("in the register");
        let allocations = find("timed_allocations").expect("in the register");
        let was = total(macs, &record).expect("the sample counts");
        assert!(was > 0.0);
        for process in &mut record.processes {
            process.allocations = vec![baselines::record::Allocations {
                workload: "decode-64".to_owned(),
                requests: 7,
                bytes: 70,
            }];
        }
        assert_eq!(total(allocations, &record), Ok(7.0));
        record.processes[0].allocations[0].requests = 8;
        let error = total(allocations, &record).expect_err("two counts");
        assert!(error.contains("`decode-64`: processes count"), "{error}");
        for process in &mut record.processes {
            process.allocations.clear();
        }
        assert!(total(allocations, &record).is_err());
    }
}
