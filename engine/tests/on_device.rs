//! A session that a device computes, and the CPU taking over: whatever call of the device fails, the results are those of a session that
//! never had one. The device is a CPU session behind the seam.

#![expect(clippy::unwrap_used, reason = "helpers of tests: an error ends the test")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use engine::{
    ErrorKind, Model, Result, SequenceId, Session, SessionOptions,
    device::{DeviceMemory, Executor, Reason, ReasonKind, Room, Row, Traffic},
    sample::Likely,
};

/// Computes rightly until the call of this number.
#[derive(Debug)]
struct Fake {
    session: Session<'static>,
    sequences: Vec<SequenceId>,
    /// Logits of all rows of the last pass.
    logits: Vec<f32>,
    n_vocab: usize,
    calls: Arc<AtomicUsize>,
    fails_at: usize,
}

impl Fake {
    fn call(&self, what: &str) -> Result<(), Reason> {
        let nth = self.calls.fetch_add(1, Ordering::Relaxed);
        // Once lost it stays lost.
        if nth < self.fails_at {
            return Ok(());
        }
        Err(Reason::new(ReasonKind::DeviceFailed, format!("{what}: planted at call {nth}")))
    }
}

impl Executor for Fake {
    fn reserve(&mut self, _: Room<'_>) -> Result<(), Reason> {
        self.call("reserve")
    }

    fn append(&mut self, rows: &[Row]) -> Result<(), Reason> {
        self.call("append")?;
        let mut steps = Vec::new();
        for row in rows {
            let sequence = self.sequences[row.place];
            if !steps.iter().any(|(known, _)| *known == sequence) {
                self.session.rewind_of(sequence, row.position).unwrap();
            }
            steps.push((sequence, row.token));
        }
        self.logits = self.session.step_all(&steps).unwrap().to_vec();
        Ok(())
    }

    fn logits(&mut self, first: usize, n: usize, out: &mut [f32]) -> Result<(), Reason> {
        self.call("logits")?;
        out.copy_from_slice(&self.logits[first * self.n_vocab..][..n * self.n_vocab]);
        Ok(())
    }

    fn likeliest(&mut self, n: usize, k: usize, out: &mut Vec<Likely>) -> Result<bool, Reason> {
        self.call("likeliest")?;
        out.clear();
        for row in self.logits.chunks_exact(self.n_vocab).take(n) {
            let mut all: Vec<Likely> =
                (0..).zip(row).map(|(id, logit)| Likely { id, logit: *logit }).collect();
            all.sort_by(|a, b| b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id)));
            out.extend(&all[..k]);
        }
        Ok(true)
    }

    fn most_likeliest(&self) -> usize {
        8
    }

    fn join(&mut self) {
        self.sequences.push(self.session.join());
    }

    fn leave(&mut self, place: usize) {
        self.session.leave(self.sequences.swap_remove(place)).unwrap();
    }

    fn memory(&self) -> DeviceMemory {
        DeviceMemory::default()
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

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
    let fake = Fake {
        session: Session::new(model, &options()).unwrap(),
        sequences: vec![SequenceId::FIRST],
        logits: Vec::new(),
        n_vocab: model.config().n_vocab,
        calls: Arc::clone(&calls),
        fails_at,
    };
    (Session::on_device(model, &options(), Box::new(fake), strict).unwrap(), calls)
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
    for fails_at in 0..n_calls {
        let (mut session, _) = on_device(model, fails_at, false);
        assert!(scenario(&mut session).unwrap() == expected, "call {fails_at} fails");
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
