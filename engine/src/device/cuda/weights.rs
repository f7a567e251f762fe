//! The weights on the device: matrices as they lie in the mapped file, norms as floats, all in one piece of memory.

use cudarc::driver::{CudaSlice, DevicePtr as _};

use super::{
    driver::{Device, failed},
    launch::Ternary,
};
use crate::{
    Model,
    device::{Fault, Reason, ReasonKind},
    model::{Layer, Linear},
};

/// Where each part begins: what a load of 16 bytes needs, and whole lines of a cache.
const ALIGNMENT: usize = 256;

/// Weights of a group of I2_S, which lie in 32 bytes; rows have to be whole groups.
const GROUP: usize = 128;

/// One matrix of floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense {
    pub(super) at: u64,
    pub(super) is_half: bool,
    pub(super) scale: f32,
}

/// Addresses of one block's weights; 0 for a norm that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerWeights {
    pub(super) attn_norm: u64,
    pub(super) qkv: [Ternary; 3],
    pub(super) attn_sub_norm: u64,
    pub(super) attn_output: Ternary,
    pub(super) ffn_norm: u64,
    pub(super) gate_up: [Ternary; 2],
    pub(super) ffn_sub_norm: u64,
    pub(super) ffn_down: Ternary,
}

#[derive(Debug)]
pub(super) struct DeviceWeights {
    pub(super) layers: Vec<LayerWeights>,
    pub(super) output_norm: u64,
    pub(super) token_embd: Dense,
    pub(super) output: Dense,
    pub(super) n_bytes: usize,
    /// What the addresses point into.
    _memory: CudaSlice<u8>,
}

/// One part, before it has an address.
enum Part<'m> {
    Bytes(&'m [u8]),
    Floats(&'m [f32]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => size_of_val(*floats),
        }
    }
}

/// Parts with their offsets, one behind the other.
#[derive(Default)]
struct Plan<'m> {
    parts: Vec<(usize, Part<'m>)>,
    len: usize,
    /// The first part of each layer.
    layers: Vec<usize>,
}

impl<'m> Plan<'m> {
    fn add(&mut self, part: Part<'m>) -> u64 {
        let at = self.len;
        self.len = (at + part.len()).next_multiple_of(ALIGNMENT);
        self.parts.push((at, part));
        at as u64
    }

    fn norm(&mut self, weights: &'m [f32]) -> u64 {
        self.add(Part::Floats(weights))
    }
}

/// Why this model can't run there; `None` if it can.
pub(super) fn unsupported(model: &Model) -> Option<Reason> {
    let weights = model.weights();
    let refused = |what: &str, linear: &Linear, expected: &str| {
        let Linear { shape, format, .. } = linear;
        Some(Reason::new(
            ReasonKind::Unsupported,
            format!(
                "CUDA: {what}: expected {expected}, found {} of {} by {}",
                format.name(),
                shape.rows,
                shape.cols
            ),
        ))
    };
    for layer in &weights.layers {
        for linear in layer.linears() {
            if linear.format.name() != "i2_s" || !linear.shape.cols.is_multiple_of(GROUP) {
                return refused("a layer's matrix", linear, "i2_s with whole groups of 128");
            }
        }
    }
    for (what, linear) in [("embedding", &weights.token_embd), ("head", &weights.output)] {
        let is_known = ["f16", "f32"].contains(&linear.format.name());
        if !is_known || !linear.shape.cols.is_multiple_of(8) {
            return refused(what, linear, "f16 or f32 with whole rows of 8");
        }
    }
    None
}

impl DeviceWeights {
    /// Bytes that [`DeviceWeights::upload`] takes.
    pub(super) fn n_bytes(model: &Model) -> usize {
        Self::plan(model).0.len
    }

    pub(super) fn upload(
        device: &Device,
        model: &Model,
        fault: Option<Fault>,
    ) -> Result<Self, Reason> {
        let (plan, mut weights) = Self::plan(model);
        let mut memory = device.alloc::<u8>("weights", plan.len)?;
        for (i, (at, part)) in plan.parts.iter().enumerate() {
            if let Some(Fault::OutOfMemoryAtLayer(layer)) = fault
                && plan.layers.get(layer) == Some(&i)
            {
                device.exhaust(&format!("weights of layer {layer}"))?;
            }
            let mut to = memory.slice_mut(*at..at + part.len());
            let copied = match part {
                Part::Bytes(bytes) => device.stream.memcpy_htod(*bytes, &mut to),
                Part::Floats(floats) => {
                    let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
                    device.stream.memcpy_htod(&bytes, &mut to)
                }
            };
            copied.map_err(failed("weights"))?;
        }
        device.wait("weights")?;
        let base = memory.device_ptr(&device.stream).0;
        let norm = |at: &mut u64| *at = if *at == NONE { 0 } else { *at + base };
        for layer in &mut weights.layers {
            let LayerWeights { qkv, attn_output, gate_up, ffn_down, .. } = layer;
            for ternary in qkv.iter_mut().chain(gate_up).chain([attn_output, ffn_down]) {
                ternary.codes += base;
            }
            for at in [
                &mut layer.attn_norm,
                &mut layer.attn_sub_norm,
                &mut layer.ffn_norm,
                &mut layer.ffn_sub_norm,
            ] {
                norm(at);
            }
        }
        norm(&mut weights.output_norm);
        weights.token_embd.at += base;
        weights.output.at += base;
        Ok(Self {
            layers: weights.layers,
            output_norm: weights.output_norm,
            token_embd: weights.token_embd,
            output: weights.output,
            n_bytes: plan.len,
            _memory: memory,
        })
    }

    /// All parts, and the weights with offsets in place of addresses.
    fn plan(model: &Model) -> (Plan<'_>, Offsets) {
        let (bytes, weights) = (model.bytes(), model.weights());
        let mut plan = Plan::default();
        let ternary = |plan: &mut Plan<'_>, linear: &Linear| Ternary {
            codes: plan.len as u64,
            scale: linear.scale,
            rows: i32::try_from(linear.shape.rows).unwrap_or(i32::MAX),
        };
        let mut layers = Vec::with_capacity(weights.layers.len());
        for layer in &weights.layers {
            plan.layers.push(plan.parts.len());
            let Layer { attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down, .. } =
                layer;
            let mut matrix = |linear: &Linear| {
                let ternary = ternary(&mut plan, linear);
                // Without the scale and what fills the tensor up behind the codes.
                let n_codes = linear.shape.rows * linear.shape.cols / 4;
                plan.add(Part::Bytes(&bytes[linear.range.clone()][..n_codes]));
                ternary
            };
            let qkv = [attn_q, attn_k, attn_v].map(&mut matrix);
            let (attn_output, ffn_down) = (matrix(attn_output), matrix(ffn_down));
            let gate_up = [ffn_gate, ffn_up].map(&mut matrix);
            layers.push(LayerWeights {
                attn_norm: plan.norm(&layer.attn_norm),
                qkv,
                attn_sub_norm: layer.attn_sub_norm.as_ref().map_or(NONE, |norm| plan.norm(norm)),
                attn_output,
                ffn_norm: plan.norm(&layer.ffn_norm),
                gate_up,
                ffn_sub_norm: layer.ffn_sub_norm.as_ref().map_or(NONE, |norm| plan.norm(norm)),
                ffn_down,
            });
        }
        let output_norm = plan.norm(&weights.output_norm);
        let dense = |plan: &mut Plan<'_>, linear: &Linear| Dense {
            at: plan.len as u64,
            is_half: linear.format.name() == "f16",
            scale: linear.scale,
        };
        let (table, head) = (&weights.token_embd, &weights.output);
        let token_embd = dense(&mut plan, table);
        plan.add(Part::Bytes(&bytes[table.range.clone()]));
        let output = if head.range == table.range {
            Dense { scale: head.scale, ..token_embd }
        } else {
            let output = dense(&mut plan, head);
            plan.add(Part::Bytes(&bytes[head.range.clone()]));
            output
        };
        (plan, Offsets { layers, output_norm, token_embd, output })
    }
}

/// In place of the offset of a norm that is not there.
const NONE: u64 = u64::MAX;

struct Offsets {
    layers: Vec<LayerWeights>,
    output_norm: u64,
    token_embd: Dense,
    output: Dense,
}
