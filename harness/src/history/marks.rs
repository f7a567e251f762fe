//! What lies beside the points of a track: the baseline that stands for its level, the policy's margins, the waivers of them.
//!
//! In: a history, the journals, a policy. Out: the same with references and waivers. A waiver's state is that at the start of the
//! latest session, so that the same store gives the same page on any day.

use baselines::store::Journal;
use gates::{Policy, policy};
use reports::history::{History, Reference, Track, Waiver};

/// Sets the reference of each track that has the record of the baseline called `name`, if that is in use.
pub(super) fn reference(
    history: &mut History,
    journals: &[Journal],
    name: &str,
    policy: Option<&Policy>,
) {
    let journal = journals.iter().find(|journal| journal.name() == name);
    let current = journal.and_then(|journal| {
        let record = journal.current()?.record;
        journal.expiry_of(record).is_none().then_some(record)
    });
    let session = current
        .and_then(|record| history.sessions.iter().position(|session| session.record == record));
    let Some(session) = session else { return };
    for track in &mut history.tracks {
        let place = track.points.iter().position(|point| point.session == session);
        track.reference = place.map(|place| Reference {
            name: name.to_owned(),
            place,
            margins: policy.and_then(|policy| margins(policy, track)),
        });
    }
}

/// Negligible and unacceptable, as log ratios.
fn margins(policy: &Policy, track: &Track) -> Option<(f64, f64)> {
    let gated = policy
        .gated
        .iter()
        .find(|gated| gated.workload == track.workload && gated.metric == track.metric)?;
    Some((libm::log(gated.margin_negligible), libm::log(gated.margin_unacceptable)))
}

/// Sets the waivers of each track.
pub(super) fn waivers(history: &mut History, policy: Option<&Policy>) {
    let Some((policy, last)) = policy.zip(history.sessions.last()) else { return };
    for track in &mut history.tracks {
        let covering =
            policy.waivers.iter().filter(|waiver| waiver.covers(&track.workload, &track.metric));
        track.waivers = covering.map(|waiver| shown(waiver, &last.started_at)).collect();
    }
}

fn shown(waiver: &policy::Waiver, at: &str) -> Waiver {
    // In tenths of a per cent: 1.15 − 1 is 0.1499999999999999.
    let tenths = ((waiver.ceiling - 1.0) * 1e3).round();
    Waiver {
        reason: waiver.reason.clone(),
        owner: waiver.owner.clone(),
        expires: waiver.expires.clone(),
        state: waiver.state(at).name().to_owned(),
        ceiling: format!("{:+} %", tenths / 10.0),
    }
}
