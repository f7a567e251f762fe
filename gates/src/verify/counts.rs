//! The dispatcher's counts are those that model, prompt, tokens and iterations imply.
//! In: a record. Out: a fault for every linear whose products, multiply-adds or bytes are others.

use baselines::{
    RunRecord,
    record::{Counts, Engine, Linear, Output, Process, WorkloadDef},
};

use super::{
    Check, Class, Fault, Rule, reads,
    screening::{is_screened, most_bytes},
    tokens::{GENERATING, n_sequences},
};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "counts",
    class: Class::Invalid,
    demand: "Products, multiply-adds and bytes of every linear follow from the model, the tokens and the iterations.",
    way_out: "run the session again; other counts mean that other work was timed",
    check: Check::Record(check),
};

/// What one iteration does: prefills of the whole prompt (0 where the counters start behind it), then steps of one token, or
/// of one for each sequence of a batch. The last sampled token may or may not be fed back, hence a step more or less.
#[derive(Clone, Copy)]
struct Passes {
    prefills: u64,
    steps: u64,
    /// Tokens of a step, which share its reads.
    rows: u64,
}

impl Passes {
    fn of(workload: &WorkloadDef, n_generated: u64) -> Vec<Self> {
        let last = n_generated.saturating_sub(1);
        let after_prefill = |steps| Self { prefills: 1, steps, rows: 1 };
        let rows = n_sequences(workload);
        match workload.kind.as_str() {
            "batch" => vec![Self { prefills: 0, steps: n_generated / rows, rows }],
            "decode" => vec![
                Self { prefills: 0, steps: n_generated, rows: 1 },
                after_prefill(last),
                after_prefill(n_generated),
            ],
            _ => vec![after_prefill(last), after_prefill(n_generated)],
        }
    }

    /// Tokens of one iteration that `linear` multiplies.
    fn tokens(self, linear: &Linear, output: &Output) -> u64 {
        let prompt = if linear.once_per_sequence { 1 } else { output.n_prompt };
        let stepped = self.steps.saturating_mul(self.rows);
        self.prefills.saturating_mul(prompt).saturating_add(stepped)
    }

    /// Times in one iteration that its weights are read.
    fn reads(self, linear: &Linear, output: &Output, batch: u64) -> u64 {
        let prompt =
            if linear.once_per_sequence { 1 } else { output.n_prompt.div_ceil(batch.max(1)) };
        self.prefills.saturating_mul(prompt).saturating_add(self.steps)
    }

    /// Those of them that a screened head can have had a part in: a prefill asks for all logits, and so does a batch.
    const fn screened(self) -> u64 {
        if self.rows == 1 { self.steps } else { 0 }
    }

    /// Those that served one token, as packed weights do: steps, and what is left of a prompt behind whole batches.
    const fn of_one_token(self, output: &Output, batch: u64) -> u64 {
        let alone = match batch {
            0 | 1 => output.n_prompt,
            _ => (output.n_prompt % batch == 1) as u64,
        };
        self.screened().saturating_add(self.prefills.saturating_mul(alone))
    }
}

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let Some(engine) = record.subject.engine() else { return Vec::new() };
    let mut faults = Vec::new();
    for process in &record.processes {
        for workload in &record.suite.workloads {
            if GENERATING.contains(&workload.kind.as_str()) {
                check_generating(engine, process, workload, &mut faults);
            } else if workload.kind == "matmul" {
                check_matmul(engine, process, workload, &mut faults);
            }
        }
        for (place, counts) in process.counts.iter().enumerate() {
            faults.extend(check_one(engine, process, counts, &process.counts[..place]));
        }
    }
    faults
}

/// Known linear, given once; multiply-adds are products × rows × cols; no product reads more than the linear's bytes, or, of a
/// screened head, than all three looks at every row.
fn check_one(
    engine: &Engine,
    process: &Process,
    counts: &Counts,
    before: &[Counts],
) -> Option<Fault> {
    let field = field(process, counts);
    let twice = before
        .iter()
        .any(|other| (&other.workload, &other.linear) == (&counts.workload, &counts.linear));
    let Some(linear) =
        engine.model.linears.iter().find(|linear| linear.name == counts.linear && !twice)
    else {
        return Some(Fault::new(field, "a linear of the model, once", counts.linear.clone()));
    };
    let products = u128::from(counts.products);
    let macs = products.saturating_mul(u128::from(linear.rows)).saturating_mul(linear.cols.into());
    if u128::from(counts.macs) != macs {
        return Some(Fault::new(
            format!("{field}.macs"),
            macs.to_string(),
            counts.macs.to_string(),
        ));
    }
    let each = if is_screened(&counts.kernel) { most_bytes(linear) } else { linear.bytes };
    let most = products * u128::from(each);
    (u128::from(counts.bytes) > most).then(|| {
        Fault::new(format!("{field}.bytes"), format!("at most {most}"), counts.bytes.to_string())
    })
}

fn check_generating(
    engine: &Engine,
    process: &Process,
    workload: &WorkloadDef,
    faults: &mut Vec<Fault>,
) {
    let Some(output) = process.outputs.iter().find(|output| output.workload == workload.name)
    else {
        return;
    };
    let ways = Passes::of(workload, output.n_generated);
    let found: Vec<Vec<Fault>> =
        ways.iter().map(|passes| faults_of(engine, process, workload, output, *passes)).collect();
    // One way must explain every linear; if none does, the one with the fewest contradictions is the clearest text.
    faults.extend(found.into_iter().min_by_key(Vec::len).unwrap_or_default());
}

fn faults_of(
    engine: &Engine,
    process: &Process,
    workload: &WorkloadDef,
    output: &Output,
    passes: Passes,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for linear in &engine.model.linears {
        let Some(counts) = find(process, workload, linear) else {
            let field =
                format!("process {} counts[{}/{}]", process.order, workload.name, linear.name);
            faults.push(Fault::new(field, "products", "no count"));
            continue;
        };
        let products = u128::from(linear.n)
            .saturating_mul(u128::from(passes.tokens(linear, output)))
            .saturating_mul(u128::from(output.iterations));
        if u128::from(counts.products) != products {
            let field = format!("{}.products", field(process, counts));
            faults.push(Fault::new(field, products.to_string(), counts.products.to_string()));
        }
        let reads = passes.reads(linear, output, engine.settings.batch);
        let lighter = match &counts.kernel {
            kernel if is_screened(kernel) => passes.screened(),
            kernel if reads::is_packed(kernel) && !linear.once_per_sequence => {
                passes.of_one_token(output, engine.settings.batch)
            }
            _ => 0,
        };
        let of_all = |reads: u64| {
            u128::from(linear.n)
                .saturating_mul(u128::from(reads))
                .saturating_mul(u128::from(output.iterations))
        };
        let of_lighter =
            of_all(lighter).saturating_mul(reads::least(&counts.kernel, linear).into());
        let least = whole_bytes(linear, of_all(reads - lighter)).saturating_add(of_lighter);
        faults.extend(too_few_bytes(process, counts, least));
    }
    faults
}

/// The linears of one layer, each the same number of times, at least once a sample.
fn check_matmul(
    engine: &Engine,
    process: &Process,
    workload: &WorkloadDef,
    faults: &mut Vec<Fault>,
) {
    let samples = process
        .series
        .iter()
        .filter(|series| series.workload == workload.name)
        .map(|series| series.samples.len());
    let least = samples.max().unwrap_or(0) as u64;
    let mut all = Vec::new();
    for linear in engine.model.linears.iter().filter(|linear| !linear.once_per_sequence) {
        let Some(counts) = find(process, workload, linear) else {
            let field =
                format!("process {} counts[{}/{}]", process.order, workload.name, linear.name);
            faults.push(Fault::new(field, format!("at least {least} products"), "no count"));
            continue;
        };
        all.push(counts.products);
        let bytes = whole_bytes(linear, u128::from(counts.products));
        faults.extend(too_few_bytes(process, counts, bytes));
        if counts.products < least || counts.products != all[0] {
            let expected = format!("at least {least} products, as many as of the others");
            faults.push(Fault::new(field(process, counts), expected, counts.products.to_string()));
        }
    }
}

/// So many reads of all weights: they may be stored a little denser than in the file (scales, padding), never by a tenth.
fn whole_bytes(linear: &Linear, reads: u128) -> u128 {
    reads.saturating_mul(u128::from(linear.bytes)) / 10 * 9
}

fn too_few_bytes(process: &Process, counts: &Counts, least: u128) -> Option<Fault> {
    let field = || format!("{}.bytes", field(process, counts));
    (u128::from(counts.bytes) < least)
        .then(|| Fault::new(field(), format!("at least {least}"), counts.bytes.to_string()))
}

fn find<'a>(process: &'a Process, workload: &WorkloadDef, linear: &Linear) -> Option<&'a Counts> {
    process
        .counts
        .iter()
        .find(|counts| counts.workload == workload.name && counts.linear == linear.name)
}

fn field(process: &Process, counts: &Counts) -> String {
    format!("process {} counts[{}/{}]", process.order, counts.workload, counts.linear)
}

#[cfg(test)]
mod tests {
    use baselines::record::{Ids, StopReason};

    use super::*;

    /// Three sequences of four steps behind prompts that were not counted: twelve products share four reads.
    #[test]
    fn a_step_of_a_batch_reads_the_weights_once_for_all_of_its_sequences() {
        let params = [("sequences", 3), ("prompt_tokens", 5), ("tokens", 4)];
        let params = params.map(|(name, value)| (name.to_owned(), value)).into();
        let workload = WorkloadDef { name: "b".to_owned(), kind: "batch".to_owned(), params };
        let ids = Ids { workload: "b".to_owned(), prompt: vec![1; 15], generated: vec![2; 12] };
        let output = Output {
            workload: "b".to_owned(),
            prompt_ids_digest: baselines::Digest::of_ids(&ids.prompt),
            n_prompt: 15,
            n_generated: 12,
            output_ids_digest: baselines::Digest::of_ids(&ids.generated),
            logits_digest: baselines::Digest::of(b""),
            iterations: 1,
            stop: StopReason::Length,
        };
        for once_per_sequence in [false, true] {
            let linear = Linear {
                name: "attn_q".to_owned(),
                rows: 2,
                cols: 2,
                format: "i2_s".to_owned(),
                n: 1,
                bytes: 1,
                once_per_sequence,
            };
            let ways = Passes::of(&workload, output.n_generated);
            let [passes] = ways[..] else { panic!("one way, found {}", ways.len()) };
            assert_eq!(passes.tokens(&linear, &output), 12);
            assert_eq!(passes.reads(&linear, &output, 128), 4);
            assert_eq!(passes.of_one_token(&output, 128), 0, "three tokens share each");
        }
        // Three steps behind a prompt in batches, whose last may be one token.
        let passes = Passes { prefills: 1, steps: 3, rows: 1 };
        for (n_prompt, batch, want) in
            [(15, 128, 3), (129, 128, 4), (257, 256, 4), (1, 9, 4), (15, 1, 18)]
        {
            let output = Output { n_prompt, ..output.clone() };
            assert_eq!(passes.of_one_token(&output, batch), want, "{n_prompt} by {batch}");
        }
    }
}
