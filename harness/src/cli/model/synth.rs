//! `bench model synth`: a model with random weights in the exact shape of a public one, in the cache or in a file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use engine::synthetic::{SHAPES, Shape, Synthetic};
use serde_json::json;

use super::Context;
use crate::{
    cli::{Format, print, table},
    files,
    subject::synthetic::{self, DEFAULT_SEED, Found, PREFIX},
};

/// Options of `bench model synth`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["name", "list"])))]
pub(crate) struct Args {
    /// The shape: bitnet-2b-4t, bitnet-3b, falcon3-1b-1.58, llama3-8b-1.58 or tiny; a seed may follow, `NAME@SEED`.
    name: Option<String>,

    /// Print all shapes.
    #[arg(long)]
    list: bool,

    /// Seed of the weights [default: 42].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// File to write [default: one in the cache, which `--model synthetic:NAME` uses].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Hash a file that is there, whatever is noted beside it, and hold it against the model drawn again.
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    sizes: Sizes,
}

/// Sizes of `tiny`, which need a file of their own.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Sizes of `tiny`, with --out")]
struct Sizes {
    /// Transformer blocks [default: 2].
    #[arg(long, value_name = "N", requires = "out")]
    layers: Option<u32>,

    /// Width of the residual stream, a multiple of 128 [default: 256].
    #[arg(long, value_name = "N", requires = "out")]
    embd: Option<u32>,

    /// Width of the feed-forward layer, a multiple of 128 [default: 512].
    #[arg(long, value_name = "N", requires = "out")]
    ff: Option<u32>,

    /// Query heads [default: 4].
    #[arg(long, value_name = "N", requires = "out")]
    heads: Option<u32>,

    /// Key/value heads [default: 2].
    #[arg(long, value_name = "N", requires = "out")]
    kv_heads: Option<u32>,

    /// Tokens [default: 512].
    #[arg(long, value_name = "N", requires = "out")]
    vocab: Option<u32>,

    /// Longest sequence [default: 512].
    #[arg(long, value_name = "N", requires = "out")]
    ctx: Option<u32>,
}

pub(crate) fn run(args: &Args, context: &Context<'_>) -> Result<u8> {
    let Some(name) = &args.name else {
        print(&list(context.format))?;
        return Ok(0);
    };
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    let failed = "failed to make a synthetic model";
    let (shape, seed) = synthetic::parse(name).context(failed)?;
    ensure!(
        seed.is_none() || args.seed.is_none(),
        "{failed}: expected one seed, found one in `{name}` and `--seed`"
    );
    let seed = seed.or(args.seed).unwrap_or(DEFAULT_SEED);
    let start = context.clock.now_ns();
    let found = match &args.out {
        None => synthetic::entry(shape, seed).and_then(|entry| entry.ready(args.check)),
        Some(out) => args.sizes.of(shape).and_then(|shape| to_file(out, &shape, seed, args.check)),
    };
    let found = found.context(failed)?;
    let elapsed_ns = context.clock.now_ns() - start;
    let name = match &args.out {
        None => synthetic::full_name(shape, seed),
        Some(out) => out.display().to_string(),
    };
    print(&match context.format {
        Format::Json => {
            let document = json!({
                "model": name,
                "shape": shape.name,
                "seed": seed,
                "path": found.path.display().to_string(),
                "file_bytes": found.file_bytes,
                "sha256": found.digest.to_string(),
                "state": found.how,
                "elapsed_ns": elapsed_ns,
            });
            format!("{document:#}\n")
        }
        Format::Human | Format::Md => text(&found, elapsed_ns),
    })?;
    Ok(0)
}

impl Sizes {
    /// The shape with these sizes.
    fn of(&self, shape: &Shape) -> Result<Shape> {
        let mut sized = shape.clone();
        for (given, size) in [
            (self.layers, &mut sized.n_layers),
            (self.embd, &mut sized.n_embd),
            (self.ff, &mut sized.n_ff),
            (self.heads, &mut sized.n_heads),
            (self.kv_heads, &mut sized.n_kv_heads),
            (self.vocab, &mut sized.n_vocab),
            (self.ctx, &mut sized.n_ctx),
        ] {
            *size = given.unwrap_or(*size);
        }
        if sized != *shape && shape.name != "tiny" {
            bail!(
                "expected sizes for `tiny` only, found some for `{}`, whose sizes are those of {}",
                shape.name,
                shape.about
            );
        }
        // One that can't be divided is refused with its name.
        sized.head_dim = sized.n_embd / sized.n_heads.max(1);
        Ok(sized)
    }
}

/// Writes the model to `out`, or with `check` holds what is there against it.
fn to_file(out: &Path, shape: &Shape, seed: u64, check: bool) -> Result<Found> {
    let model = Synthetic::new(shape, seed)?;
    let file_bytes = model.n_bytes();
    let digest = if check {
        let (_, found) = synthetic::digest_of(out)?;
        let expected = synthetic::drawn(&model)?;
        ensure!(
            found == expected,
            "`{}` is not synthetic model `{}` of seed {seed}: expected SHA-256 {expected}, found {found}; write it anew \
             without `--check`",
            out.display(),
            shape.name
        );
        found
    } else {
        files::check_writable(out)?;
        synthetic::write(out, &model)?
    };
    let how = if check { "checked" } else { "written" };
    Ok(Found { path: out.to_owned(), file_bytes, digest, how })
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn text(found: &Found, elapsed_ns: u64) -> String {
    let seconds = elapsed_ns as f64 / 1e9;
    let rate = match found.how {
        "written" => format!(", {:.0} MB/s", found.file_bytes as f64 / 1e6 / seconds.max(1e-9)),
        _ => String::new(),
    };
    format!(
        "path    {}\nbytes   {}\nsha256  {}\nstate   {}\ntime    {seconds:.3} s{rate}\n",
        found.path.display(),
        found.file_bytes,
        found.digest,
        found.how
    )
}

fn list(format: Format) -> String {
    let bytes =
        |shape: &Shape| Synthetic::new(shape, DEFAULT_SEED).map(|model| model.n_bytes()).ok();
    if format == Format::Json {
        let one = |shape: &Shape| {
            json!({
                "name": shape.name, "about": shape.about, "architecture": shape.architecture,
                "weights": shape.weights.format().name(), "n_layers": shape.n_layers, "n_embd": shape.n_embd,
                "n_ff": shape.n_ff, "n_heads": shape.n_heads, "n_kv_heads": shape.n_kv_heads,
                "head_dim": shape.head_dim, "n_vocab": shape.n_vocab, "n_ctx": shape.n_ctx,
                "file_bytes": bytes(shape),
            })
        };
        return format!("{:#}\n", json!(SHAPES.iter().map(one).collect::<Vec<_>>()));
    }
    let mut all = table::table(&["name", "weights", "bytes", "shape of"], 2..3);
    for shape in SHAPES {
        all.add_row([
            shape.name.to_owned(),
            shape.weights.format().name().to_owned(),
            bytes(shape).map_or_else(String::new, |bytes| bytes.to_string()),
            shape.about.to_owned(),
        ]);
    }
    table::text(&all)
}
