//! Logits, greedy tokens and perplexities of `stories` against files that another implementation dumped
//! (`tests/data/README.md` names it).

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{Activations, Model, Sampler, SamplerOptions, Session, SessionOptions, builtin};
use safetensors::SafeTensors;
use serde_json::Value;

const BOS: u32 = 0;
const EOS: u32 = 1;

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/stories/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&data(name)).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn options(activations: Activations) -> SessionOptions {
    SessionOptions { activations, ..SessionOptions::default() }
}

/// Logits behind every id, `[ids, n_vocab]`.
fn score(model: &Model, activations: Activations, ids: &[u32]) -> Vec<Vec<f32>> {
    let mut session = Session::new(model, &options(activations)).unwrap();
    let mut rows = Vec::new();
    session.score(ids, |_, logits| rows.push(logits.to_vec())).unwrap();
    rows
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (0..logits.len()).rev().max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
    u32::try_from(best).unwrap()
}

fn f32s(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
}

fn i32s(bytes: &[u8]) -> Vec<i32> {
    bytes.as_chunks::<4>().0.iter().map(|x| i32::from_le_bytes(*x)).collect()
}

#[test]
fn float_activations_give_the_reference_logits_within_2e_3() {
    let model = Model::builtin("stories").unwrap();
    let file = data("logits-float.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let prompts = json("prompts-float.json");
    let mut worst = 0.0_f32;
    for (i, prompt) in prompts["prompts"].as_array().unwrap().iter().enumerate() {
        let rows = score(&model, Activations::Float, &ids(&prompt["ids"]));
        let top_ids = i32s(tensors.tensor(&format!("{i}.top_ids")).unwrap().data());
        let top = f32s(tensors.tensor(&format!("{i}.top_logits")).unwrap().data());
        for (t, row) in rows.iter().enumerate() {
            let (top_ids, top) = (&top_ids[32 * t..32 * t + 32], &top[32 * t..32 * t + 32]);
            for (id, want) in top_ids.iter().zip(top) {
                worst = worst.max((row[usize::try_from(*id).unwrap()] - want).abs());
            }
            assert_eq!(i64::from(argmax(row)), i64::from(top_ids[0]), "prompt {i} position {t}");
        }
        if let Ok(full) = tensors.tensor(&format!("{i}.logits")) {
            for (got, want) in rows.concat().iter().zip(f32s(full.data())) {
                worst = worst.max((got - want).abs());
            }
        }
    }
    println!("largest difference of a logit: {worst:.2e}");
    assert!(worst < 2e-3, "largest difference of a logit: {worst}");
}

/// Teacher-forced over each prompt and its greedy continuation: positions, disagreements and their reference margins.
#[test]
fn int8_top_1_agrees_with_the_reference_wherever_its_margin_is_clear() {
    let model = Model::builtin("stories").unwrap();
    let file = data("logits-int8.safetensors");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let (mut positions, mut disagreements) = (0, Vec::new());
    for (i, prompt) in json("prompts-int8.json")["prompts"].as_array().unwrap().iter().enumerate() {
        let (prompt_ids, greedy) = (ids(&prompt["ids"]), ids(&prompt["greedy"]));
        let all = [prompt_ids.as_slice(), &greedy].concat();
        let rows = score(&model, Activations::Int8, &all[..all.len() - 1]);
        let top_ids = i32s(tensors.tensor(&format!("{i}.top_ids")).unwrap().data());
        let top = f32s(tensors.tensor(&format!("{i}.top_logits")).unwrap().data());
        let margins: Vec<f64> = serde_json::from_value(prompt["margins"].clone()).unwrap();
        for (t, row) in rows.iter().enumerate() {
            // Behind the prompt the reference's best is the next greedy token.
            let (want, margin) = match t.checked_sub(prompt_ids.len() - 1) {
                Some(step) => (greedy[step], margins[step]),
                None => {
                    let best = u32::try_from(top_ids[32 * t]).unwrap();
                    (best, f64::from(top[32 * t] - top[32 * t + 1]))
                }
            };
            positions += 1;
            if argmax(row) != want {
                disagreements.push((i, t, margin));
            }
        }
    }
    println!("{positions} positions, disagreements (prompt, position, margin): {disagreements:?}");
    assert!(positions > 600);
    assert!(disagreements.len() as f64 <= 0.002 * f64::from(positions), "{disagreements:?}");
    assert!(disagreements.iter().all(|(_, _, margin)| *margin <= 0.5), "{disagreements:?}");
}

/// Requirement: S5.
#[test]
fn greedy_tokens_are_the_references_but_for_near_ties() {
    let model = Model::builtin("stories").unwrap();
    let mut equal = 0;
    for (i, prompt) in json("prompts-int8.json")["prompts"].as_array().unwrap().iter().enumerate() {
        let want = ids(&prompt["greedy"]);
        let margins: Vec<f64> = serde_json::from_value(prompt["margins"].clone()).unwrap();
        let mut session = Session::new(&model, &options(Activations::Int8)).unwrap();
        let mut sampler =
            Sampler::new(SamplerOptions { temperature: 0.0, ..SamplerOptions::default() }).unwrap();
        let mut id = sampler.sample(session.prefill(&ids(&prompt["ids"])).unwrap()).unwrap();
        let mut parted = None;
        for step in 0..want.len() {
            if id != want[step] {
                parted = Some(step);
                break;
            }
            id = sampler.sample(session.step(id).unwrap()).unwrap();
        }
        match parted {
            None => equal += 1,
            Some(step) => {
                println!("prompt {i} parts at step {step}, margin {}", margins[step]);
                assert!(margins[step] < 0.05, "prompt {i} step {step} margin {}", margins[step]);
            }
        }
    }
    println!("{equal} of 8 prompts equal");
    assert!(equal >= 6, "{equal} of 8 prompts equal");
}

/// Negative log likelihood of `target`, in nats.
fn nll(logits: &[f32], target: u32) -> f64 {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|x| libm::exp(f64::from(*x) - max)).sum();
    max + libm::log(sum) - f64::from(logits[target as usize])
}

/// Sums over (all positions, the second half) of each window, and their counts.
fn windows(model: &Model, activations: Activations) -> [(f64, u32); 2] {
    let text = builtin::held_out();
    let mut all = vec![BOS];
    all.extend(model.tokenizer().unwrap().encode(text, false).unwrap());
    let mut sums = [(0.0, 0); 2];
    let mut session = Session::new(model, &options(activations)).unwrap();
    for window in all.as_chunks::<512>().0 {
        let mut window = *window;
        window[0] = BOS;
        session.rewind(0);
        session
            .score(&window[..511], |i, logits| {
                let loss = nll(logits, window[i + 1]);
                sums[0] = (sums[0].0 + loss, sums[0].1 + 1);
                // The last 255 predictions, as llama-perplexity counts.
                if i >= 256 {
                    sums[1] = (sums[1].0 + loss, sums[1].1 + 1);
                }
            })
            .unwrap();
    }
    sums
}

fn per_story(model: &Model, activations: Activations) -> (f64, u32) {
    let stories: Vec<String> = serde_json::from_value(json("heldout-stories.json")).unwrap();
    let mut session = Session::new(model, &options(activations)).unwrap();
    let mut total = (0.0, 0);
    for story in stories {
        let mut all = vec![BOS];
        all.extend(model.tokenizer().unwrap().encode(&story, false).unwrap());
        all.push(EOS);
        session.rewind(0);
        session
            .score(&all[..all.len() - 1], |i, logits| {
                total = (total.0 + nll(logits, all[i + 1]), total.1 + 1);
            })
            .unwrap();
    }
    total
}

/// Requirement: Q4.
#[test]
fn perplexity_is_the_references_in_all_three_protocols() {
    let model = Model::builtin("stories").unwrap();
    let reference = json("perplexity.json");
    for (activations, key, tolerance) in
        [(Activations::Int8, "int8", 1e-3), (Activations::Float, "float", 1e-5)]
    {
        let want = &reference[key];
        let [all, half] = windows(&model, activations);
        let mut protocols = vec![
            ("all positions", all, &want["windows"]["all_positions"]),
            ("second half", half, &want["windows"]["second_half"]),
        ];
        // The float run of the stories takes a minute and would say nothing that its windows don't.
        if activations == Activations::Int8 {
            protocols.push(("per story", per_story(&model, activations), &want["per_story"]));
        }
        for (name, (sum, n), want) in protocols {
            assert_eq!(u64::from(n), want["tokens"].as_u64().unwrap(), "{key} {name}: tokens");
            let (got, want) = ((sum / f64::from(n)).exp(), want["ppl"].as_f64().unwrap());
            println!("{key} {name}: nll {sum:.6}, perplexity {got:.6}, reference {want:.6}");
            assert!((got / want - 1.0).abs() < tolerance, "{key} {name}: {got} against {want}");
        }
    }
}
