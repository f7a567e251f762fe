//! Tokens a second of one model, as other engines state them: reading a prompt, generating behind a context, generating for
//! several sequences at once; beside what the machine does meanwhile. One line of JSON for each repetition of each, and one of
//! the machine before and after each of them.
//!
//! `rates MODEL [KEY=VALUE ...]`: `stories`, `synthetic:NAME` (drawn anew, in a temporary file) or a GGUF file. A synthetic model may have
//! other sizes than its name says: `synthetic:NAME,layers=2,width=256,ff=512,heads=4,kv_heads=2`. Keys, with their defaults:
//! `prefill=512` tokens read, `decode=128` tokens generated behind `context=0` others, `batch=0` sequences that generate
//! `decode` tokens each at once, `threads=2`, `isa=` the best, `kv=f32`, `head=auto`, `repeat=1`. Every timed step is
//! greedy; `check=1` holds each token against all logits, untimed, `mapped=1` leaves a file where it is. Weights are counted once for each pass, keys and values
//! once for each token.

#![expect(clippy::print_stdout, reason = "a program")]
#![expect(clippy::disallowed_methods, reason = "it times the engine from outside")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]

use std::{collections::BTreeMap, error::Error, fs::File, path::Path, time::Instant};

use engine::{
    Head, HugePages, Model, Pool, SequenceId, Session, SessionOptions, probe,
    sample::greedy,
    synthetic::{SHAPES, Synthetic},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next().ok_or("expected: rates MODEL [KEY=VALUE ...]")?;
    let mut given = BTreeMap::new();
    for arg in args {
        let (key, value) = arg.split_once('=').ok_or("expected KEY=VALUE")?;
        given.insert(key.to_owned(), value.to_owned());
    }
    let mut number = |key: &str, default: usize| -> Result<usize> {
        Ok(given.remove(key).map_or(Ok(default), |value| value.parse())?)
    };
    let mut options =
        SessionOptions { threads: number("threads", 2)?, ..SessionOptions::default() };
    let plan = Plan {
        prefill: number("prefill", 512)?,
        decode: number("decode", 128)?,
        context: number("context", 0)?,
        batch: number("batch", 0)?,
        checks: number("check", 0)? == 1,
    };
    let repeat = number("repeat", 1)?;
    let is_mapped = number("mapped", 0)? == 1;
    if let Some(isa) = given.remove("isa") {
        options.isa = isa.parse()?;
    }
    if let Some(kv) = given.remove("kv") {
        options.kv = kv.parse()?;
    }
    if let Some(head) = given.remove("head") {
        let known = [Head::Auto, Head::Screened, Head::Full];
        options.head = known.into_iter().find(|known| known.name() == head).ok_or("head")?;
    }
    if let Some(key) = given.keys().next() {
        return Err(format!("key {key} is unknown").into());
    }
    let probe = Probe::new(&options)?;
    let start = Instant::now();
    let model = open(&name, is_mapped)?;
    let session = Session::new(&model, &options)?;
    let ready_s = start.elapsed().as_secs_f64();
    let huge = model.huge_size().unwrap_or(0);
    println!("{{\"test\": \"ready\", \"s\": {ready_s:.4}, \"huge_bytes\": {huge}}}");
    probe.run(&options)?;
    let mut rates = Rates { model: &model, options: &options, session, probe, held: None };
    for _ in 0..repeat {
        rates.run(&plan)?;
    }
    Ok(())
}

fn open(name: &str, is_mapped: bool) -> Result<Model> {
    if name == "stories" {
        return Ok(Model::builtin(name)?);
    }
    let Some(shape) = name.strip_prefix("synthetic:") else {
        let path = Path::new(name);
        return Ok(if is_mapped { Model::map(path) } else { Model::open(path) }?);
    };
    let mut words = shape.split(',');
    let name = words.next().unwrap_or_default();
    let mut shape = SHAPES.iter().find(|known| known.name == name).ok_or("no such shape")?.clone();
    for word in words {
        let (key, value) = word.split_once('=').ok_or("expected KEY=VALUE behind a shape")?;
        let size = match key {
            "layers" => &mut shape.n_layers,
            "width" => &mut shape.n_embd,
            "ff" => &mut shape.n_ff,
            "heads" => &mut shape.n_heads,
            "kv_heads" => &mut shape.n_kv_heads,
            _ => return Err(format!("size {key} of a shape is unknown").into()),
        };
        *size = value.parse()?;
        shape.head_dim = shape.n_embd.checked_div(shape.n_heads).ok_or("a shape without heads")?;
    }
    // By way of a file, as models are opened: so its weights are copied as theirs are.
    let path = std::env::temp_dir().join(format!("rates-{}.gguf", std::process::id()));
    let written = File::create_new(&path).map_err(Into::into).and_then(|mut file| {
        Synthetic::new(&shape, 42)?.write(2, &mut file)?;
        Ok(Model::open(&path)?)
    });
    std::fs::remove_file(&path)?;
    written
}

/// What this machine reads from huge pages and multiplies in registers.
struct Probe {
    pool: Pool,
    bytes: HugePages,
}

impl Probe {
    fn new(options: &SessionOptions) -> Result<Self> {
        let mut bytes = HugePages::zeroed(512 << 20)?;
        bytes.fill(1);
        Ok(Self { pool: Pool::new(options.threads), bytes })
    }

    /// The best of four times each.
    fn run(&self, options: &SessionOptions) -> Result<()> {
        let (mut read, mut peak) = (0.0_f64, 0.0_f64);
        for _ in 0..4 {
            let start = Instant::now();
            std::hint::black_box(probe::read(&self.pool, options.isa, &self.bytes, 1)?);
            read = read.max(per_ns(self.bytes.len(), &start));
            let start = Instant::now();
            let (macs, sum) = probe::int8_peak(&self.pool, options.isa, 400_000)?;
            std::hint::black_box(sum);
            peak = peak.max(per_ns(usize::try_from(macs)?, &start));
        }
        println!(
            "{{\"test\": \"probe\", \"threads\": {}, \"isa\": \"{}\", \"gb_per_s\": {read:.1}, \"gmac_per_s\": {peak:.1}}}",
            options.threads, options.isa
        );
        Ok(())
    }
}

fn per_ns(n: usize, since: &Instant) -> f64 {
    n as f64 / since.elapsed().as_secs_f64() / 1e9
}

struct Plan {
    prefill: usize,
    decode: usize,
    context: usize,
    batch: usize,
    checks: bool,
}

struct Rates<'m> {
    model: &'m Model,
    options: &'m SessionOptions,
    session: Session<'m>,
    probe: Probe,
    /// A context that the first sequence starts with, and the token to go on with: it is read once.
    held: Option<(usize, u32)>,
}

impl Rates<'_> {
    fn run(&mut self, plan: &Plan) -> Result<()> {
        let Plan { prefill, decode, context, batch, checks } = *plan;
        if prefill > 0 {
            let ids = self.ids(prefill)?;
            self.session.rewind(0);
            self.held = None;
            self.session.reset_counters();
            let start = Instant::now();
            self.session.prefill(&ids)?;
            self.print("prefill", prefill, prefill, 0, start.elapsed().as_secs_f64());
            self.probe.run(self.options)?;
        }
        if decode > 0 {
            let (_, mut token) = match self.held.filter(|(held, _)| *held == context) {
                Some(held) => held,
                None => (context, self.read(SequenceId::FIRST, context)?),
            };
            self.held = Some((context, token));
            self.session.rewind(context);
            self.session.reset_counters();
            let mut s = 0.0;
            for _ in 0..decode {
                let start = Instant::now();
                token = self.session.step_likeliest(token, 1)?[0].id;
                s += start.elapsed().as_secs_f64();
                if checks {
                    assert_eq!(token, greedy(self.session.all_logits()?)?, "as all logits say");
                }
            }
            self.print("decode", decode, decode, context, s);
            self.probe.run(self.options)?;
        }
        if batch > 0 {
            let ids: Vec<SequenceId> = (0..batch).map(|_| self.session.join()).collect();
            let mut rows = Vec::new();
            for id in &ids {
                rows.push((*id, self.read(*id, context)?));
            }
            self.session.reset_counters();
            let start = Instant::now();
            for _ in 0..decode {
                let likeliest = self.session.step_all_likeliest(&rows, 1)?;
                for (row, likely) in rows.iter_mut().zip(likeliest) {
                    row.1 = likely.id;
                }
            }
            let s = start.elapsed().as_secs_f64();
            self.print("batch", batch * decode, decode, context, s);
            self.probe.run(self.options)?;
            for id in ids {
                self.session.leave(id)?;
            }
        }
        Ok(())
    }

    /// Reads a context into an empty sequence; the token to go on with.
    fn read(&mut self, sequence: SequenceId, context: usize) -> Result<u32> {
        self.session.rewind_of(sequence, 0)?;
        if context == 0 {
            return Ok(1);
        }
        let ids = self.ids(context)?;
        Ok(greedy(self.session.prefill_into(sequence, &ids)?)?)
    }

    fn ids(&self, n: usize) -> Result<Vec<u32>> {
        let n_vocab = u32::try_from(self.model.config().n_vocab)?;
        Ok((0..u32::try_from(n)?).map(|i| (7 + i * 7919) % n_vocab).collect())
    }

    fn print(&self, test: &str, n: usize, steps: usize, context: usize, s: f64) {
        let counts = self.session.counters();
        let config = self.model.config();
        // The mean length of a sequence while it grows, for keys and for values.
        let positions = context as f64 + (n as f64 / (n / steps) as f64 + 1.0) / 2.0;
        let kv = self
            .session
            .kv()
            .bytes(2 * config.n_layers * config.n_kv_heads * config.head_dim, config.head_dim);
        let kv_bytes = if test == "prefill" { 0.0 } else { positions * kv as f64 * n as f64 };
        let bytes = counts.iter().map(|count| count.bytes).sum::<u64>() as f64 + kv_bytes;
        let macs = counts.iter().map(|count| count.macs).sum::<u64>() as f64;
        let screening = self.session.screening();
        let rescored = screening.rescored as f64 / screening.rows.max(1) as f64;
        let refined = screening.refined as f64 / screening.rows.max(1) as f64;
        println!(
            "{{\"test\": \"{test}\", \"n\": {n}, \"context\": {context}, \"threads\": {}, \"isa\": \"{}\", \"kv\": \"{}\", \
             \"head\": \"{}\", \"s\": {s:.6}, \"tokens_per_s\": {:.2}, \"gb_per_s\": {:.1}, \"gmac_per_s\": {:.1}, \
             \"refined\": {refined:.6}, \"rescored\": {rescored:.6}}}",
            self.options.threads,
            self.options.isa,
            self.session.kv().name(),
            self.session.head_in_use().name(),
            n as f64 / s,
            bytes / s / 1e9,
            macs / s / 1e9,
        );
    }
}
