//! A session that a device computes, and the CPU taking over: whatever call of the device fails, the results are those of a session that
//! never had one. The device is a CPU session behind the seam.

#![expect(clippy::unwrap_used, reason = "helpers of tests: an error ends the test")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use engine::{
    ErrorKind, Model, Result, SequenceId, Session, SessionOptions,
    device::{Reason, ReasonKind},
    sample::Likely,
    testing::SimulatedExecutor,
};

fn model() -> &'static Model {
    Box::leak(Box::new(Model::builtin("stories").unwrap()))
}

fn options() -> SessionOptions {
    SessionOptions { threads: 1, batch: 16, ..SessionOptions::default() }
}

fn on_device(
    model: &'static Model,
    fails_at: usize,
    strict: bool,
) -> (Session<'static>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    // Once lost it stays lost.
    let fails = move |what: &str| {
        let nth = counted.fetch_add(1, Ordering::Relaxed);
        let text = format!("{what}: planted at call {nth}");
        (nth >= fails_at).then(|| Reason::new(ReasonKind::DeviceFailed, text))
    };
    let executor = SimulatedExecutor::new(model, &options(), Box::new(fails));
    (Session::on_device(model, &options(), Box::new(executor), strict).unwrap(), calls)
}

/// Everything that a session does, and the bits of all that comes of it.
fn scenario(session: &mut Session<'_>) -> Result<Vec<u32>> {
    let mut bits = Vec::new();
    let ids =
        |n: u32, seed: u32| (0..n).map(|i| (i * 37 + seed * 101) % 4000).collect::<Vec<u32>>();
    let floats = |all: &mut Vec<u32>, x: &[f32]| all.extend(x.iter().map(|x| x.to_bits()));
    let likely = |all: &mut Vec<u32>, x: &[Likely]| {
        all.extend(x.iter().flat_map(|x| [x.id, x.logit.to_bits()]));
    };
    floats(&mut bits, session.prefill(&ids(5, 1))?);
    for token in [7, 8] {
        likely(&mut bits, session.step_likeliest(token, 3)?);
    }
    let [one, two] = [session.join(), session.join()];
    floats(&mut bits, session.prefill_into(one, &ids(3, 2))?);
    floats(&mut bits, session.prefill_into(two, &ids(9, 3))?);
    floats(&mut bits, session.step_all(&[(SequenceId::FIRST, 3), (two, 4), (one, 5)])?);
    session.rewind_of(two, 4)?;
    likely(&mut bits, session.step_all_likeliest(&[(two, 2), (SequenceId::FIRST, 9)], 2)?);
    floats(&mut bits, session.all_logits()?);
    session.leave(one)?;
    floats(&mut bits, session.step_all(&[(two, 1), (two, 2), (SequenceId::FIRST, 9)])?);
    session.rewind(3);
    floats(&mut bits, session.prefill(&ids(40, 4))?);
    // More than the device finds: all logits decide.
    likely(&mut bits, session.step_likeliest(1, 9)?);
    let mut scored = Vec::new();
    session.score(&ids(18, 5), |_, logits| floats(&mut scored, logits))?;
    bits.extend(scored);
    Ok(bits)
}

#[test]
fn whatever_call_fails_the_cpu_goes_on_with_the_same_bits() {
    let model = model();
    let expected = scenario(&mut Session::new(model, &options()).unwrap()).unwrap();
    let (mut session, calls) = on_device(model, usize::MAX, false);
    assert!(scenario(&mut session).unwrap() == expected, "a device that never fails");
    assert!(session.is_on_device() && session.device_lost().is_none());
    let n_calls = calls.load(Ordering::Relaxed);
    assert!(n_calls > 30, "{n_calls}");
    let products = |session: &Session<'_>| -> Vec<(&str, u64, u64)> {
        let counted = session.counters().into_iter();
        counted.map(|count| (count.linear, count.products, count.macs)).collect()
    };
    let counted = products(&session);
    for fails_at in 0..n_calls {
        let (mut session, _) = on_device(model, fails_at, false);
        assert!(scenario(&mut session).unwrap() == expected, "call {fails_at} fails");
        assert_eq!(products(&session), counted, "call {fails_at}: nothing is counted twice");
        let lost = session.device_lost().expect("why the CPU computes").to_string();
        assert!(lost.contains(&format!("planted at call {fails_at}")), "{lost}");
        assert!(!session.is_on_device() && session.device_use().is_none());
    }
}

#[test]
fn without_a_fallback_every_failure_is_an_error_and_stays_one() {
    let model = model();
    let (mut session, calls) = on_device(model, usize::MAX, true);
    scenario(&mut session).unwrap();
    for fails_at in 0..calls.load(Ordering::Relaxed) {
        let (mut session, _) = on_device(model, fails_at, true);
        let error = scenario(&mut session).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Device, "{error}");
        assert!(error.to_string().contains(&format!("planted at call {fails_at}")), "{error}");
        let again = session.prefill(&[1]).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Device, "{again}");
    }
}

#[test]
fn what_a_device_computed_is_counted_as_its_own() {
    let model = model();
    let (mut session, _) = on_device(model, usize::MAX, false);
    session.prefill(&[1, 2, 3]).unwrap();
    let mut cpu = Session::new(model, &options()).unwrap();
    cpu.prefill(&[1, 2, 3]).unwrap();
    for (device, cpu) in session.counters().iter().zip(cpu.counters()) {
        assert_eq!((device.linear, device.macs), (cpu.linear, cpu.macs));
        assert!(device.kernel.ends_with(".cuda"), "{device:?}");
    }
}
