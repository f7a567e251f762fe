//! Any bytes as a tensor of every format: the check refuses them or they decode, never a panic; what decodes from a ternary
//! format unpacks, and packs to a tensor with the same trits.
#![no_main]

use engine::quant::{FORMATS, Shape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(([which, rows, cols], tensor)) = bytes.split_first_chunk() else { return };
    let format = FORMATS[usize::from(*which) % FORMATS.len()];
    // Whole blocks and not, whole tiles and not.
    let step = if cols & 1 == 0 { format.block_len() } else { 32 };
    let shape = Shape::new(usize::from(*rows % 100), usize::from(cols >> 1) * step);
    if format.fits(shape).is_err() {
        return;
    }
    let size = format.n_bytes(shape).expect("a small tensor");
    let mut tensor = tensor.to_vec();
    // Half of the time the right size: else nothing would ever decode.
    if which & 0x80 == 0 {
        tensor.resize(size, 0);
    }
    let n = shape.rows * shape.cols;
    let mut out = vec![0.0; n];
    if format.check(&tensor, shape).is_err() {
        // Nobody decodes what was refused, but it must not panic either.
        let _ = format.decode(&tensor, shape, 0, &mut out);
        return;
    }
    format.decode(&tensor, shape, 0, &mut out).expect("a checked tensor decodes");
    if let Some(ternary) = format.ternary() {
        let mut trits = vec![0; n];
        if let Ok(scale) = ternary.unpack(&tensor, shape, &mut trits)
            && let Ok(packed) = ternary.pack(&trits, scale, shape)
        {
            let mut again = vec![0; n];
            let same = ternary.unpack(&packed, shape, &mut again).expect("packed by us");
            assert_eq!(again, trits);
            assert!(same == scale || trits.iter().all(|trit| *trit == 0));
        }
    }
});
