//! The table of one command: user time, system time, and the rest of the wall time, in which no processor worked for it. In: both
//! arms. Out: parts that sum to the whole.

use baselines::RunRecord;

use super::{
    attribution::{Attribution, change},
    cells::Cells,
    pairs,
    part::{Change, Part},
};

/// What is explained: a run from its start to its end.
pub(super) const WHOLE: &str = "wall_ns";
/// Parts that are read, and what each is. The rest is [`WAITING`].
const READ: [(&str, &str, &str); 2] = [
    ("user", "user_ns", "the program's own code"),
    ("system", "system_ns", "the system, on its behalf"),
];
/// The name of the last part.
const WAITING: &str = "waiting";
/// Both parts that are read, the rest, the whole, and processor time as a sum.
const N_INTERVALS: usize = 5;

/// Where the time of one command went.
pub(super) fn attribution(
    base: &RunRecord,
    head: &RunRecord,
    workload: &str,
) -> Option<Attribution> {
    let cells: Vec<Cells<'_>> =
        pairs(base, head).filter_map(|pair| Cells::of(pair, workload, WHOLE)).collect();
    let wholes: Vec<[f64; 2]> = cells.iter().map(Cells::whole).collect();
    let change = |of_pairs: &[[f64; 2]]| change(&cells, &wholes, of_pairs, N_INTERVALS);
    let whole = change(&wholes)?;
    let of_whole = |part: &Change| whole.is_sure().then(|| part.share / whole.share);
    let mut left = wholes.clone();
    let mut parts = Vec::with_capacity(READ.len() + 1);
    for (name, metric, about) in READ {
        let of_part: Option<Vec<[f64; 2]>> = cells.iter().map(|cells| cells.part(metric)).collect();
        let of_part = of_part?;
        for (left, part) in left.iter_mut().zip(&of_part) {
            (left[0], left[1]) = (left[0] - part[0], left[1] - part[1]);
        }
        parts.push(part(name, about, change(&of_part)?, of_whole));
    }
    let rest = change(&left)?;
    parts.push(part(WAITING, "disk, sleep, other processes", rest, of_whole));
    Some(Attribution {
        workload: workload.to_owned(),
        metric: WHOLE.to_owned(),
        whole,
        parts,
        positions: cells.first().map_or(0, Cells::positions),
        kernels: Vec::new(),
        overhead: None,
    })
}

fn part(
    name: &str,
    about: &'static str,
    change: Change,
    of_whole: impl Fn(&Change) -> Option<f64>,
) -> Part {
    Part {
        name: name.to_owned(),
        about,
        kernels: [Vec::new(), Vec::new()],
        change,
        of_whole: of_whole(&change),
        growth: None,
        evidence: Vec::new(),
    }
}

/// Processor time, user and system together, of a command: the split is the system's, which may count whole ticks, the sum is not.
pub(super) fn together(base: &RunRecord, head: &RunRecord, workload: &str) -> Option<Change> {
    let cells: Vec<Cells<'_>> =
        pairs(base, head).filter_map(|pair| Cells::of(pair, workload, WHOLE)).collect();
    let wholes: Vec<[f64; 2]> = cells.iter().map(Cells::whole).collect();
    let sum = |cells: &Cells<'_>| {
        let [user, system] = READ.map(|(_, metric, _)| cells.part(metric));
        let (user, system) = (user?, system?);
        Some([user[0] + system[0], user[1] + system[1]])
    };
    let sums: Option<Vec<[f64; 2]>> = cells.iter().map(sum).collect();
    change(&cells, &wholes, &sums?, N_INTERVALS)
}
