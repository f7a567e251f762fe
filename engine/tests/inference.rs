//! The production door on the built-in model: ids against a plain session, times against a clock that the test reads itself,
//! every way to stop, and what a sequence is worth to the next request.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    cell::Cell,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use engine::{
    Cancel, Clock, ErrorKind, Generated, InferenceEngine, Logits, Metrics, Model, Prompt, Request,
    Sampler, SamplerOptions, Session, SessionOptions, Stop, Token,
};

const TEXT: &str = "Once upon a time, there was a little girl named";

/// The machine's own clock, and how often it was read.
#[derive(Debug)]
struct Real(Instant);

impl Real {
    #[expect(clippy::disallowed_methods, reason = "times are what is tested")]
    fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Real {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}

/// Every reading is 1 µs after the one before.
#[derive(Debug, Default)]
struct Scripted(Cell<u64>);

impl Clock for Scripted {
    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get() + 1_000);
        self.0.get()
    }
}

fn model() -> Model {
    Model::builtin("stories").unwrap()
}

fn options() -> SessionOptions {
    SessionOptions { threads: 1, ..SessionOptions::default() }
}

fn request(max_tokens: usize) -> Request {
    Request { max_tokens, ..Request::new(Prompt::Text(TEXT.to_owned())) }
}

fn run(engine: &mut InferenceEngine<'_>, request: &Request) -> Generated {
    engine.generate(request, |_| ControlFlow::Continue(())).unwrap()
}

/// What a session and a sampler put out without the door.
fn plainly(model: &Model, prompt: &[u32], sampler: SamplerOptions, n: usize) -> Vec<u32> {
    let mut session = Session::new(model, &options()).unwrap();
    let mut sampler = Sampler::new(sampler).unwrap();
    sampler.observe(prompt);
    let mut ids = vec![sampler.sample(session.prefill(prompt).unwrap()).unwrap()];
    while ids.len() < n {
        let last = *ids.last().unwrap();
        ids.push(sampler.sample(session.step(last).unwrap()).unwrap());
    }
    ids
}

#[test]
fn ids_are_those_of_a_plain_session_and_the_text_is_theirs() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let hot = SamplerOptions {
        temperature: 0.9,
        top_k: 50,
        top_p: 0.95,
        min_p: 0.01,
        repetition_penalty: 1.1,
        seed: 7,
        ..SamplerOptions::default()
    };
    for sampler in [SamplerOptions::default(), hot] {
        let mut said = String::new();
        let request = Request { sampler, ignores_end: true, ..request(40) };
        let answer = engine.generate(&request, |token| {
            said.push_str(token.text);
            ControlFlow::Continue(())
        });
        let answer = answer.unwrap();
        assert_eq!(answer.ids, plainly(&model, &answer.prompt, sampler, 40));
        assert_eq!(answer.stop, Stop::Length);
        // A character that is not complete yet is only in the answer.
        assert!(answer.text.starts_with(&said));
        assert_eq!(answer.text, model.tokenizer().unwrap().decode(&answer.ids).unwrap());
    }
}

/// Requirement: S5, M5, P1.
#[test]
fn every_time_agrees_with_a_clock_read_outside() {
    let model = model();
    let clock = Real::start();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    run(&mut engine, &request(4)); // memory is asked for once
    // The system may take the CPU away between a reading inside and the one outside; a time that is wrong is so every time.
    let attempts = (0..5).map(|_| disagreements(&mut engine, &clock, &model));
    let last = attempts.inspect(|found| eprintln!("{found:?}")).find(Vec::is_empty);
    assert!(last.is_some(), "five attempts, all with the disagreements above");
}

/// Times that are further than 2 % and 0.2 ms from those outside; what is exact is asserted.
fn disagreements(engine: &mut InferenceEngine<'_>, clock: &Real, model: &Model) -> Vec<String> {
    let request = Request { reuses_prefix: false, ..request(48) };
    let mut came = Vec::new();
    let before = clock.now_ns();
    let answer = engine.generate(&request, |_| {
        came.push(clock.now_ns());
        ControlFlow::Continue(())
    });
    let total = clock.now_ns() - before;
    let Generated { ids, metrics, stop, .. } = answer.unwrap();
    assert_eq!((ids.len(), stop), (48, Stop::Length));
    assert_eq!(metrics.steps_ns.len(), 47);
    let steps: u64 = metrics.steps_ns.iter().sum();
    let (first, decode) = (metrics.first_token_ns.unwrap(), metrics.decode_ns.unwrap());
    assert!(steps <= decode && first + decode <= metrics.total_ns);
    assert!(metrics.tokenize_ns + metrics.prefill_ns <= first);
    assert!(metrics.sampling_ns > 0 && metrics.detokenize_ns > 0 && metrics.prefill_ns > 0);
    // One product of each kind for each layer and token: prompt and 47 steps; the head, once and 47 times.
    let passes = (metrics.prompt_tokens + 47) as u64;
    for count in &metrics.counts {
        let expected =
            if count.linear == "output" { 48 } else { passes * model.config().n_layers as u64 };
        assert_eq!(count.products, expected, "{}", count.linear);
    }
    assert!(metrics.memory.kv > 0 && metrics.memory.activations > 0);

    let mut times = vec![
        ("total", metrics.total_ns, total),
        ("first token", first, came[0] - before),
        ("decode", decode, came[47] - came[0]),
    ];
    let steps = metrics.steps_ns.iter().zip(came.windows(2));
    times.extend(steps.map(|(step, came)| ("step", *step, came[1] - came[0])));
    times.retain(|(_, found, outside)| found.abs_diff(*outside) > (outside / 50).max(200_000));
    let said = |(what, found, outside)| format!("{what}: {found} ns, outside {outside} ns");
    times.into_iter().map(said).collect()
}

/// Reading the prompt, choosing and making text take what they take by hand, each phase around a timer of its own.
///
/// Requirement: S5.
#[test]
fn each_phase_takes_what_it_takes_by_hand() {
    let model = model();
    let clock = Real::start();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    // One for all rounds, as the engine has: a new one would leave cold what the phases then need.
    let mut session = Session::new(&model, &options()).unwrap();
    let sampler = SamplerOptions { temperature: 0.8, ..SamplerOptions::default() };
    let request =
        Request { sampler, ignores_end: true, reuses_prefix: false, max_tokens: 64, ..request(64) };
    let names = ["tokenize", "prefill", "sampling", "detokenize"];
    let mut agreed = [false; 4];
    // The fastest of each side: what the system takes away is added to a phase, never taken off.
    let (mut inside, mut outside) = ([u64::MAX; 4], [u64::MAX; 4]);
    for _ in 0..20 {
        let metrics = run(&mut engine, &request).metrics;
        let found =
            [metrics.tokenize_ns, metrics.prefill_ns, metrics.sampling_ns, metrics.detokenize_ns];
        let by_hand = by_hand((&model, &mut session), &clock, sampler, request.max_tokens);
        for i in 0..4 {
            agreed[i] |= found[i].abs_diff(by_hand[i]) <= (by_hand[i] / 50).max(200_000);
            inside[i] = inside[i].min(found[i]);
            outside[i] = outside[i].min(by_hand[i]);
        }
    }
    for (i, name) in names.iter().enumerate() {
        let said = format!("{name}: fastest {} ns, by hand {} ns", inside[i], outside[i]);
        assert!(agreed[i], "never within 2 % or 0.2 ms: {said}");
        // Phases shorter than 0.2 ms as well: a stamp at the wrong place takes another phase with it. What one side finds in a
        // cache the other may not: 22 µs beside 53 were seen.
        assert!(
            inside[i] <= 4 * outside[i] + 20_000 && outside[i] <= 4 * inside[i] + 20_000,
            "{said}"
        );
    }
}

/// Tokenizing, reading, choosing and making text of one answer: ns of each, by readings around the calls.
fn by_hand(
    (model, session): (&Model, &mut Session<'_>),
    clock: &Real,
    sampler: SamplerOptions,
    n: usize,
) -> [u64; 4] {
    let tokenizer = model.tokenizer().unwrap();
    let mut took = [0; 4];
    let mut timed = |phase: usize, since: u64| took[phase] += clock.now_ns() - since;

    let since = clock.now_ns();
    let prompt = tokenizer.encode(TEXT, tokenizer.adds_bos()).unwrap();
    timed(0, since);
    session.rewind(0);
    let since = clock.now_ns();
    let mut logits = session.prefill(&prompt).unwrap();
    timed(1, since);
    let mut sampler = Sampler::new(sampler).unwrap();
    sampler.observe(&prompt);
    let mut stream = tokenizer.stream();
    let mut text = String::new();
    for _ in 0..n {
        let since = clock.now_ns();
        let id = sampler.sample(logits).unwrap();
        timed(2, since);
        let since = clock.now_ns();
        text.push_str(&stream.push(id).unwrap().unwrap_or_default());
        timed(3, since);
        logits = session.step(id).unwrap();
    }
    took
}

/// With a clock that moves by its readings, every field is known exactly.
#[test]
fn every_time_is_a_difference_of_two_readings() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let metrics = run(&mut engine, &request(3)).metrics;
    assert_eq!(metrics.tokenize_ns, 1_000);
    assert_eq!(metrics.prefill_ns, 1_000);
    assert_eq!(metrics.sampling_ns, 3_000);
    assert_eq!(metrics.detokenize_ns, 4_000);
    assert_eq!(metrics.caller_ns, 3_000);
    // From the caller's return: the pass, then the choice.
    assert_eq!(metrics.steps_ns, [2_000, 2_000]);
    assert_eq!(metrics.decode_ns, Some(2 * 4_000));
    let none = run(&mut engine, &request(0));
    assert_eq!((none.ids.len(), none.stop), (0, Stop::Length));
    assert_eq!((none.metrics.first_token_ns, none.metrics.decode_ns), (None, None));
    assert!(none.metrics.steps_ns.is_empty() && none.metrics.prefill_ns > 0);
}

#[test]
fn a_prefix_that_the_sequence_holds_is_not_read_again_and_changes_nothing() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let first = run(&mut engine, &request(20));
    assert_eq!(first.metrics.reused_tokens, 0);
    let again = run(&mut engine, &request(20));
    assert_eq!((&again.ids, again.metrics.reused_tokens), (&first.ids, first.prompt.len() - 1));
    // The conversation goes on: all that was said is known, but for the last token, which was never passed through.
    let longer = [&first.prompt[..], &first.ids[..], &[13]].concat();
    let on = Request { max_tokens: 10, ..Request::new(Prompt::Ids(longer.clone())) };
    let continued = run(&mut engine, &on);
    assert_eq!(continued.metrics.reused_tokens, longer.len() - 2);
    let fresh = run(&mut engine, &Request { reuses_prefix: false, ..on });
    assert_eq!((fresh.metrics.reused_tokens, &fresh.ids), (0, &continued.ids));
    let other = Request::new(Prompt::Ids(vec![longer[0], 99, 98]));
    assert_eq!(run(&mut engine, &other).metrics.reused_tokens, 1);
    engine.forget();
    assert_eq!(run(&mut engine, &request(20)).ids, first.ids);
}

#[test]
fn every_way_to_stop_is_said() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let whole = run(&mut engine, &Request { ignores_end: true, ..request(64) });

    // A text across tokens: from the middle of the third token into the fourth.
    let texts: Vec<String> =
        whole.ids.iter().map(|id| model.tokenizer().unwrap().decode(&[*id]).unwrap()).collect();
    let stop = format!("{}{}", &texts[2][1..], &texts[3][..2]);
    let stopped = run(&mut engine, &Request { stop: vec![stop.clone()], ..request(64) });
    assert_eq!(stopped.stop, Stop::Text(stop));
    assert_eq!(stopped.ids, whole.ids[..4]);
    let expected = format!("{}{}{}", texts[0], texts[1], &texts[2][..1]);
    assert_eq!(stopped.text, expected);

    let id = whole.ids[5];
    let first = whole.ids.iter().position(|other| *other == id).unwrap();
    let stopped = run(&mut engine, &Request { stop_ids: vec![id], ..request(64) });
    assert_eq!((stopped.stop, stopped.ids), (Stop::Id(id), whole.ids[..=first].to_vec()));

    let mut n = 0;
    let broken = engine.generate(&request(64), |_: Token<'_>| {
        n += 1;
        if n == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let broken = broken.unwrap();
    assert_eq!((&broken.stop, broken.ids.len()), (&Stop::Cancelled, 3));
    assert_eq!(broken.complete().unwrap_err().kind(), ErrorKind::Cancelled);

    let n_ctx = whole.prompt.len() + 5;
    let mut small =
        InferenceEngine::new(&model, &SessionOptions { n_ctx: Some(n_ctx), ..options() }, &clock)
            .unwrap();
    let full = run(&mut small, &Request { ignores_end: true, ..request(64) });
    // The token behind the last that fits is known, and has no place.
    assert_eq!((&full.stop, &full.ids[..]), (&Stop::ContextFull, &whole.ids[..6]));
    assert!(full.complete().is_ok());
}

#[test]
fn the_models_own_end_is_a_stop_unless_it_is_ignored() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let story = Request { max_tokens: 450, ..Request::new(Prompt::Text("The end.".to_owned())) };
    let ended = run(&mut engine, &story);
    let Stop::EndOfGeneration(id) = ended.stop else { panic!("{:?}", ended.stop) };
    assert_eq!(ended.ids.last(), Some(&id));
    let on =
        run(&mut engine, &Request { ignores_end: true, max_tokens: ended.ids.len() + 3, ..story });
    assert_eq!(on.ids.len(), ended.ids.len() + 3);
    assert!(on.ids.starts_with(&ended.ids));
}

#[test]
fn a_switch_and_a_limit_end_it_at_any_token_and_in_the_prompt() {
    let model = model();
    let clock = Scripted::default();
    let options = SessionOptions { batch: 4, ..options() };
    let mut engine = InferenceEngine::new(&model, &options, &clock).unwrap();
    let whole = run(&mut engine, &request(12)).ids;
    for n in 1..=12 {
        let request = Request { cancel: Cancel::default(), ..request(12) };
        let mut came = 0;
        let answer = engine.generate(&request, |_| {
            came += 1;
            if came == n {
                request.cancel.cancel();
            }
            ControlFlow::Continue(())
        });
        let answer = answer.unwrap();
        assert_eq!(answer.ids, whole[..n]);
        assert_eq!(answer.stop, if n == 12 { Stop::Length } else { Stop::Cancelled });
    }
    // Before it begins, and in the second batch of the prompt; what was read stays good.
    let cancelled = Request { reuses_prefix: false, ..request(12) };
    cancelled.cancel.cancel();
    let answer = run(&mut engine, &cancelled);
    assert_eq!((answer.stop, answer.ids.len()), (Stop::Cancelled, 0));
    assert!(engine.sequence().is_empty());
    let limit = Some(Duration::from_micros(4));
    let late = Request { time_limit: limit, reuses_prefix: false, ..request(12) };
    let answer = run(&mut engine, &late);
    assert_eq!((&answer.stop, answer.metrics.first_token_ns), (&Stop::TimeLimit, None));
    assert_eq!(engine.sequence().len(), 4, "one batch was read before the time was up");
    assert_eq!(answer.complete().unwrap_err().kind(), ErrorKind::TimeLimit);
    let after = run(&mut engine, &request(12));
    assert_eq!((after.ids, after.metrics.reused_tokens), (whole, 4));
}

#[test]
fn what_cannot_be_answered_is_an_error_and_the_engine_goes_on() {
    let model = model();
    let clock = Scripted::default();
    let mut engine = InferenceEngine::new(&model, &options(), &clock).unwrap();
    let n_ctx = engine.session().n_ctx();
    let n_vocab = u32::try_from(model.config().n_vocab).unwrap();
    let ids = |ids: Vec<u32>| Request::new(Prompt::Ids(ids));
    let bad = [
        (ids(Vec::new()), ErrorKind::InvalidArgument),
        (ids(vec![n_vocab]), ErrorKind::InvalidArgument),
        (ids(vec![1; n_ctx]), ErrorKind::ContextExceeded),
        (Request::new(Prompt::Text("a ".repeat(5_000_000))), ErrorKind::ContextExceeded),
        (Request { stop: vec![String::new()], ..request(4) }, ErrorKind::InvalidArgument),
    ];
    for (request, kind) in bad {
        let e = engine.generate(&request, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
    }
    for temperature in [f32::NAN, -1.0] {
        let sampler = SamplerOptions { temperature, ..SamplerOptions::default() };
        let request = Request { sampler, ..request(4) };
        let e = engine.generate(&request, |_| ControlFlow::Continue(())).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidArgument, "{e}");
    }
    assert_eq!(run(&mut engine, &request(4)).ids.len(), 4);
    // An empty text is the beginning of one, where the tokenizer begins with BOS.
    let empty =
        engine.generate(&Request::new(Prompt::Text(String::new())), |_| ControlFlow::Continue(()));
    assert_eq!(empty.is_ok(), model.tokenizer().unwrap().adds_bos());
}

#[test]
fn requests_answered_together_get_the_answers_that_they_get_alone() {
    let model = model();
    let options = SessionOptions { threads: 2, ..SessionOptions::default() };
    let clock = Real::start();
    let openings = [TEXT, "The cat", "One day, a boy went to the park with his mother.", "x"];
    let mut requests: Vec<Request> = openings
        .iter()
        .zip([3, 40, 1, 25])
        .zip(1..)
        .map(|((text, max_tokens), seed)| Request {
            max_tokens,
            sampler: SamplerOptions { temperature: 0.9, seed, ..SamplerOptions::default() },
            reuses_prefix: false,
            ..Request::new(Prompt::Text((*text).to_owned()))
        })
        .collect();
    // One that reads only, one that can't be answered, one that its caller ends, one that ends at a text.
    requests.push(request(0));
    requests.push(Request::new(Prompt::Ids(vec![4096])));
    requests.push(request(30));
    requests.push(Request { stop: vec!["a".to_owned()], ..request(30) });

    let mut alone = InferenceEngine::new(&model, &options, &clock).unwrap();
    let want: Vec<Option<Generated>> = requests
        .iter()
        .enumerate()
        .map(|(i, request)| alone.generate(request, |token| flow(i, token)).ok())
        .collect();
    assert!(want.iter().flatten().any(|answer| answer.stop == Stop::Cancelled));
    for at_once in [1, 3, 8] {
        let mut engine = InferenceEngine::new(&model, &options, &clock).unwrap();
        run(&mut engine, &request(4));
        let kept = engine.sequence().to_vec();
        let mut came = vec![0; requests.len()];
        let answers = engine.generate_all(&requests, at_once, |i, token| {
            came[i] += 1;
            flow(i, token)
        });
        for (i, (answer, want)) in answers.into_iter().zip(&want).enumerate() {
            let Some(want) = want else {
                assert_eq!(answer.unwrap_err().kind(), ErrorKind::InvalidArgument);
                continue;
            };
            let answer = answer.unwrap();
            assert_eq!(answer.ids, want.ids, "request {i}, {at_once} at once");
            assert_eq!((&answer.text, &answer.stop), (&want.text, &want.stop));
            assert_eq!(came[i], answer.ids.len());
            let Metrics { steps_ns, decode_ns, total_ns, prefill_ns, .. } = &answer.metrics;
            assert_eq!(steps_ns.len(), answer.ids.len().saturating_sub(1));
            assert!(steps_ns.iter().sum::<u64>() <= decode_ns.unwrap_or(0));
            assert!(*prefill_ns > 0 && decode_ns.unwrap_or(0) <= *total_ns);
        }
        // The sequence of single requests is still there.
        assert_eq!((engine.sequence(), engine.session().len()), (&kept[..], kept.len()));
        assert!(run(&mut engine, &request(4)).metrics.reused_tokens > 0);
    }
}

/// The caller of request 6 has enough after the first full stop.
fn flow(request: usize, token: Token<'_>) -> ControlFlow<()> {
    let has_enough = request == 6 && token.text.contains('.');
    match token.logits {
        Logits::All(logits) => assert_eq!(logits.len(), 4096),
        Logits::Likeliest(likeliest) => {
            assert!(likeliest.iter().any(|likely| likely.id == token.id));
        }
    }
    if has_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
