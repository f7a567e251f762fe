//! What parts of a pass take on the device: graphs of them, timed by its own events, beside a plain copy.

use cudarc::driver::{CudaGraph, CudaSlice, DevicePtr as _, sys::CUevent_flags};

use super::{
    backend::Unit,
    driver::{Device, failed},
    passes::{Part, Passes},
};
use crate::device::{Limit, LimitKind, Probe, Reason};

/// Bytes of the copy: far more than a cache holds.
const COPY: usize = 1 << 30;
/// Tokens of a pass of a prompt, and of a batch.
const SEVERAL: usize = 512;
const BATCH: usize = 16;
/// Positions of the pass of one.
const POSITION: usize = 128;

/// Times all parts. Positions behind the first sequence's end are written.
pub(super) fn run(passes: &mut Passes, repeat: usize) -> Result<Vec<Probe>, Reason> {
    let parts = [
        ("qkv", Part::Qkv),
        ("attend", Part::Attend),
        ("attn_output", Part::AttnOutput),
        ("gate_up", Part::GateUp),
        ("down", Part::Down),
    ];
    let mut probes = vec![copy(passes, repeat)?];
    for n_tokens in [SEVERAL, BATCH] {
        passes.send_several(n_tokens)?;
        for (name, part) in parts.into_iter().chain([("embed", Part::Embed)]) {
            let bytes = passes.part_bytes(part) * passes.weights.layers.len() as u64;
            let graph =
                passes.capture(|passes| passes.several((n_tokens, n_tokens, true), &[part]))?;
            let name = format!("{n_tokens} tokens: {name}");
            probes.push(time(passes, &name, bytes, repeat, &graph)?);
        }
    }
    let bytes = passes.head_bytes();
    let graph = passes.capture(|passes| passes.head(0, BATCH))?;
    probes.push(time(passes, "16 tokens: head", bytes, repeat, &graph)?);
    let graph = passes.capture(|passes| passes.several((BATCH, 256, true), &Part::ALL))?;
    probes.push(time(passes, "16 tokens: layers", passes.ternary_bytes(), repeat, &graph)?);
    passes.send_one(POSITION)?;
    let longest = 256;
    let ternary: u64 = passes.ternary_bytes();
    let head: u64 = passes.head_bytes();
    let layers = passes.weights.layers.len() as u64;
    let of = |part: Part| passes.part_bytes(part);
    let products = [Part::Qkv, Part::AttnOutput, Part::GateUp, Part::Down];
    let mut timed = |name: &str, bytes, graph: (CudaGraph, u64)| {
        probes.push(time(passes, name, bytes, repeat, &graph)?);
        Ok::<(), Reason>(())
    };
    timed("ternary products", ternary, passes.capture(|passes| passes.one(longest, &products))?)?;
    for (name, part) in parts {
        let graph = passes.capture(|passes| passes.one(longest, &[part]))?;
        timed(name, of(part) * layers, graph)?;
    }
    timed("layers", ternary, passes.capture(|passes| passes.one(longest, &Part::ALL))?)?;
    timed("head", head, passes.capture(|passes| passes.head(0, 1))?)?;
    timed("likeliest", 0, passes.capture(|passes| passes.find(1, 1))?)?;
    timed("step", ternary + head, passes.capture(|passes| passes.whole(1, 1, longest))?)?;
    Ok(probes)
}

fn copy(passes: &Passes, repeat: usize) -> Result<Probe, Reason> {
    let device = &passes.unit.device;
    let (from, to) = (device.alloc::<u8>("copy", COPY)?, device.alloc::<u8>("copy", COPY)?);
    let at = |slice: &CudaSlice<u8>| slice.device_ptr(&device.stream).0;
    let (from, to) = (at(&from), at(&to));
    let graph = passes.capture(|passes| passes.unit.kernels.copy(from, to, COPY).map(|()| 1))?;
    time(passes, "copy", 2 * COPY as u64, repeat, &graph)
}

fn time(
    passes: &Passes,
    name: &str,
    bytes: u64,
    repeat: usize,
    (graph, launches): &(CudaGraph, u64),
) -> Result<Probe, Reason> {
    let device = &passes.unit.device;
    let ns = events(device, name, repeat, || graph.launch().map_err(failed(name)))?;
    Ok(Probe { name: name.to_owned(), ns, bytes, launches: *launches })
}

/// What so many of `launches` take by the device's own events, behind three that warm up.
fn events(
    device: &Device,
    what: &str,
    repeat: usize,
    launches: impl Fn() -> Result<(), Reason>,
) -> Result<Vec<u64>, Reason> {
    let event = || {
        let event = device.stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT));
        event.map_err(failed(what))
    };
    let mut ns = Vec::with_capacity(repeat);
    for i in 0..repeat + 3 {
        let start = event()?;
        launches()?;
        let ms = start.elapsed_ms(&event()?).map_err(failed(what))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
        let time = (f64::from(ms) * 1e6) as u64;
        if i >= 3 {
            ns.push(time);
        }
    }
    Ok(ns)
}

/// Bytes that the second-level cache holds, and how often they are read.
const CACHED: usize = 8 << 20;
const TIMES: usize = 64;
/// Turns of int8 products: long enough for an event.
const TURNS: usize = 2_000;
/// How long clock cycles are counted.
const CLOCKS_NS: u64 = 500_000;

/// What the device can reach.
pub(super) fn limits(unit: &Unit, repeat: usize) -> Result<Vec<Limit>, Reason> {
    let Unit { device, kernels } = unit;
    let at = |slice: &CudaSlice<u8>| slice.device_ptr(&device.stream).0;
    let (from, to) = (device.alloc::<u8>("copy", COPY)?, device.alloc::<u8>("copy", COPY)?);
    let (from, to) = (at(&from), at(&to));
    let limit = |kind, work, working_set: usize, ns| Limit {
        kind,
        work,
        working_set_bytes: working_set as u64,
        ns,
    };
    let copied = events(device, "copy", repeat, || kernels.copy(from, to, COPY))?;
    let read = events(device, "reread", repeat, || kernels.reread(from, CACHED, TIMES, to))?;
    let macs = kernels.int8_peak(1, to)? * TURNS as u64;
    let multiplied =
        events(device, "int8_peak", repeat, || kernels.int8_peak(TURNS, to).map(drop))?;
    Ok(vec![
        limit(LimitKind::Bandwidth, 2 * COPY as u64, 2 * COPY, copied),
        limit(LimitKind::CacheBandwidth, (CACHED * TIMES) as u64, CACHED, read),
        limit(LimitKind::Int8Peak, macs, 0, multiplied),
    ])
}

/// Its clock now, in MHz.
pub(super) fn clock_mhz(unit: &Unit) -> Result<u64, Reason> {
    let Unit { device, kernels } = unit;
    let out = device.alloc::<u64>("clocks", 2)?;
    kernels.clocks(CLOCKS_NS, out.device_ptr(&device.stream).0)?;
    let counted = device.stream.clone_dtoh(&out).map_err(failed("clocks"))?;
    device.wait("clocks")?;
    Ok(counted[0].saturating_mul(1000) / counted[1].max(1))
}
