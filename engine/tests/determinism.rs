//! The same bits whatever the instruction set, the number of threads, the batch size or the way a sequence was reached.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{Activations, ErrorKind, Isa, Model, Session, SessionOptions};

fn ids(n: usize) -> Vec<u32> {
    (0..n).map(|i| u32::try_from(2 + i * 37 % 4000).unwrap()).collect()
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|x| x.to_bits()).collect()
}

/// Logits behind a prompt of 70 tokens (more than one attention chunk) and three decode steps.
fn run(model: &Model, options: &SessionOptions) -> Vec<Vec<u32>> {
    let mut session = Session::new(model, options).unwrap();
    let mut out = vec![bits(session.prefill(&ids(70)).unwrap())];
    for id in [5, 900, 17] {
        out.push(bits(session.step(id).unwrap()));
    }
    out
}

/// Requirement: H1.
#[test]
fn isa_threads_and_batch_never_change_a_bit() {
    let model = Model::builtin("stories").unwrap();
    for activations in [Activations::Int8, Activations::Float] {
        let base = SessionOptions {
            threads: 1,
            isa: Isa::Scalar,
            activations,
            batch: 70,
            ..SessionOptions::default()
        };
        let want = run(&model, &base);
        assert_ne!(want[0], want[1]);
        for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512] {
            if !Isa::available().contains(&isa) {
                println!("skipped: {isa} not available");
                continue;
            }
            // Scalar code takes a hundred times as long: fewer combinations.
            let n = if isa == Isa::Scalar { 1 } else { 5 };
            for (threads, batch) in [(2, 7), (2, 70), (3, 1), (1, 33), (5, 64)].into_iter().take(n)
            {
                let options = SessionOptions { threads, isa, batch, ..base.clone() };
                assert!(run(&model, &options) == want, "{options:?}");
            }
        }
    }
}

#[test]
fn rewinding_and_scoring_give_the_logits_of_a_fresh_sequence() {
    let model = Model::builtin("stories").unwrap();
    let options = SessionOptions { threads: 2, batch: 32, ..SessionOptions::default() };
    let ids = ids(80);
    let mut fresh = Session::new(&model, &options).unwrap();
    let want = bits(fresh.prefill(&ids).unwrap());

    let mut session = Session::new(&model, &options).unwrap();
    session.prefill(&ids[..66]).unwrap();
    session.step(3).unwrap();
    session.step(4).unwrap();
    session.rewind(66);
    assert_eq!(bits(session.prefill(&ids[66..]).unwrap()), want);

    session.rewind(0);
    let mut scored = Vec::new();
    session.score(&ids, |i, logits| scored.push((i, bits(logits)))).unwrap();
    assert!(scored.iter().enumerate().all(|(i, (j, _))| i == *j));
    assert_eq!(scored.last().unwrap().1, want);
}

/// Requirement: H1.
#[test]
fn the_counters_are_the_products_of_the_models_own_metadata() {
    let model = Model::builtin("stories").unwrap();
    let options = SessionOptions { threads: 2, batch: 50, ..SessionOptions::default() };
    let mut session = Session::new(&model, &options).unwrap();
    session.prefill(&ids(128)).unwrap();
    session.step(1).unwrap();
    let counts = session.counters();
    for linear in model.linears() {
        let count = counts.iter().find(|count| count.linear == linear.name).unwrap();
        // 128 prompt tokens in three batches, then one step; the head only behind the prompt's last token and the step.
        let (tokens, reads) = if linear.once_per_sequence { (2, 2) } else { (129, 4) };
        assert_eq!(count.products, (linear.n * tokens) as u64, "{}", linear.name);
        assert_eq!(count.macs, count.products * (linear.rows * linear.cols) as u64);
        assert_eq!(count.bytes, (linear.n * reads * linear.bytes) as u64);
        assert!(count.kernel.ends_with(session.isa().name()), "{}", count.kernel);
    }
    session.reset_counters();
    assert!(session.counters().is_empty());
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let model = Model::builtin("stories").unwrap();
    let options = SessionOptions { threads: 1, n_ctx: Some(20), ..SessionOptions::default() };
    let mut session = Session::new(&model, &options).unwrap();
    let kind = |error: engine::Error| error.kind();
    assert_eq!(session.prefill(&ids(21)).map_err(kind).unwrap_err(), ErrorKind::ContextExceeded);
    assert_eq!(session.prefill(&[]).map_err(kind).unwrap_err(), ErrorKind::InvalidArgument);
    assert_eq!(session.prefill(&[4096]).map_err(kind).unwrap_err(), ErrorKind::InvalidArgument);
    assert_eq!(session.len(), 0);
    session.prefill(&ids(20)).unwrap();
    let error = session.step(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContextExceeded);
    assert!(error.to_string().contains("at most 20"), "{error}");
    for bad in [
        SessionOptions { threads: 0, ..options.clone() },
        SessionOptions { batch: 0, ..options.clone() },
        SessionOptions { threads: 2, cpus: vec![0], ..options.clone() },
        SessionOptions { n_ctx: Some(513), ..options.clone() },
    ] {
        assert_eq!(Session::new(&model, &bad).err().map(kind), Some(ErrorKind::InvalidArgument));
    }
}
