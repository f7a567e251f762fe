//! Passes on the device. One token is a graph that was captured once: what changes from step to step (token, place, position) lies in
//! memory of the device. Several tokens are launched kernel by kernel.

use std::{cell::RefCell, collections::HashMap, fmt, rc::Rc};

use cudarc::driver::{
    CudaGraph, CudaSlice, DevicePtr as _,
    sys::{CUgraphInstantiate_flags, CUstreamCaptureMode},
};

use super::{
    backend::Unit,
    cache::Cache,
    driver::{Device, Mailbox, failed},
    launch::{Codes, Found, Heads, Input, PARTS, Places, Ternary},
    probe,
    weights::DeviceWeights,
};
use crate::{
    device::{DeviceMemory, Executor, Fault, Probe, Reason, ReasonKind, Room, Row, Traffic},
    model::{Config, Gate, Rope},
    sample::likely::Likely,
};

/// Likeliest tokens that are looked for at most.
const MOST_LIKELIEST: usize = 64;
/// In place of an id where a logit is no number: that of `likeliest.cu`.
const NO_NUMBER: u32 = u32::MAX;
/// Word of the mailbox where likeliest tokens come; token, place and position are the first ones.
const FOUND_AT: usize = 3 * GRAPH_ROWS;
/// Sequences that step together in a graph at most.
const GRAPH_ROWS: usize = 64;
/// Positions that a graph's attention has room for at least; it is captured anew for twice as many.
const POSITIONS: usize = 256;

/// Kernels of the pass of one token: all of them, or those that are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Embed,
    Qkv,
    Attend,
    AttnOutput,
    GateUp,
    Down,
}

impl Part {
    pub(super) const ALL: [Self; 6] =
        [Self::Embed, Self::Qkv, Self::Attend, Self::AttnOutput, Self::GateUp, Self::Down];
}

/// A model on one device.
pub(super) struct Passes {
    pub(super) unit: Rc<Unit>,
    pub(super) weights: Rc<DeviceWeights>,
    pub(super) config: Config,
    cache: Cache,
    buffers: Buffers,
    /// A pass of one token for each of its sequences, which was asked for, and is computed with what is asked for next.
    pending: Vec<Row>,
    /// Borrowed for writing where a graph that writes it is captured.
    mailbox: RefCell<Mailbox>,
    /// By how many rows, how many likeliest tokens (0: the logits) and how many positions.
    graphs: HashMap<(usize, usize, usize), (CudaGraph, u64)>,
    positions_max: usize,
    traffic: Traffic,
    /// What is to go wrong, and how many passes there were.
    fault: Option<Fault>,
    n_passes: usize,
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passes")
            .field("unit", &self.unit)
            .field("pending", &self.pending)
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}

/// Memory of passes; each is `[tokens, width]`.
#[derive(Debug)]
struct Buffers {
    n_rows: usize,
    n_logits: usize,
    /// Tokens, places and positions of the pass, one behind the other.
    rows: CudaSlice<u32>,
    x: CudaSlice<f32>,
    qkv: CudaSlice<f32>,
    attention: CudaSlice<f32>,
    both: CudaSlice<f32>,
    gated: CudaSlice<f32>,
    codes: CudaSlice<i8>,
    /// A scale and a sum each.
    scales: CudaSlice<u64>,
    normed: CudaSlice<f32>,
    logits: CudaSlice<f32>,
    parts: CudaSlice<u64>,
    /// Ids of likeliest tokens, and the bits of their logits behind them.
    found: CudaSlice<u32>,
}

impl Buffers {
    fn new(
        device: &Device,
        config: &Config,
        n_rows: usize,
        n_logits: usize,
    ) -> Result<Self, Reason> {
        let (n_embd, n_ff, q) = (config.n_embd, config.n_ff, config.q_width());
        let widest = n_embd.max(n_ff).max(q);
        let alloc = |width: usize| device.alloc::<f32>("activations", n_rows * width);
        let n_found = n_logits * MOST_LIKELIEST;
        Ok(Self {
            n_rows,
            n_logits,
            rows: device.alloc("activations", 3 * n_rows)?,
            x: alloc(n_embd)?,
            qkv: alloc(q + 2 * config.kv_width())?,
            attention: alloc(q)?,
            both: alloc(2 * n_ff)?,
            gated: alloc(n_ff)?,
            codes: device.alloc("activations", n_rows * widest)?,
            scales: device.alloc("activations", n_rows)?,
            normed: device.alloc("activations", n_logits * n_embd)?,
            logits: device.alloc("logits", n_logits * config.n_vocab)?,
            parts: device.alloc("logits", n_found * PARTS)?,
            found: device.alloc("logits", 2 * n_found)?,
        })
    }

    fn n_bytes(&self) -> usize {
        let floats = [&self.x, &self.qkv, &self.attention, &self.both, &self.gated, &self.normed]
            .into_iter()
            .chain([&self.logits])
            .map(CudaSlice::num_bytes)
            .sum::<usize>();
        floats
            + self.codes.num_bytes()
            + self.scales.num_bytes()
            + self.parts.num_bytes()
            + self.found.num_bytes()
            + self.rows.num_bytes()
    }
}

impl Passes {
    pub(super) fn new(
        unit: Rc<Unit>,
        weights: Rc<DeviceWeights>,
        loaded: u64,
        config: &Config,
        cache: Cache,
        fault: Option<Fault>,
    ) -> Result<Self, Reason> {
        let Unit { device, kernels } = &*unit;
        Ok(Self {
            positions_max: kernels.positions_max(config.head_dim)?,
            buffers: Buffers::new(device, config, 1, 1)?,
            config: config.clone(),
            traffic: Traffic { to_device_bytes: loaded, ..Traffic::default() },
            pending: Vec::new(),
            mailbox: RefCell::new(Mailbox::new(
                device,
                FOUND_AT + 2 * GRAPH_ROWS * MOST_LIKELIEST,
            )?),
            graphs: HashMap::new(),
            unit,
            weights,
            cache,
            fault,
            n_passes: 0,
        })
    }

    fn at<T>(&self, slice: &CudaSlice<T>) -> u64 {
        slice.device_ptr(&self.unit.device.stream).0
    }

    fn places(&self, n_tokens: usize) -> Places {
        let at = self.at(&self.buffers.rows);
        let row = (n_tokens * size_of::<u32>()) as u64;
        Places { tokens: at, places: at + row, positions: at + 2 * row }
    }

    fn heads(&self, layer: usize) -> Heads {
        let config = &self.config;
        let ([cos, sin, tables], table_len) = self.cache.addresses();
        let int = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        #[expect(clippy::cast_precision_loss, reason = "head sizes are at most 1024")]
        let scale = 1.0 / (config.head_dim as f32).sqrt();
        Heads {
            n_heads: int(config.n_heads),
            n_kv_heads: int(config.n_kv_heads),
            head_dim: int(config.head_dim),
            interleaved: i32::from(config.rope == Rope::Interleaved),
            layer: int(layer),
            scale,
            cos,
            sin,
            tables,
            table_len: int(table_len),
        }
    }

    /// Tells the device where these rows go.
    fn send(&mut self, rows: &[Row]) -> Result<(), Reason> {
        let sent = words_of(rows);
        self.traffic.to_device_bytes += size_of_val(&sent[..]) as u64;
        let copied = self.unit.device.stream.memcpy_htod(&sent, &mut self.buffers.rows);
        copied.map_err(failed("tokens"))
    }

    /// The graph of the pass of one token, to its residual stream. Out: how many kernels that were.
    pub(super) fn one(&self, longest: usize, parts: &[Part]) -> Result<u64, Reason> {
        let (config, kernels, weights, b) =
            (&self.config, &self.unit.kernels, &self.weights, &self.buffers);
        let (x, qkv, attention) = (self.at(&b.x), self.at(&b.qkv), self.at(&b.attention));
        let (gated, places) = (self.at(&b.gated), self.places(1));
        let eps = config.rms_eps;
        let silu = config.gate == Gate::Silu;
        let has = |part| parts.contains(&part);
        if has(Part::Embed) {
            kernels.embed(&weights.token_embd, &places, 1, config.n_embd, x)?;
        }
        for (i, layer) in weights.layers.iter().enumerate() {
            let input = |at, norm, cols| Input { at, norm, eps, cols };
            let normed = input(x, layer.attn_norm, config.n_embd);
            if has(Part::Qkv) {
                kernels.ternary_one(layer.qkv, &normed, qkv)?;
            }
            if has(Part::Attend) {
                kernels.attend_one(&self.heads(i), qkv, &places, longest, attention)?;
            }
            let attended = input(attention, layer.attn_sub_norm, config.q_width());
            if has(Part::AttnOutput) {
                kernels.ternary_one_add(layer.attn_output, &attended, x)?;
            }
            let normed = input(x, layer.ffn_norm, config.n_embd);
            if has(Part::GateUp) {
                kernels.ternary_one_gate(layer.gate_up, &normed, silu, gated)?;
            }
            let gated = input(gated, layer.ffn_sub_norm, config.n_ff);
            if has(Part::Down) {
                kernels.ternary_one_add(layer.ffn_down, &gated, x)?;
            }
        }
        let in_layers = parts.iter().filter(|part| **part != Part::Embed).count();
        Ok(u64::from(has(Part::Embed)) + (in_layers * weights.layers.len()) as u64)
    }

    /// The same of several tokens: how many, positions of the longest, and whether they are a prompt, one behind the other in a sequence.
    pub(super) fn several(
        &self,
        size: (usize, usize, bool),
        parts: &[Part],
    ) -> Result<u64, Reason> {
        let (config, kernels, weights, b) =
            (&self.config, &self.unit.kernels, &self.weights, &self.buffers);
        let (x, qkv, attention) = (self.at(&b.x), self.at(&b.qkv), self.at(&b.attention));
        let n_tokens = size.0;
        let (both, gated, places) = (self.at(&b.both), self.at(&b.gated), self.places(n_tokens));
        let eps = config.rms_eps;
        let silu = config.gate == Gate::Silu;
        let (q, n_ff) = (config.q_width(), config.n_ff);
        let stride = q + 2 * config.kv_width();
        let quantized = |at, norm, cols| {
            let codes =
                Codes { codes: self.at(&b.codes), scales: self.at(&b.scales), n_tokens, cols };
            kernels.quantize(&Input { at, norm, eps, cols }, cols, 0, &codes)?;
            Ok::<_, Reason>(codes)
        };
        let none = Ternary::default();
        let has = |part| parts.contains(&part);
        if has(Part::Embed) {
            kernels.embed(&weights.token_embd, &places, n_tokens, config.n_embd, x)?;
        }
        for (i, layer) in weights.layers.iter().enumerate() {
            let heads = self.heads(i);
            if has(Part::Qkv) {
                let codes = quantized(x, layer.attn_norm, config.n_embd)?;
                kernels.ternary_many(layer.qkv, &codes, qkv, stride)?;
            }
            if has(Part::Attend) {
                kernels.store(&heads, qkv, &places, n_tokens)?;
                kernels.attend(&heads, qkv, &places, size, attention)?;
            }
            if has(Part::AttnOutput) {
                let codes = quantized(attention, layer.attn_sub_norm, q)?;
                kernels.ternary_many_add(layer.attn_output, &codes, x)?;
            }
            if has(Part::GateUp) {
                let codes = quantized(x, layer.ffn_norm, config.n_embd)?;
                let [gate, up] = layer.gate_up;
                kernels.ternary_many([gate, up, none], &codes, both, 2 * n_ff)?;
                kernels.gate(both, n_ff, n_tokens, silu, gated)?;
            }
            if has(Part::Down) {
                let codes = quantized(gated, layer.ffn_sub_norm, n_ff)?;
                kernels.ternary_many_add(layer.ffn_down, &codes, x)?;
            }
        }
        let in_layer: u64 = parts
            .iter()
            .map(|part| match part {
                Part::Embed => 0,
                Part::Qkv | Part::Attend | Part::AttnOutput | Part::Down => 2,
                Part::GateUp => 3,
            })
            .sum();
        Ok(u64::from(has(Part::Embed)) + in_layer * weights.layers.len() as u64)
    }

    /// Logits of rows of the residual stream.
    pub(super) fn head(&self, first: usize, n: usize) -> Result<u64, Reason> {
        let (config, b) = (&self.config, &self.buffers);
        let at = self.at(&b.x) + (first * config.n_embd * size_of::<f32>()) as u64;
        let (norm, eps, cols) = (self.weights.output_norm, config.rms_eps, config.n_embd);
        let codes = Codes { codes: 0, scales: 0, n_tokens: n, cols };
        let normed = self.at(&b.normed);
        self.unit.kernels.quantize(&Input { at, norm, eps, cols }, cols, normed, &codes)?;
        let shape = (cols, config.n_vocab);
        self.unit.kernels.head(&self.weights.output, normed, n, shape, self.at(&b.logits))?;
        Ok(2)
    }

    pub(super) fn find(&self, n: usize, k: usize) -> Result<u64, Reason> {
        let b = &self.buffers;
        let at = Found {
            logits: self.at(&b.logits),
            parts: self.at(&b.parts),
            ids: self.at(&b.found),
            found: self.at(&b.found) + (n * k * size_of::<u32>()) as u64,
        };
        self.unit.kernels.likeliest(&at, n, self.config.n_vocab, k)?;
        Ok(2)
    }

    /// The pending pass, its logits, and its `k` likeliest tokens if there are to be any.
    fn step(&mut self, rows: &[Row], k: usize) -> Result<(), Reason> {
        let words = words_of(rows);
        self.mailbox.get_mut().words_mut()[..words.len()].copy_from_slice(&words);
        self.traffic.to_device_bytes += 12 * rows.len() as u64;
        let longest = rows.iter().map(|row| row.position + 1).max().unwrap_or(1);
        let longest = longest.next_power_of_two().max(POSITIONS).min(self.positions_max);
        let which = (rows.len(), k, longest);
        if !self.graphs.contains_key(&which) {
            let graph = self.capture(|passes| passes.whole(rows.len(), k, longest))?;
            self.graphs.insert(which, graph);
        }
        if let Some((graph, launches)) = self.graphs.get(&which) {
            graph.launch().map_err(failed("graph"))?;
            self.traffic.graphs += 1;
            self.traffic.launches += launches;
        }
        Ok(())
    }

    /// One token of each sequence to its logits, or its `k` likeliest tokens.
    pub(super) fn whole(&self, n_rows: usize, k: usize, longest: usize) -> Result<u64, Reason> {
        self.mailbox.borrow().send(
            &self.unit.device,
            0..3 * n_rows,
            self.at(&self.buffers.rows),
        )?;
        let layers = match n_rows {
            1 => self.one(longest, &Part::ALL)?,
            _ => self.several((n_rows, longest, false), &Part::ALL)?,
        };
        let mut n = layers + self.head(0, n_rows)?;
        if k > 0 {
            n += self.find(n_rows, k)?;
            let words = FOUND_AT..FOUND_AT + 2 * n_rows * k;
            let from = self.at(&self.buffers.found);
            self.mailbox.borrow_mut().fetch(&self.unit.device, words, from)?;
        }
        Ok(n)
    }

    /// A graph of what `launches` launches. Out: the graph, and how many kernels it has.
    pub(super) fn capture(
        &self,
        launches: impl FnOnce(&Self) -> Result<u64, Reason>,
    ) -> Result<(CudaGraph, u64), Reason> {
        let stream = &self.unit.device.stream;
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        stream.begin_capture(mode).map_err(failed("graph"))?;
        self.unit.kernels.starts_early.set(true);
        let captured = launches(self);
        self.unit.kernels.starts_early.set(false);
        // Ended whatever happened: a stream that still captures takes no other work.
        let graph = stream
            .end_capture(CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH);
        let n = captured?;
        let graph = graph.map_err(failed("graph"))?;
        let missing = || Reason::new(ReasonKind::DeviceFailed, "CUDA: graph: nothing was captured");
        Ok((graph.ok_or_else(missing)?, n))
    }

    /// Room for one sequence of this length, for a probe.
    pub(super) fn send_several(&mut self, n: usize) -> Result<(), Reason> {
        self.reserve(Room { n_rows: n, n_logits: 16, lens: &[(0, n)] })?;
        let rows: Vec<Row> = (0..n).map(|position| Row { place: 0, position, token: 1 }).collect();
        self.send(&rows)
    }

    pub(super) fn send_one(&mut self, position: usize) -> Result<(), Reason> {
        let rows = [Row { place: 0, position, token: 1 }];
        let words = words_of(&rows);
        self.mailbox.get_mut().words_mut()[..words.len()].copy_from_slice(&words);
        self.send(&rows)
    }

    /// Bytes of codes that one layer's products of this kind read.
    pub(super) fn part_bytes(&self, part: Part) -> u64 {
        let config = &self.config;
        let (n_embd, q, n_ff) = (config.n_embd, config.q_width(), config.n_ff);
        let weights = match part {
            Part::Embed | Part::Attend => 0,
            Part::Qkv => n_embd * (q + 2 * config.kv_width()),
            Part::AttnOutput => q * n_embd,
            Part::GateUp => 2 * n_embd * n_ff,
            Part::Down => n_ff * n_embd,
        };
        weights as u64 / 4
    }

    pub(super) fn ternary_bytes(&self) -> u64 {
        let layer: u64 = Part::ALL.iter().map(|part| self.part_bytes(*part)).sum();
        layer * self.weights.layers.len() as u64
    }

    pub(super) fn head_bytes(&self) -> u64 {
        let width = if self.weights.output.is_half { 2 } else { 4 };
        (self.config.n_vocab * self.config.n_embd * width) as u64
    }

    /// The rows of a pass that is still to be computed, if its logits are asked for as a graph has them; else it is computed now.
    fn pending_of(&mut self, first: usize, n: usize) -> Result<Vec<Row>, Reason> {
        if first == 0 && n == self.pending.len() {
            return Ok(std::mem::take(&mut self.pending));
        }
        self.settle().map(|()| Vec::new())
    }

    /// Computes what was only asked for, without logits.
    fn settle(&mut self) -> Result<(), Reason> {
        let rows = std::mem::take(&mut self.pending);
        if rows.is_empty() { Ok(()) } else { self.launch(&rows) }
    }

    /// The fault of this pass, if there is to be one.
    fn fail_if_due(&mut self) -> Result<(), Reason> {
        let pass = self.n_passes;
        self.n_passes += 1;
        let Unit { device, kernels } = &*self.unit;
        match self.fault {
            Some(Fault::OutOfMemoryAtPass(at)) if at == pass => device.exhaust("activations"),
            Some(Fault::KernelAtPass(at)) if at == pass => kernels.cannot_be_launched(),
            // Told by whatever is asked of the device next.
            Some(Fault::LostAtPass(at)) if at == pass => kernels.lost(),
            _ => Ok(()),
        }
    }

    /// A pass without a graph.
    fn launch(&mut self, rows: &[Row]) -> Result<(), Reason> {
        self.send(rows)?;
        let longest = rows.iter().map(|row| row.position + 1).max().unwrap_or(1);
        self.traffic.launches += match rows.len() {
            1 => self.one(longest, &Part::ALL)?,
            n => self.several((n, longest, is_prompt(rows)), &Part::ALL)?,
        };
        Ok(())
    }
}

/// Whether rows are of one sequence, one behind the other.
fn is_prompt(rows: &[Row]) -> bool {
    rows.windows(2)
        .all(|two| two[0].place == two[1].place && two[0].position + 1 == two[1].position)
}

/// Tokens, places and positions, one behind the other.
fn words_of(rows: &[Row]) -> Vec<u32> {
    let word = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let tokens = rows.iter().map(|row| row.token);
    let places = rows.iter().map(|row| word(row.place));
    tokens.chain(places).chain(rows.iter().map(|row| word(row.position))).collect()
}

impl Executor for Passes {
    fn reserve(&mut self, room: Room<'_>) -> Result<(), Reason> {
        let longest = room.lens.iter().map(|(_, len)| *len).max().unwrap_or(0);
        if longest > self.positions_max {
            return Err(Reason::new(
                ReasonKind::Unsupported,
                format!(
                    "CUDA: expected at most {} positions, which attention has room for on this device, found {longest}",
                    self.positions_max
                ),
            ));
        }
        let b = &self.buffers;
        let (n_rows, n_logits) = (room.n_rows.max(b.n_rows), room.n_logits.max(b.n_logits));
        if n_rows > b.n_rows || n_logits > b.n_logits {
            self.settle()?;
            self.buffers = Buffers::new(&self.unit.device, &self.config, n_rows, n_logits)?;
            self.graphs.clear();
        }
        if self.cache.reserve(room.lens)? {
            self.graphs.clear();
        }
        Ok(())
    }

    fn append(&mut self, rows: &[Row]) -> Result<(), Reason> {
        self.fail_if_due()?;
        self.settle()?;
        // One token for each sequence comes again with the next step; a prompt's length does not.
        let is_step = |rows: &[Row]| {
            let mut places: Vec<usize> = rows.iter().map(|row| row.place).collect();
            places.sort_unstable();
            places.windows(2).all(|two| two[0] != two[1])
        };
        if rows.len() <= GRAPH_ROWS && is_step(rows) {
            self.pending = rows.to_vec();
            return Ok(());
        }
        self.launch(rows)
    }

    fn logits(&mut self, first: usize, n: usize, out: &mut [f32]) -> Result<(), Reason> {
        let rows = self.pending_of(first, n)?;
        if rows.is_empty() {
            self.traffic.launches += self.head(first, n)?;
        } else {
            self.step(&rows, 0)?;
        }
        let copied =
            self.unit.device.stream.memcpy_dtoh(&self.buffers.logits.slice(..out.len()), out);
        copied.map_err(failed("logits"))?;
        self.traffic.to_host_bytes += size_of_val(out) as u64;
        self.unit.device.wait("pass")
    }

    fn likeliest(&mut self, n: usize, k: usize, out: &mut Vec<Likely>) -> Result<bool, Reason> {
        let rows = self.pending_of(0, n)?;
        let found = if rows.is_empty() {
            self.traffic.launches += self.head(0, n)? + self.find(n, k)?;
            let mut found = vec![0; 2 * n * k];
            let from = self.buffers.found.slice(..found.len());
            let copied = self.unit.device.stream.memcpy_dtoh(&from, &mut found);
            copied.map_err(failed("likeliest tokens"))?;
            self.unit.device.wait("pass")?;
            found
        } else {
            self.step(&rows, k)?;
            self.unit.device.wait("pass")?;
            self.mailbox.get_mut().words()[FOUND_AT..][..2 * n * k].to_vec()
        };
        self.traffic.to_host_bytes += size_of_val(&found[..]) as u64;
        let (ids, logits) = found.split_at(n * k);
        out.clear();
        let likely = |(id, bits): (&u32, &u32)| Likely { id: *id, logit: f32::from_bits(*bits) };
        out.extend(ids.iter().zip(logits).map(likely));
        Ok(!ids.contains(&NO_NUMBER))
    }

    fn most_likeliest(&self) -> usize {
        MOST_LIKELIEST.min(self.config.n_vocab)
    }

    fn join(&mut self) {
        self.cache.join();
    }

    fn leave(&mut self, place: usize) {
        // Nobody asks for what it was to compute any more.
        self.pending.retain(|row| row.place != place);
        let last = self.cache.n_places() - 1;
        for row in self.pending.iter_mut().filter(|row| row.place == last) {
            row.place = place;
        }
        self.cache.leave(place);
    }

    fn memory(&self) -> DeviceMemory {
        DeviceMemory {
            weights: self.weights.n_bytes as u64,
            kv: self.cache.n_bytes() as u64,
            activations: self.buffers.n_bytes() as u64,
        }
    }

    fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn probe(&mut self, repeat: usize) -> Result<Vec<Probe>, Reason> {
        self.settle()?;
        probe::run(self, repeat)
    }
}
