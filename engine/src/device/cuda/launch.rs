//! Kernels with their arguments: the one place where a launch is put together, so that each is checked against its source once.
//!
//! Addresses are those of memory that the caller holds, of at least the size that the kernel's head says.

#![expect(unsafe_code, reason = "calls into the driver: each states what it relies on")]

use std::{cell::Cell, ffi::c_void};

use cudarc::driver::{
    CudaFunction, LaunchConfig,
    sys::{self, CUdevice_attribute, CUfunction_attribute, CUlaunchAttributeID},
};

use super::{
    cache::PAGE,
    driver::{Device, failed},
    program::Program,
    weights::Dense,
};
use crate::device::{Reason, ReasonKind};

/// `struct Ternary` of `common.cuh`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Ternary {
    pub(super) codes: u64,
    pub(super) scale: f32,
    pub(super) rows: i32,
}

/// `struct Heads` of `attend.cu`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Heads {
    pub(super) n_heads: i32,
    pub(super) n_kv_heads: i32,
    pub(super) head_dim: i32,
    pub(super) interleaved: i32,
    pub(super) layer: i32,
    pub(super) scale: f32,
    pub(super) cos: u64,
    pub(super) sin: u64,
    pub(super) tables: u64,
    pub(super) table_len: i32,
}

/// Input of a product: where it lies, and the norm in front of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) at: u64,
    /// 0 without a norm.
    pub(super) norm: u64,
    pub(super) eps: f32,
    pub(super) cols: usize,
}

/// Quantized rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codes {
    pub(super) codes: u64,
    pub(super) scales: u64,
    pub(super) n_tokens: usize,
    pub(super) cols: usize,
}

/// Where rows of tokens go in a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) tokens: u64,
    pub(super) places: u64,
    pub(super) positions: u64,
}

/// Likeliest tokens: addresses of what `likeliest.cu` reads and writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) logits: u64,
    pub(super) parts: u64,
    pub(super) ids: u64,
    pub(super) found: u64,
}

/// Blocks that look at one row of logits.
pub(super) const PARTS: usize = 128;
/// Rows of a matrix and tokens of a block in `ternary_many.cu`.
const MANY_ROWS: usize = 32;
/// Steps of `head.cu` that are on their way.
const HEAD_RING: usize = 6;
/// Columns that a thread of `ternary_one.cu` keeps its share of.
const ONE_SHORT: usize = 2560;
/// Shared memory of a block of `ternary_one.cu`.
const ONE_BYTES: usize = 100 << 10;
/// Heads of a group and tokens of a sequence that a block of `attend_stored` has, the most first.
const ATTENDS: [(usize, usize); 4] = [(4, 4), (1, 4), (4, 1), (1, 1)];
/// Tiles of `attend.cu`.
const TILES_AHEAD: usize = 4;
const ATTEND_THREADS: u32 = 160;

#[derive(Debug)]
pub(super) struct Kernels {
    device: Device,
    multiprocessors: usize,
    /// Bytes of shared memory that a block can have.
    shared_max: usize,
    /// Whether the device can start a kernel before the one before it ends.
    can_start_early: bool,
    /// Whether kernels are to: in a graph, where that costs nothing to say.
    pub(super) starts_early: Cell<bool>,
    embed: [CudaFunction; 2],
    quantize: CudaFunction,
    ternary_one: CudaFunction,
    /// For rows of up to `ONE_SHORT` columns, and longer ones.
    ternary_one_add: [CudaFunction; 2],
    ternary_one_gate: CudaFunction,
    /// For 8, 16 and 32 tokens at once.
    ternary_many: [CudaFunction; 3],
    ternary_many_add: [CudaFunction; 3],
    gate: CudaFunction,
    store: CudaFunction,
    /// For heads and tokens as in [`ATTENDS`].
    attend_stored: [CudaFunction; ATTENDS.len()],
    attend_long: CudaFunction,
    attend_one: CudaFunction,
    /// F16 for one token and 16, F32 for one and 16.
    head: [CudaFunction; 4],
    likeliest_parts: CudaFunction,
    likeliest: CudaFunction,
    copy: CudaFunction,
    reread: CudaFunction,
    int8_peak: CudaFunction,
    clocks: CudaFunction,
    lost: CudaFunction,
}

/// Floats of a block of `attend_one` without its scores.
fn one_head(head_dim: usize) -> usize {
    TILES_AHEAD * PAGE * head_dim + 3 * head_dim.next_multiple_of(4)
}

fn int(n: usize) -> i32 {
    i32::try_from(n).expect("sizes of a model that was checked fit into 31 bits")
}

/// The other way round.
fn len(n: i32) -> usize {
    usize::try_from(n).expect("sizes are never below zero")
}

fn unsigned(n: usize) -> u32 {
    u32::try_from(n).expect("sizes of a model that was checked fit into 31 bits")
}

fn config(grid: (usize, usize), threads: u32, shared_bytes: usize) -> LaunchConfig {
    LaunchConfig {
        grid_dim: (unsigned(grid.0), unsigned(grid.1), 1),
        block_dim: (threads, 1, 1),
        shared_mem_bytes: unsigned(shared_bytes),
    }
}

/// When a kernel starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// As soon as the one before lets it: its source waits itself, before it reads what that one writes.
    Early,
    /// Behind the one before.
    Behind,
}

/// Launches a kernel with arguments by address, in the order of its source.
macro_rules! launch {
    ($kernels:expr, $start:expr, $function:expr, $config:expr, $($argument:expr),+ $(,)?) => {{
        let mut addresses: Vec<*mut c_void> = Vec::with_capacity(16);
        $(
            let argument = $argument;
            addresses.push((&raw const argument).cast_mut().cast());
        )+
        $kernels.start($start, &$function, &$config, &mut addresses)
    }};
}

impl Kernels {
    pub(super) fn load(device: &Device, program: &Program) -> Result<Self, Reason> {
        use CUdevice_attribute as Attribute;
        let get = |name: &str| program.function(name);
        let attribute = |what, attribute| device.context.attribute(attribute).map_err(failed(what));
        let multiprocessors =
            attribute("multiprocessors", Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let shared = attribute(
            "shared memory",
            Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        )?;
        let wide = |name: &str| {
            let function = get(name)?;
            let fixed = function.shared_size_bytes().map_err(failed(name))?;
            let most = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            function.set_attribute(most, shared - fixed).map_err(failed(name))?;
            Ok::<_, Reason>(function)
        };
        let major = attribute(
            "compute capability",
            Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        )?;
        Ok(Self {
            device: device.clone(),
            can_start_early: major >= 9,
            starts_early: Cell::new(false),
            multiprocessors: usize::try_from(multiprocessors).unwrap_or(1),
            embed: [get("embed_f16")?, get("embed_f32")?],
            quantize: wide("quantize")?,
            ternary_one: wide("ternary_one")?,
            ternary_one_add: [wide("ternary_one_add")?, wide("ternary_one_add_long")?],
            ternary_one_gate: wide("ternary_one_gate")?,
            ternary_many: [get("ternary_many_1")?, get("ternary_many_2")?, get("ternary_many_4")?],
            ternary_many_add: [
                get("ternary_many_add_1")?,
                get("ternary_many_add_2")?,
                get("ternary_many_add_4")?,
            ],
            gate: get("gate")?,
            store: get("store")?,
            attend_stored: [
                wide("attend_stored_4_4")?,
                wide("attend_stored_1_4")?,
                wide("attend_stored_4_1")?,
                wide("attend_stored_1_1")?,
            ],
            attend_long: wide("attend_long")?,
            shared_max: usize::try_from(shared).unwrap_or(0),
            attend_one: wide("attend_one")?,
            head: [
                wide("head_f16_1")?,
                wide("head_f16_many")?,
                wide("head_f32_1")?,
                wide("head_f32_many")?,
            ],
            likeliest_parts: get("likeliest_parts")?,
            likeliest: get("likeliest")?,
            copy: get("copy")?,
            reread: get("reread")?,
            int8_peak: get("int8_peak")?,
            clocks: get("clocks")?,
            lost: get("lost")?,
        })
    }

    /// The launch itself.
    fn start(
        &self,
        start: Start,
        function: &CudaFunction,
        config: &LaunchConfig,
        arguments: &mut [*mut c_void],
    ) -> Result<(), Reason> {
        let mut early = sys::CUlaunchAttribute {
            id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value: sys::CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
        };
        let (grid, block) = (config.grid_dim, config.block_dim);
        let config = sys::CUlaunchConfig {
            gridDimX: grid.0,
            gridDimY: grid.1,
            gridDimZ: grid.2,
            blockDimX: block.0,
            blockDimY: block.1,
            blockDimZ: block.2,
            sharedMemBytes: config.shared_mem_bytes,
            hStream: self.device.stream.cu_stream(),
            attrs: &raw mut early,
            numAttrs: u32::from(
                start == Start::Early && self.can_start_early && self.starts_early.get(),
            ),
        };
        self.device.context.bind_to_thread().map_err(failed("kernel"))?;
        // SAFETY: arguments in number, order and type of the kernel's source, whose addresses live until the launch has copied them;
        // what they point to on the device is as the module says.
        unsafe {
            sys::cuLaunchKernelEx(
                &raw const config,
                function.cu_function(),
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
            )
        }
        .result()
        .map_err(failed("kernel"))
    }

    /// Positions that attention has room for in shared memory.
    pub(super) fn positions_max(&self, head_dim: usize) -> Result<usize, Reason> {
        let most = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = self.attend_one.get_attribute(most).map_err(failed("attend_one"))?;
        let floats = usize::try_from(bytes).unwrap_or(0) / 4;
        let most = floats.saturating_sub(one_head(head_dim)) / 16 * 16;
        if most == 0 {
            let text = format!("CUDA: heads of {head_dim} are too long for its shared memory");
            return Err(Reason::new(ReasonKind::Unsupported, text));
        }
        Ok(most)
    }

    pub(super) fn embed(
        &self,
        table: &Dense,
        places: &Places,
        n_tokens: usize,
        cols: usize,
        x: u64,
    ) -> Result<(), Reason> {
        let embed = &self.embed[usize::from(!table.is_half)];
        launch!(
            self,
            Start::Early,
            *embed,
            config((n_tokens, 1), 256, 0),
            table.at,
            places.tokens,
            int(cols),
            x
        )
    }

    /// `floats` and `codes.codes` may be 0.
    pub(super) fn quantize(
        &self,
        input: &Input,
        stride: usize,
        floats: u64,
        codes: &Codes,
    ) -> Result<(), Reason> {
        let config = config((codes.n_tokens, 1), 256, input.cols * 4);
        let Input { at, norm, eps, cols } = *input;
        launch!(
            self,
            Start::Early,
            self.quantize,
            config,
            at,
            int(stride),
            norm,
            eps,
            int(cols),
            floats,
            codes.codes,
            codes.scales
        )
    }

    /// As many blocks as there are multiprocessors, or a multiple, so that the weights of two of them fit into one's shared memory.
    fn one(&self, rows: usize, matrices: usize, cols: usize) -> LaunchConfig {
        let bytes = |blocks| cols * 5 + rows.div_ceil(blocks) * matrices * cols / 4;
        let n = self.multiprocessors;
        let blocks = (1..).map(|k| k * n).find(|k| bytes(*k) <= ONE_BYTES || *k >= rows);
        let blocks = blocks.unwrap_or(n).min(rows);
        config((blocks, 1), 256, bytes(blocks))
    }

    pub(super) fn ternary_one(
        &self,
        [a, b, c]: [Ternary; 3],
        input: &Input,
        out: u64,
    ) -> Result<(), Reason> {
        let rows = [a, b, c].iter().map(|matrix| len(matrix.rows)).sum();
        let Input { at, norm, eps, cols } = *input;
        let config = self.one(rows, 1, cols);
        launch!(
            self,
            Start::Early,
            self.ternary_one,
            config,
            a,
            b,
            c,
            at,
            norm,
            eps,
            int(cols),
            out
        )
    }

    pub(super) fn ternary_one_add(
        &self,
        a: Ternary,
        input: &Input,
        residual: u64,
    ) -> Result<(), Reason> {
        let Input { at, norm, eps, cols } = *input;
        let config = self.one(len(a.rows), 1, cols);
        let function = &self.ternary_one_add[usize::from(cols > ONE_SHORT)];
        launch!(self, Start::Early, *function, config, a, at, norm, eps, int(cols), residual)
    }

    pub(super) fn ternary_one_gate(
        &self,
        [gate, up]: [Ternary; 2],
        input: &Input,
        silu: bool,
        out: u64,
    ) -> Result<(), Reason> {
        let Input { at, norm, eps, cols } = *input;
        let config = self.one(len(gate.rows), 2, cols);
        launch!(
            self,
            Start::Early,
            self.ternary_one_gate,
            config,
            gate,
            up,
            at,
            norm,
            eps,
            int(cols),
            i32::from(silu),
            out
        )
    }

    /// Which kernel, and how many tokens and threads a block of it has.
    fn many(n_tokens: usize) -> (usize, usize, u32) {
        match n_tokens {
            0..=8 => (0, 8, 256),
            9..=16 => (1, 16, 256),
            _ => (2, 32, 128),
        }
    }

    /// `out`: `[tokens, stride]`.
    pub(super) fn ternary_many(
        &self,
        [a, b, c]: [Ternary; 3],
        input: &Codes,
        out: u64,
        stride: usize,
    ) -> Result<(), Reason> {
        let (i, tokens, threads) = Self::many(input.n_tokens);
        let blocks = [a, b, c].iter().map(|matrix| len(matrix.rows).div_ceil(MANY_ROWS)).sum();
        let config = config((blocks, input.n_tokens.div_ceil(tokens)), threads, 0);
        let Codes { codes, scales, n_tokens, cols } = *input;
        launch!(
            self,
            Start::Behind,
            self.ternary_many[i],
            config,
            a,
            b,
            c,
            codes,
            scales,
            int(n_tokens),
            int(cols),
            out,
            int(stride)
        )
    }

    pub(super) fn ternary_many_add(
        &self,
        a: Ternary,
        input: &Codes,
        residual: u64,
    ) -> Result<(), Reason> {
        let (i, tokens, threads) = Self::many(input.n_tokens);
        let rows = len(a.rows);
        let config =
            config((rows.div_ceil(MANY_ROWS), input.n_tokens.div_ceil(tokens)), threads, 0);
        let Codes { codes, scales, n_tokens, cols } = *input;
        launch!(
            self,
            Start::Behind,
            self.ternary_many_add[i],
            config,
            a,
            codes,
            scales,
            int(n_tokens),
            int(cols),
            residual,
            int(rows)
        )
    }

    pub(super) fn gate(
        &self,
        both: u64,
        n: usize,
        n_tokens: usize,
        silu: bool,
        out: u64,
    ) -> Result<(), Reason> {
        let config = config((n.div_ceil(256), n_tokens), 256, 0);
        launch!(self, Start::Behind, self.gate, config, both, int(n), i32::from(silu), out)
    }

    pub(super) fn store(
        &self,
        heads: &Heads,
        rows: u64,
        at: &Places,
        n_tokens: usize,
    ) -> Result<(), Reason> {
        let d = len(heads.head_dim);
        let config = config((len(heads.n_kv_heads), n_tokens), 128, d * 4);
        launch!(self, Start::Behind, self.store, config, *heads, rows, at.places, at.positions)
    }

    /// The one token of a pass. `longest`: positions that it looks at, or more.
    pub(super) fn attend_one(
        &self,
        heads: &Heads,
        rows: u64,
        at: &Places,
        longest: usize,
        out: u64,
    ) -> Result<(), Reason> {
        let shared = (one_head(len(heads.head_dim)) + longest.next_multiple_of(16)) * 4;
        let config = config((len(heads.n_heads), 1), ATTEND_THREADS, shared);
        launch!(
            self,
            Start::Early,
            self.attend_one,
            config,
            *heads,
            rows,
            at.places,
            at.positions,
            out
        )
    }

    /// Several tokens, whose keys and values are stored; `is_prompt`: of one sequence, one behind the other. `longest`: positions that the
    /// longest of them looks at, or more.
    pub(super) fn attend(
        &self,
        heads: &Heads,
        rows: u64,
        at: &Places,
        (n_tokens, longest, is_prompt): (usize, usize, bool),
        out: u64,
    ) -> Result<(), Reason> {
        let (d, n_heads) = (len(heads.head_dim), len(heads.n_heads));
        let per_group = n_heads / len(heads.n_kv_heads);
        let stride = longest.next_multiple_of(16);
        let shared = |(h, t): (usize, usize)| (2 * PAGE * d + h * t * (d + stride)) * 4;
        let fits = |which: &(usize, usize)| {
            let (h, t) = *which;
            per_group.is_multiple_of(h)
                && (t == 1 || is_prompt)
                && shared(*which) <= self.shared_max
        };
        let place = ATTENDS.iter().position(|which| d <= 128 && d % 4 == 0 && fits(which));
        let Some(i) = place else {
            let config = config((n_heads, n_tokens), 128, (d + stride) * 4);
            return launch!(
                self,
                Start::Behind,
                self.attend_long,
                config,
                *heads,
                rows,
                at.places,
                at.positions,
                out
            );
        };
        let (h, t) = ATTENDS[i];
        let config = config((n_heads / h, n_tokens.div_ceil(t)), 128, shared((h, t)));
        launch!(
            self,
            Start::Behind,
            self.attend_stored[i],
            config,
            *heads,
            rows,
            at.places,
            at.positions,
            int(n_tokens),
            int(stride),
            out
        )
    }

    pub(super) fn head(
        &self,
        matrix: &Dense,
        x: u64,
        n_tokens: usize,
        (cols, rows): (usize, usize),
        out: u64,
    ) -> Result<(), Reason> {
        let ring = HEAD_RING * 4096 * if matrix.is_half { 1 } else { 2 };
        let fits = 16 * cols * 4 + ring <= self.shared_max;
        let (group, ring) = if n_tokens > 1 && fits { (16, ring) } else { (1, 0) };
        let head = &self.head[2 * usize::from(!matrix.is_half) + usize::from(group > 1)];
        let blocks = match group {
            1 => (self.multiprocessors * 4).min(rows.div_ceil(8)),
            _ => self.multiprocessors.min(rows.div_ceil(8)),
        };
        let config = config((blocks, n_tokens.div_ceil(group)), 256, group * cols * 4 + ring);
        launch!(
            self,
            Start::Early,
            *head,
            config,
            matrix.at,
            x,
            int(n_tokens),
            int(cols),
            int(rows),
            matrix.scale,
            out
        )
    }

    /// `n_bytes` from one place to another.
    pub(super) fn copy(&self, from: u64, to: u64, n_bytes: usize) -> Result<(), Reason> {
        let config = config((self.multiprocessors * 16, 1), 256, 0);
        launch!(self, Start::Behind, self.copy, config, from, to, n_bytes / 16)
    }

    /// The same `n_bytes` read `times` times.
    pub(super) fn reread(
        &self,
        from: u64,
        n_bytes: usize,
        times: usize,
        out: u64,
    ) -> Result<(), Reason> {
        let config = config((self.multiprocessors * 8, 1), 256, 0);
        launch!(self, Start::Behind, self.reread, config, from, n_bytes / 16, int(times), out)
    }

    /// Turns of int8 products in registers. Out: multiply-adds.
    pub(super) fn int8_peak(&self, turns: usize, out: u64) -> Result<u64, Reason> {
        let blocks = self.multiprocessors * 4;
        let config = config((blocks, 1), 256, 0);
        launch!(self, Start::Behind, self.int8_peak, config, int(turns), out)?;
        Ok((blocks * 8 * turns * 8 * 16 * 8 * 32) as u64)
    }

    /// Counts clock cycles for so many nanoseconds; both come to `out`.
    pub(super) fn clocks(&self, ns: u64, out: u64) -> Result<(), Reason> {
        launch!(self, Start::Behind, self.clocks, config((1, 1), 1, 0), ns, out)
    }

    /// Ends the context, on purpose.
    pub(super) fn lost(&self) -> Result<(), Reason> {
        let function = &self.lost;
        self.start(Start::Behind, function, &config((1, 1), 1, 0), &mut [])
    }

    /// More threads than a block can have, on purpose: the driver refuses it.
    pub(super) fn cannot_be_launched(&self) -> Result<(), Reason> {
        let function = &self.lost;
        self.start(Start::Behind, function, &config((1, 1), 1 << 20, 0), &mut [])
    }

    pub(super) fn likeliest(
        &self,
        at: &Found,
        n_tokens: usize,
        n_vocab: usize,
        k: usize,
    ) -> Result<(), Reason> {
        let Found { logits, parts, ids, found } = *at;
        let (n, k_arg) = (int(n_vocab), int(k));
        let all = config((PARTS, n_tokens), 256, 0);
        launch!(self, Start::Early, self.likeliest_parts, all, logits, n, k_arg, parts)?;
        let each = config((n_tokens, 1), 256, 0);
        launch!(
            self,
            Start::Early,
            self.likeliest,
            each,
            logits,
            n,
            k_arg,
            parts,
            int(PARTS),
            ids,
            found
        )
    }
}
