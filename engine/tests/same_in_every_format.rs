//! The built-in model converted to every ternary format: the same ids and the same bits of logits as from its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use engine::{
    Activations, Model, Sampler, SamplerOptions, Session, SessionOptions, convert, gguf::File,
    quant::FORMATS,
};

const PROMPTS: [&str; 3] = ["Once upon a time", "The little dog ran", "\"Look!\" said Mia"];
const TOKENS: usize = 48;

/// Greedy ids and the bits of the logits that chose them.
fn run(model: &Model, activations: Activations) -> Vec<(Vec<u32>, Vec<u32>)> {
    let options = SessionOptions { activations, ..SessionOptions::default() };
    let mut session = Session::new(model, &options).unwrap();
    let tokenizer = model.tokenizer().unwrap();
    let each = |prompt: &&str| {
        session.rewind(0);
        let mut sampler = Sampler::new(SamplerOptions::default()).unwrap();
        let (mut ids, mut bits) = (Vec::new(), Vec::new());
        let mut next = tokenizer.encode(prompt, true).unwrap();
        for _ in 0..TOKENS {
            let logits = session.prefill(&next).unwrap();
            bits.extend(logits.iter().map(|logit| logit.to_bits()));
            let id = sampler.sample(logits).unwrap();
            ids.push(id);
            next = vec![id];
        }
        (ids, bits)
    };
    PROMPTS.iter().map(each).collect()
}

/// Requirement: Q2, Q3.
#[test]
fn stories_says_the_same_in_every_ternary_format() {
    let model = Model::builtin("stories").unwrap();
    let file = File::parse(model.bytes().to_vec().into()).unwrap();
    let (int8, float) = (run(&model, Activations::Int8), run(&model, Activations::Float));
    assert_ne!(int8[0].1, float[0].1, "two arithmetics");
    let mut tried = Vec::new();
    for format in FORMATS.iter().filter(|format| format.ternary().is_some()) {
        let name = format.name();
        let converted = convert::ternary(&file, *format).unwrap();
        let n_kept = converted.warnings.len();
        let converted = Model::from_bytes(converted.bytes.into()).unwrap();
        let linears = converted.linears();
        let n = linears.iter().filter(|linear| linear.format == name).count();
        // Rows of 384 are no whole blocks of 256: of the seven kinds only the down projection, of 1024, has those.
        let expected = if name.starts_with("tq") { (1, 6 * 8) } else { (7, 0) };
        assert_eq!((n, n_kept), expected, "{name}");
        assert!(run(&converted, Activations::Int8) == int8, "{name}, int8");
        assert!(run(&converted, Activations::Float) == float, "{name}, float");
        tried.push(name);
    }
    assert_eq!(tried, ["i2_s", "tl1", "tl2", "tq1_0", "tq2_0"]);
}
