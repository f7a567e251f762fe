//! Several sequences decoded as one batch: the bits that each would have alone, whoever joins and leaves beside it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{ErrorKind, Isa, KvFormat, Model, SequenceId, Session, SessionOptions};

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|x| x.to_bits()).collect()
}

fn stories() -> Model {
    Model::builtin("stories").unwrap()
}

/// Prompts around the edges of an attention chunk, then the tokens to step on with.
fn prompt(which: u32) -> Vec<u32> {
    let n = [1, 63, 64, 65, 130][which as usize % 5];
    (0..n).map(|i| 2 + (i * 37 + which * 911) % 4000).collect()
}

fn token(which: u32, step: u32) -> u32 {
    3 + (which * 131 + step * 17) % 4000
}

/// The logits behind each of `n` steps after the prompt, alone in a session.
fn alone(model: &Model, options: &SessionOptions, which: u32, n: u32) -> Vec<Vec<u32>> {
    let mut session = Session::new(model, options).unwrap();
    session.prefill(&prompt(which)).unwrap();
    (0..n).map(|step| bits(session.step(token(which, step)).unwrap())).collect()
}

#[test]
fn joining_and_leaving_never_change_what_a_sequence_puts_out() {
    let model = stories();
    let n_vocab = model.config().n_vocab;
    for kv in KvFormat::ALL {
        for (isa, threads) in [(Isa::Scalar, 2), (Isa::Avx2, 1), (Isa::Avx2, 2), (Isa::Avx512, 3)] {
            if !Isa::available().contains(&isa) {
                println!("skipped: {isa} not available");
                continue;
            }
            // Scalar code takes a hundred times as long: in one format only.
            if isa == Isa::Scalar && kv != KvFormat::Int8 {
                continue;
            }
            let options = SessionOptions { isa, threads, kv, ..SessionOptions::default() };
            let n_steps = 4;
            let mut session = Session::new(&model, &options).unwrap();
            // Sequence `which` joins before step `which` and leaves four steps later.
            let mut there: Vec<(u32, SequenceId)> = Vec::new();
            let mut seen: Vec<Vec<Vec<u32>>> = vec![Vec::new(); 5];
            for step in 0..5 + n_steps {
                if step < 5 {
                    let id = if step == 0 { SequenceId::FIRST } else { session.join() };
                    session.prefill_into(id, &prompt(step)).unwrap();
                    there.push((step, id));
                }
                let rows: Vec<(SequenceId, u32)> =
                    there.iter().map(|(which, id)| (*id, token(*which, step - which))).collect();
                let logits = session.step_all(&rows).unwrap();
                for ((which, _), logits) in there.iter().zip(logits.chunks_exact(n_vocab)) {
                    seen[*which as usize].push(bits(logits));
                }
                there.retain(|(which, id)| {
                    let is_done = step + 1 - which == n_steps;
                    if is_done && *id != SequenceId::FIRST {
                        session.leave(*id).unwrap();
                    }
                    !is_done
                });
                if there.is_empty() {
                    break;
                }
            }
            for which in 0..5 {
                let want = alone(&model, &options, which, n_steps);
                assert!(seen[which as usize] == want, "sequence {which}, {options:?}");
            }
        }
    }
}

#[test]
fn a_sequence_named_twice_reads_its_tokens_one_after_the_other() {
    let model = stories();
    let options = SessionOptions { threads: 2, ..SessionOptions::default() };
    let mut session = Session::new(&model, &options).unwrap();
    let other = session.join();
    let first = SequenceId::FIRST;
    let logits = session.step_all(&[(first, 5), (other, 9), (first, 6), (first, 7)]).unwrap();
    let last = bits(&logits[3 * model.config().n_vocab..]);
    assert_eq!((session.len(), session.len_of(other).unwrap()), (3, 1));
    let mut alone = Session::new(&model, &options).unwrap();
    assert_eq!(bits(alone.prefill(&[5, 6, 7]).unwrap()), last);
    // Rewound by itself: the other one stays.
    session.rewind_of(first, 1).unwrap();
    assert_eq!((session.len(), session.len_of(other).unwrap()), (1, 1));
    assert_eq!(bits(session.prefill(&[6, 7]).unwrap()), last);
}

#[test]
fn a_refused_pass_changes_no_sequence() {
    let model = stories();
    let options = SessionOptions { threads: 1, n_ctx: Some(4), ..SessionOptions::default() };
    let mut session = Session::new(&model, &options).unwrap();
    let (first, other) = (SequenceId::FIRST, session.join());
    session.prefill(&[1, 2, 3]).unwrap();
    session.prefill_into(other, &[1]).unwrap();
    let kind = |rows: &[(SequenceId, u32)], session: &mut Session<'_>| {
        session.step_all(rows).unwrap_err().kind()
    };
    assert_eq!(kind(&[], &mut session), ErrorKind::InvalidArgument);
    assert_eq!(kind(&[(other, 1), (first, 4096)], &mut session), ErrorKind::InvalidArgument);
    let beyond = [(other, 1), (first, 4), (first, 5)];
    assert_eq!(kind(&beyond, &mut session), ErrorKind::ContextExceeded);
    assert_eq!((session.len(), session.len_of(other).unwrap()), (3, 1));

    session.leave(other).unwrap();
    assert_eq!(kind(&[(other, 1)], &mut session), ErrorKind::InvalidArgument);
    assert_eq!(session.leave(other).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(session.leave(first).unwrap_err().kind(), ErrorKind::InvalidArgument);
    // The number of the one that left is not given again.
    assert_ne!(session.join(), other);
}

#[test]
fn fewer_bits_of_keys_and_values_stay_close() {
    let model = stories();
    let ids: Vec<u32> = prompt(4);
    let logits = |kv| {
        let options = SessionOptions { kv, threads: 2, ..SessionOptions::default() };
        let mut session = Session::new(&model, &options).unwrap();
        let logits = session.prefill(&ids).unwrap().to_vec();
        (logits, session.memory().kv)
    };
    let (exact, exact_bytes) = logits(KvFormat::F32);
    for (kv, most, share) in [(KvFormat::F16, 1e-4, 0.52), (KvFormat::Int8, 1e-3, 0.32)] {
        let (near, bytes) = logits(kv);
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let apart = 1.0 - dot(&exact, &near) / (dot(&exact, &exact) * dot(&near, &near)).sqrt();
        println!("{}: 1 - cosine {apart:.2e}, {bytes} of {exact_bytes} bytes", kv.name());
        assert!(exact != near, "{}: the format was used", kv.name());
        assert!(apart < most, "{}: 1 - cosine {apart:e}", kv.name());
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let found = bytes as f64 / exact_bytes as f64;
        assert!(found < share, "{}: {found} of the bytes", kv.name());
    }
}
