//! A GPU beside the CPU: whether both give the same bits, and how fast the GPU is. One line for each thing that was tried.
//!
//! `gpu MODEL [KEY=VALUE ...]`: `stories`, `synthetic:NAME` (drawn anew, in a temporary file) or a GGUF file. Keys, with their defaults:
//! `device=cuda`, `score=256` tokens scored on both, `greedy=64` tokens generated on both behind each of `prompts=8`, `speed=1`, `context=128` positions
//! behind which decoding is timed, `steps=200`, `batch=16`, `prefill=512`, `probe=1`, `threads=` all, `kernels=` a folder for compiled kernels.

#![expect(clippy::print_stdout, reason = "a program")]
#![expect(clippy::disallowed_methods, reason = "it times the engine from outside")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::{collections::BTreeMap, error::Error, fs::File, path::Path, time::Instant};

use engine::{
    DeviceManager, Isa, Model, SequenceId, Session, SessionOptions,
    device::{Host, Needs, Selection},
    kernels::Kernels,
    synthetic::{SHAPES, Synthetic},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Plan {
    device: String,
    kernels: Option<std::path::PathBuf>,
    score: usize,
    greedy: usize,
    prompts: usize,
    speed: bool,
    probe: bool,
    context: usize,
    steps: usize,
    batch: usize,
    prefill: usize,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next().ok_or("expected: gpu MODEL [KEY=VALUE ...]")?;
    let mut given = BTreeMap::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or("expected KEY=VALUE")?;
        given.insert(key.to_owned(), value.to_owned());
    }
    let device = given.remove("device").unwrap_or_else(|| "cuda".to_owned());
    let kernels = given.remove("kernels").map(Into::into);
    let mut number = |key: &str, default: usize| -> Result<usize> {
        Ok(given.remove(key).map_or(Ok(default), |value| value.parse())?)
    };
    let threads = number("threads", std::thread::available_parallelism()?.get())?;
    let plan = Plan {
        device,
        kernels,
        score: number("score", 256)?,
        greedy: number("greedy", 64)?,
        prompts: number("prompts", 8)?,
        speed: number("speed", 1)? == 1,
        probe: number("probe", 1)? == 1,
        context: number("context", 128)?,
        steps: number("steps", 200)?,
        batch: number("batch", 16)?,
        prefill: number("prefill", 512)?,
    };
    if let Some(key) = given.keys().next() {
        return Err(format!("key {key} is unknown").into());
    }
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let model = open(&name, folder.path())?;
    println!("model {name}: {} bytes, there after {:.2} s", model.bytes().len(), seconds(start));
    let options = SessionOptions { threads, batch: 512, ..SessionOptions::default() };
    run(&model, &options, &plan)
}

fn open(name: &str, folder: &Path) -> Result<Model> {
    if let Some(name) = name.strip_prefix("synthetic:") {
        let shape = SHAPES.iter().find(|shape| shape.name == name).ok_or("shape")?;
        let path = folder.join("model.gguf");
        let threads = std::thread::available_parallelism()?.get();
        Synthetic::new(shape, 42)?.write(threads, &mut File::create(&path)?)?;
        return Ok(Model::map(&path)?);
    }
    match Model::builtin(name) {
        Ok(model) => Ok(model),
        Err(_) => Ok(Model::map(Path::new(name))?),
    }
}

fn seconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64()
}

fn session<'m>(
    model: &'m Model,
    options: &SessionOptions,
    plan: &Plan,
) -> Result<(Session<'m>, Selection)> {
    let host = Host {
        kernels: Kernels::of(Isa::best())?,
        name: "CPU".to_owned(),
        total_bytes: None,
        free_bytes: None,
        kernels_folder: plan.kernels.clone(),
        fault: None,
    };
    let needs = Needs::of(model, options, plan.context + plan.steps, plan.batch.max(1))?;
    let mut manager = DeviceManager::new(&host);
    Ok(manager.open(plan.device.parse()?, &needs, true, (model, options))?)
}

fn run(model: &Model, options: &SessionOptions, plan: &Plan) -> Result<()> {
    for what in ["first", "again"] {
        let start = Instant::now();
        let (mut session, selection) = session(model, options, plan)?;
        session.prefill(&[1])?;
        println!("open to first logits, {what}: {:.3} s", seconds(start));
        print!("{}", selection.explain());
    }
    let (mut gpu, _) = session(model, options, plan)?;
    let mut cpu = Session::new(model, options)?;
    score(&mut gpu, &mut cpu, model, plan.score)?;
    greedy(&mut gpu, &mut cpu, model, plan)?;
    several(&mut gpu, &mut cpu, model)?;
    if plan.speed {
        speed(&mut gpu, model, plan)?;
    }
    println!("use: {:?}", gpu.device_use());
    let probes = if plan.probe { gpu.probe_device(30)? } else { Vec::new() };
    let copy = probes.first().map_or(1.0, |probe| probe.bytes as f64 / middle(&probe.ns));
    for probe in &probes {
        let ns = middle(&probe.ns);
        let rate = probe.bytes as f64 / ns;
        println!(
            "device: {:<18} {:>9.1} us, {:>4} kernels, {:>7.1} us each, {:>8.1} MB, {:>6.0} GB/s, {:>5.1} % of a copy",
            probe.name,
            ns / 1e3,
            probe.launches,
            ns / 1e3 / probe.launches as f64,
            probe.bytes as f64 / 1e6,
            rate,
            100.0 * rate / copy
        );
    }
    Ok(())
}

/// Ids that depend on nothing.
#[expect(clippy::cast_possible_truncation, reason = "ids of a vocabulary")]
fn ids(model: &Model, n: usize, seed: usize) -> Vec<u32> {
    let n_vocab = model.config().n_vocab;
    (0..n).map(|i| ((i * 7919 + seed * 104_729 + 13) % n_vocab) as u32).collect()
}

#[derive(Default)]
struct Compared {
    rows: usize,
    equal: usize,
    top_1: usize,
    worst: f64,
    cosine: f64,
}

impl Compared {
    fn add(&mut self, a: &[f32], b: &[f32]) {
        let top = |x: &[f32]| x.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|x| x.0);
        let (mut ab, mut aa, mut bb, mut worst) = (0.0, 0.0, 0.0, 0.0_f64);
        for (a, b) in a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b))) {
            (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
            worst = worst.max((a - b).abs());
        }
        let cosine = ab / (aa * bb).sqrt();
        self.cosine = if self.rows == 0 { cosine } else { self.cosine.min(cosine) };
        self.rows += 1;
        self.equal += usize::from(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()));
        self.top_1 += usize::from(top(a) == top(b));
        self.worst = self.worst.max(worst);
    }

    fn print(&self, what: &str) {
        let Self { rows, equal, top_1, worst, cosine } = self;
        println!(
            "{what}: {rows} rows of logits, {equal} with the same bits, {top_1} with the same largest; worst difference {worst:.2e}, least cosine {cosine:.9}"
        );
    }
}

fn score(gpu: &mut Session<'_>, cpu: &mut Session<'_>, model: &Model, n: usize) -> Result<()> {
    let ids = ids(model, n, 1);
    let mut compared = Compared::default();
    let mut theirs = Vec::new();
    let start = Instant::now();
    gpu.score(&ids, |_, logits| theirs.push(logits.to_vec()))?;
    let on_gpu = seconds(start);
    let start = Instant::now();
    cpu.score(&ids, |i, logits| compared.add(logits, &theirs[i]))?;
    compared.print("scored");
    println!("scored in {on_gpu:.3} s, on the CPU in {:.3} s", seconds(start));
    let mut again = Vec::new();
    gpu.rewind(0);
    gpu.score(&ids, |_, logits| again.push(logits.to_vec()))?;
    let same = again.iter().flatten().zip(theirs.iter().flatten());
    println!("scored again: same bits {}", same.clone().all(|(a, b)| a.to_bits() == b.to_bits()));
    gpu.rewind(0);
    cpu.rewind(0);
    Ok(())
}

fn greedy(gpu: &mut Session<'_>, cpu: &mut Session<'_>, model: &Model, plan: &Plan) -> Result<()> {
    let (mut same, mut bits, mut n) = (0, 0, 0);
    for prompt in 0..plan.prompts {
        let ids = ids(model, 5 + 9 * prompt, prompt);
        gpu.rewind(0);
        cpu.rewind(0);
        let (a, b) = (gpu.prefill(&ids)?, cpu.prefill(&ids)?);
        bits += usize::from(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()));
        let mut id = engine::sample::greedy(b)?;
        for _ in 0..plan.greedy {
            let (a, b) = (gpu.step_likeliest(id, 3)?.to_vec(), cpu.step_likeliest(id, 3)?.to_vec());
            same += usize::from(a == b);
            n += 1;
            id = b[0].id;
        }
    }
    println!(
        "greedy: {same} of {n} steps with the same three likeliest tokens; {bits} of {} prompts with the same bits",
        plan.prompts
    );
    gpu.rewind(0);
    cpu.rewind(0);
    Ok(())
}

/// Sequences of different lengths in one pass.
fn several(gpu: &mut Session<'_>, cpu: &mut Session<'_>, model: &Model) -> Result<()> {
    let mut compared = Compared::default();
    let mut joined = Vec::new();
    for i in 0..5 {
        let (a, b) = (gpu.join(), cpu.join());
        let ids = ids(model, 1 + 33 * i, 40 + i);
        gpu.prefill_into(a, &ids)?;
        cpu.prefill_into(b, &ids)?;
        joined.push((a, b));
    }
    let (a, b) = joined.remove(1);
    gpu.leave(a)?;
    cpu.leave(b)?;
    for step in 0..10_u32 {
        let rows = |of: fn(&(SequenceId, SequenceId)) -> SequenceId| -> Vec<(SequenceId, u32)> {
            joined.iter().zip(step..).map(|(pair, token)| (of(pair), token * 3 + 1)).collect()
        };
        let (a, b) = (rows(|pair| pair.0), rows(|pair| pair.1));
        compared.add(cpu.step_all(&b)?, gpu.step_all(&a)?);
    }
    compared.print("several sequences");
    for (a, b) in joined {
        gpu.leave(a)?;
        cpu.leave(b)?;
    }
    Ok(())
}

fn middle(ns: &[u64]) -> f64 {
    let mut ns = ns.to_vec();
    ns.sort_unstable();
    ns[ns.len() / 2] as f64
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn speed(gpu: &mut Session<'_>, model: &Model, plan: &Plan) -> Result<()> {
    gpu.rewind(0);
    gpu.prefill(&ids(model, plan.context, 3))?;
    let mut id = 1;
    let mut times = Vec::new();
    for _ in 0..plan.steps {
        let start = Instant::now();
        id = gpu.step_likeliest(id, 1)?[0].id;
        times.push(seconds(start));
    }
    let step = median(times);
    println!(
        "decode behind {}: {:.1} tokens/s, {:.1} us a token",
        plan.context,
        1.0 / step,
        1e6 * step
    );

    let mut times = Vec::new();
    for seed in 0..8 {
        gpu.rewind(0);
        let ids = ids(model, plan.prefill, seed);
        let start = Instant::now();
        gpu.prefill(&ids)?;
        times.push(seconds(start));
    }
    let pass = median(times);
    println!(
        "prefill of {}: {:.0} tokens/s, {:.2} ms",
        plan.prefill,
        plan.prefill as f64 / pass,
        1e3 * pass
    );

    let sequences: Vec<SequenceId> = (0..plan.batch).map(|_| gpu.join()).collect();
    for (i, sequence) in sequences.iter().enumerate() {
        gpu.prefill_into(*sequence, &ids(model, plan.context, i))?;
    }
    let mut rows: Vec<(SequenceId, u32)> = sequences.iter().map(|id| (*id, 1)).collect();
    let mut times = Vec::new();
    for _ in 0..plan.steps.min(60) {
        let start = Instant::now();
        let likeliest = gpu.step_all_likeliest(&rows, 1)?.to_vec();
        times.push(seconds(start));
        rows.iter_mut().zip(likeliest).for_each(|(row, likely)| row.1 = likely.id);
    }
    let step = median(times);
    println!(
        "batch of {}: {:.0} tokens/s, {:.2} ms a step",
        plan.batch,
        plan.batch as f64 / step,
        1e3 * step
    );
    Ok(())
}
