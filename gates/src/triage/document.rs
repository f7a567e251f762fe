//! `triage.json`: everything a triage says, with the digest of the bundle that it follows from. In: a triage and its bundle. Out:
//! the bytes, the same for the same bundle.

use baselines::{Digest, Evidence, RunRecord};
use serde::Serialize;

use super::{Attribution, Change, Hint, Part, ProductTime, Triage};
use crate::{
    gate::{self, Ordered},
    text,
};

/// Version of the document.
const VERSION: &str = "1.0";

#[derive(Serialize)]
struct Wire<'a> {
    schema: &'static str,
    version: &'static str,
    evidence: String,
    compared_with: String,
    base: Side<'a>,
    head: Side<'a>,
    confidence: f64,
    pairs: usize,
    pairs_left_out: usize,
    silent: bool,
    workloads: Vec<Workload<'a>>,
    products: Vec<Product<'a>>,
    hints: Vec<HintWire<'a>>,
    refusals: Vec<Ordered>,
}

#[derive(Serialize)]
struct Side<'a> {
    commit: Option<&'a str>,
    dirty: Option<bool>,
    binary: String,
    isa: Option<&'a str>,
    /// The line of an external command; left out of the engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

#[derive(Serialize)]
struct Workload<'a> {
    workload: &'a str,
    metric: &'a str,
    whole: ChangeWire,
    parts: Vec<PartWire<'a>>,
    kernels: Vec<KernelWire<'a>>,
    stamps: Option<StampsWire>,
}

#[derive(Serialize)]
struct ChangeWire {
    base_ns: f64,
    head_ns: f64,
    share_of_base: f64,
    low: f64,
    high: f64,
    sure: bool,
}

#[derive(Serialize)]
struct PartWire<'a> {
    span: &'a str,
    about: &'static str,
    base_kernels: &'a [String],
    head_kernels: &'a [String],
    change: ChangeWire,
    share_of_change: Option<f64>,
    growth_by_position: Option<ChangeWire>,
    evidence: &'a [String],
}

#[derive(Serialize)]
struct KernelWire<'a> {
    kernel: &'a str,
    change: ChangeWire,
}

#[derive(Serialize)]
struct StampsWire {
    stamps: f64,
    stamp_ns: f64,
    share_of_base: f64,
}

#[derive(Serialize)]
struct Product<'a> {
    workload: &'a str,
    rows: u64,
    cols: u64,
    tokens: u64,
    change: ChangeWire,
}

#[derive(Serialize)]
struct HintWire<'a> {
    kind: &'static str,
    text: &'a str,
    explains: bool,
}

impl Triage {
    /// The document's bytes.
    ///
    /// # Panics
    /// Never: every number in it is finite, or written as null.
    #[must_use]
    pub fn to_json(&self, evidence: &Evidence) -> Vec<u8> {
        let wire = Wire {
            schema: "tritgate.triage",
            version: VERSION,
            evidence: Digest::of(&evidence.to_json()).to_string(),
            compared_with: text::base(evidence),
            base: side(&evidence.base),
            head: side(&evidence.head),
            confidence: super::part::CONFIDENCE,
            pairs: self.n_pairs,
            pairs_left_out: self.n_disturbed,
            silent: self.is_silent(),
            workloads: self.workloads.iter().map(workload).collect(),
            products: self.products.iter().map(product).collect(),
            hints: self.hints.iter().map(hint).collect(),
            refusals: self.refusals.iter().map(gate::refusal).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&wire).expect("a document of texts and numbers");
        bytes.push(b'\n');
        bytes
    }
}

fn side(record: &RunRecord) -> Side<'_> {
    Side {
        commit: record.tool.commit.as_deref(),
        dirty: record.tool.dirty,
        binary: record.subject.binary.to_string(),
        isa: record.subject.engine().map(|engine| engine.settings.isa.as_str()),
        command: record.subject.command().map(|command| command.line.as_str()),
    }
}

fn change(change: &Change) -> ChangeWire {
    let Change { base_ns, head_ns, share, low, high } = *change;
    ChangeWire { base_ns, head_ns, share_of_base: share, low, high, sure: change.is_sure() }
}

fn workload(of: &Attribution) -> Workload<'_> {
    Workload {
        workload: &of.workload,
        metric: &of.metric,
        whole: change(&of.whole),
        parts: of.parts.iter().map(part).collect(),
        kernels: of
            .kernels
            .iter()
            .map(|(kernel, sum)| KernelWire { kernel, change: change(sum) })
            .collect(),
        stamps: of.overhead.map(|overhead| StampsWire {
            stamps: overhead.stamps,
            stamp_ns: overhead.stamp_ns,
            share_of_base: overhead.share,
        }),
    }
}

fn part(part: &Part) -> PartWire<'_> {
    PartWire {
        span: &part.name,
        about: part.about,
        base_kernels: &part.kernels[0],
        head_kernels: &part.kernels[1],
        change: change(&part.change),
        share_of_change: part.of_whole,
        growth_by_position: part.growth.as_ref().map(change),
        evidence: &part.evidence,
    }
}

fn product(product: &ProductTime) -> Product<'_> {
    let ProductTime { workload, rows, cols, tokens, .. } = product;
    Product { workload, rows: *rows, cols: *cols, tokens: *tokens, change: change(&product.change) }
}

fn hint(hint: &Hint) -> HintWire<'_> {
    HintWire { kind: hint.kind, text: &hint.text, explains: hint.explains }
}
