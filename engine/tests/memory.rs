//! Memory accounted for against memory asked for: the law, the allocator, the limit. A program of its own, where nobody
//! else asks the allocator.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    CountingAllocator, ErrorKind, InferenceEngine, KvFormat, Memory, Model, Prompt, Request,
    SequenceId, Session, SessionOptions, allocations, set_counting,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[derive(Debug)]
struct NoClock;

impl engine::Clock for NoClock {
    fn now_ns(&self) -> u64 {
        0
    }
}

fn ids(n: usize) -> Vec<u32> {
    (0..n).map(|i| u32::try_from(2 + i * 37 % 4000).unwrap()).collect()
}

/// What `work` asks for and does not give back.
fn live<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = allocations();
    set_counting(true);
    let done = work();
    set_counting(false);
    (done, allocations().since(&before).live())
}

fn within_5_percent(accounted: usize, live: i64) -> bool {
    let accounted = i64::try_from(accounted).unwrap();
    (accounted - live).abs() * 20 <= live
}

/// One test: the counter is one for the whole process.
///
/// Requirement: P3, L3.
#[test]
fn memory_is_accounted_for() {
    let model = Model::builtin("stories").unwrap();
    // What all sessions share is made with the first.
    drop(Session::new(&model, &SessionOptions::default()).unwrap());
    the_law_is_what_the_session_holds_and_what_the_allocator_gave(&model);
    the_law_holds_for_sequences_together(&model);
    a_model_on_the_heap_is_stated_apart(&model);
    sequences_that_left_serve_those_that_come(&model);
    the_limit_holds(&model);
    generations_give_back_what_they_asked_for(&model);
}

fn the_law_is_what_the_session_holds_and_what_the_allocator_gave(model: &Model) {
    for kv in KvFormat::ALL {
        for (n, batch) in [(1, 128), (63, 7), (64, 64), (65, 128), (300, 128), (511, 512)] {
            let options = SessionOptions { kv, batch, threads: 1, ..SessionOptions::default() };
            let law = options.memory(model, n).unwrap();
            let ids = ids(n);
            let (session, live) = live(|| {
                let mut session = Session::new(model, &options).unwrap();
                session.prefill(&ids).unwrap();
                session
            });
            let case = format!("{} tokens in batches of {batch}, {}", n, kv.name());
            assert_eq!(session.memory(), law, "{case}");
            let held = session.memory().session();
            assert!(within_5_percent(held, live), "{case}: accounted {held}, live {live}");
            drop(session);
        }
    }
    let none = SessionOptions::default().memory(model, 0).unwrap();
    assert_eq!(none.session(), 0);
}

fn the_law_holds_for_sequences_together(model: &Model) {
    for kv in KvFormat::ALL {
        for (n, n_sequences, batch) in [(1, 1, 1), (62, 3, 128), (65, 8, 7), (130, 20, 16)] {
            let options = SessionOptions { kv, batch, threads: 1, ..SessionOptions::default() };
            let law = options.memory_of(model, n, n_sequences).unwrap();
            let ids = ids(n);
            let (session, live) = live(|| {
                let mut session = Session::new(model, &options).unwrap();
                let mut steps = vec![(SequenceId::FIRST, 7)];
                steps.extend((1..n_sequences).map(|_| (session.join(), 7)));
                for (id, _) in &steps {
                    session.prefill_into(*id, &ids).unwrap();
                }
                session.step_all(&steps).unwrap();
                session
            });
            let case = format!("{n_sequences} of {n} tokens in batches of {batch}, {}", kv.name());
            assert_eq!(session.memory(), law, "{case}");
            let held = session.memory().session();
            assert!(within_5_percent(held, live), "{case}: accounted {held}, live {live}");
            drop(session);
        }
    }
}

fn a_model_on_the_heap_is_stated_apart(model: &Model) {
    let bytes = model.bytes().to_vec();
    // The copy itself was made before counting.
    let (owned, live) = live(|| Model::from_bytes(bytes.into()).unwrap());
    let Memory { weights_heap, weights_mapped, .. } =
        Session::new(&owned, &SessionOptions::default()).unwrap().memory();
    assert_eq!(weights_mapped, 0);
    assert_eq!(
        weights_heap - owned.bytes().len(),
        model.heap_size(),
        "decoded weights beside the file"
    );
    // What was decoded, with the file's metadata.
    assert!(live > i64::try_from(model.heap_size()).unwrap());
}

fn sequences_that_left_serve_those_that_come(model: &Model) {
    let mut session = Session::new(model, &SessionOptions::default()).unwrap();
    session.prefill(&ids(64)).unwrap();
    let other = session.join();
    session.prefill_into(other, &ids(100)).unwrap();
    let held = session.memory();
    let ((), live) = live(|| {
        for n in [1, 64, 100] {
            let next = session.join();
            session.prefill_into(next, &ids(n)).map(drop).unwrap_or_else(|e| panic!("{e}"));
            session.leave(next).unwrap();
        }
    });
    // Three chunks came: the ones of `other` are still its own.
    assert!(session.memory().kv > held.kv && live > 0);
    let held = session.memory();
    session.leave(other).unwrap();
    let next = session.join();
    session.prefill_into(next, &ids(100)).unwrap();
    assert_eq!(session.memory(), held);
}

fn the_limit_holds(model: &Model) {
    let free = SessionOptions { threads: 1, ..SessionOptions::default() };
    let needs = free.memory(model, 100).unwrap().session();
    let session = |limit| {
        let options = SessionOptions { memory_limit: Some(limit), ..free.clone() };
        Session::new(model, &options).unwrap()
    };
    let mut enough = session(needs);
    enough.prefill(&ids(100)).unwrap();
    let error = enough.prefill_into(SequenceId::FIRST, &ids(64)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains(&format!("at most {needs} together")), "{error}");
    assert_eq!(enough.len(), 100, "the sequence is unchanged");
    enough.step(5).unwrap();

    let mut short = session(needs - 1);
    assert_eq!(short.prefill(&ids(100)).unwrap_err().kind(), ErrorKind::OutOfMemory);
    assert!(short.is_empty() && short.memory().session() == 0);
    let ((), live) = live(|| assert!(short.prefill(&ids(100)).is_err()));
    assert_eq!(live, 0, "what is refused holds nothing");
    short.prefill(&ids(64)).unwrap();
    assert!(short.memory().session() < needs);
}

/// 100 generations leave the live bytes of the first.
fn generations_give_back_what_they_asked_for(model: &Model) {
    let options = SessionOptions { threads: 1, ..SessionOptions::default() };
    let mut engine = InferenceEngine::new(model, &options, &NoClock).unwrap();
    let request =
        Request { max_tokens: 8, ..Request::new(Prompt::Text("Once upon a time".to_owned())) };
    let mut generate =
        || engine.generate(&request, |_| std::ops::ControlFlow::Continue(())).map(drop).unwrap();
    // The tokenizer's own caches fill with the first.
    generate();
    let ((), grown) = live(|| (0..100).for_each(|_| generate()));
    assert_eq!(grown, 0);
    let ((), planted) = live(|| {
        (0..100).for_each(|_| {
            generate();
            std::mem::forget(vec![0_u8; 1024]);
        });
    });
    assert_eq!(planted, 102_400, "a leak shows");
}
