//! What the dispatcher counted, over the stretches of a workload that are its own.

/// Adds `more` to `total`, linear by linear.
pub(super) fn add(total: &mut Vec<engine::Count>, more: Vec<engine::Count>) {
    for count in more {
        let same = |known: &&mut engine::Count| {
            (known.linear, known.kernel) == (count.linear, count.kernel)
        };
        match total.iter_mut().find(same) {
            Some(known) => {
                known.products += count.products;
                known.macs += count.macs;
                known.bytes += count.bytes;
            }
            None => total.push(count),
        }
    }
}

/// Adds `more` rows to `total`.
pub(super) const fn add_screening(total: &mut engine::Screening, more: engine::Screening) {
    total.rows += more.rows;
    total.refined += more.refined;
    total.rescored += more.rescored;
}
