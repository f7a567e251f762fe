//! What calibrations say of the machines of a history: `calibration/FINGERPRINT.json` beside the records.
//! In: the store, the classes. Out: one for each machine that has been calibrated, in words; those that can't be read are left out
//! aloud.

use baselines::store::DirStore;
use gates::calibration::{Group, Rate};
use reports::history::{Calibration, Class};

use super::left_out::{LeftOuts, Reason};
use crate::calibrate::standing::{self, Standing};

pub(super) fn calibrations(
    store: &DirStore,
    classes: &[Class],
    left_out: &mut LeftOuts,
) -> Vec<Calibration> {
    let mut machines: Vec<_> = classes.iter().map(|class| class.fingerprint).collect();
    machines.sort_unstable();
    machines.dedup();
    let mut found = Vec::new();
    for machine in machines {
        let path = store.root().join("calibration").join(format!("{machine}.json"));
        match standing::read(&path) {
            Ok(standing) => found.extend(standing.map(|standing| in_words(&standing))),
            Err(error) => {
                left_out.add(Reason::Calibration, &machine.short(), &format!("{error:#}"));
            }
        }
    }
    found
}

fn in_words(standing: &Standing) -> Calibration {
    let subject = &standing.subject;
    Calibration {
        machine: subject.fingerprint.clone(),
        cpu_model: subject.cpu_model.clone(),
        ended_at: standing.ended_at.clone(),
        holds: standing.summary.holds,
        rates: standing.summary.groups.iter().map(group).collect(),
    }
}

fn group(group: &Group) -> String {
    let what = if group.planted > 0.0 {
        format!("slowed by {:.0} %", 100.0 * group.planted)
    } else {
        "a build with itself".to_owned()
    };
    format!(
        "{what}: {} fail, {} pass, {} inconclusive",
        rate(group.fail),
        group.pass.hits,
        group.inconclusive.hits
    )
}

/// `2 of 60 (0.4 % to 11.5 %)`.
fn rate(rate: Rate) -> String {
    let (low, high) = rate.interval_95();
    format!("{} of {} ({:.1} % to {:.1} %)", rate.hits, rate.n, 100.0 * low, 100.0 * high)
}
