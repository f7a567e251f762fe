//! Products of a small seeded matrix by every ternary kernel, against integers that are exact whatever the order; and the head's.

use cudarc::driver::DevicePtr as _;

use super::{
    driver::{Device, failed},
    launch::{Codes, Input, Kernels, Ternary},
    weights::Dense,
};
use crate::{
    Drawing,
    device::{Fault, Reason, ReasonKind},
    quant::{self, Shape},
};

/// Two blocks of a warp's columns and half of one; rows and tokens that are no whole tile.
const COLS: usize = 640;
const ROWS: usize = 41;
const N_TOKENS: usize = 21;
const SEED: u64 = 42;

/// Computes on `device`.
///
/// # Errors
/// [`ReasonKind::SelfTestFailed`]: the kernel, the first wrong output, expected and found.
pub(super) fn run(device: &Device, kernels: &Kernels, fault: Option<Fault>) -> Result<(), Reason> {
    let mut drawing = Drawing::new(SEED, "self-test cuda");
    let trits: Vec<i8> = (0..ROWS * COLS).map(|_| [-1, 0, 1][drawing.below(3) as usize]).collect();
    // Whole numbers, 127 among each row's, so that they are their own codes.
    let codes: Vec<i8> = (0..N_TOKENS * COLS)
        .map(|i| match drawing.next_u32().to_le_bytes()[0].cast_signed() {
            byte if i % COLS == 0 => [-127, 127][usize::from(byte >= 0)],
            byte => byte.max(-127),
        })
        .collect();
    let expected: Vec<f32> = codes
        .chunks_exact(COLS)
        .flat_map(|x| trits.chunks_exact(COLS).map(|w| sum(w, x)))
        .collect();

    let wrong = |text: String| Reason::new(ReasonKind::SelfTestFailed, text);
    let format = quant::by_name("i2_s").and_then(|format| format.ternary());
    let packed = format
        .ok_or_else(|| wrong("self-test: format i2_s is unknown".to_owned()))?
        .pack(&trits, 1.0, Shape::new(ROWS, COLS))
        .map_err(|error| wrong(format!("self-test: {error}")))?;
    let floats: Vec<f32> = codes.iter().map(|code| f32::from(*code)).collect();
    let wide: Vec<f32> = trits.iter().map(|trit| f32::from(*trit)).collect();

    let stream = &device.stream;
    let copied = failed("self-test");
    let (weights, x, dense) = (
        stream.clone_htod(&packed).map_err(&copied)?,
        stream.clone_htod(&floats).map_err(&copied)?,
        stream.clone_htod(&wide).map_err(&copied)?,
    );
    let at = |slice: &cudarc::driver::CudaSlice<f32>| slice.device_ptr(stream).0;
    let rows = i32::try_from(ROWS).unwrap_or(0);
    let matrix = Ternary { codes: weights.device_ptr(stream).0, scale: 1.0, rows };
    let (quantized, scales) = (
        device.alloc::<i8>("self-test", N_TOKENS * COLS)?,
        device.alloc::<u64>("self-test", N_TOKENS)?,
    );
    let input = Input { at: at(&x), norm: 0, eps: 0.0, cols: COLS };
    let none = Ternary::default();
    let check = |kernel: &str, n_tokens: usize, launch: &dyn Fn(u64) -> Result<(), Reason>| {
        // Poisoned: what is not written is no number.
        let poison = vec![f32::NAN; N_TOKENS * ROWS];
        let mut out = stream.clone_htod(&poison).map_err(failed("self-test"))?;
        if fault != Some(Fault::SelfTest) {
            launch(at(&out))?;
        }
        device.wait(kernel)?;
        let found = stream.clone_dtoh(&out).map_err(failed("self-test"))?;
        let _ = &mut out;
        for (i, expected) in expected[..n_tokens * ROWS].iter().enumerate() {
            if found[i].to_bits() != expected.to_bits() && !(found[i] == 0.0 && *expected == 0.0) {
                let (token, row) = (i / ROWS, i % ROWS);
                return Err(wrong(format!(
                    "self-test of kernel `{kernel}`: row {row}, token {token}: expected {expected}, found {}",
                    found[i]
                )));
            }
        }
        Ok(())
    };
    check("ternary_one", 1, &|out| kernels.ternary_one([matrix, none, none], &input, out))?;
    for n_tokens in [8, 16, N_TOKENS] {
        check("ternary_many", n_tokens, &|out| {
            let codes = Codes {
                codes: quantized.device_ptr(stream).0,
                scales: scales.device_ptr(stream).0,
                n_tokens,
                cols: COLS,
            };
            kernels.quantize(&input, COLS, 0, &codes)?;
            kernels.ternary_many([matrix, none, none], &codes, out, ROWS)
        })?;
    }
    let dense = Dense { at: at(&dense), is_half: false, scale: 1.0 };
    for n_tokens in [1, N_TOKENS] {
        check("head_f32", n_tokens, &|out| {
            kernels.head(&dense, input.at, n_tokens, (COLS, ROWS), out)
        })?;
    }
    Ok(())
}

/// At most 640 · 127, which f32 holds exactly.
#[expect(clippy::cast_precision_loss, reason = "below 2^24")]
fn sum(a: &[i8], b: &[i8]) -> f32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>() as f32
}
