//! The layout of `I2_S` against the worked example, and its rules against every kind of bad input.

use super::*;

/// `w[i] = ((i + 2 * (i / 32)) mod 3) - 1`: 32-runs that start at phase 0, 2, 1, 0, ….
fn worked(n: usize) -> Vec<f32> {
    let trits = [-1.0, 0.0, 1.0];
    (0..n).map(|i| trits[(i + 2 * (i / 32)) % 3]).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Requirement: M3.
#[test]
fn the_worked_example_has_the_published_bytes() {
    // Origin: microsoft/BitNet's python packer run on this vector, engine facts 2.5.
    let bytes = quantize(&worked(128)).unwrap();
    let expected: Vec<u8> = [0x18, 0x61, 0x86].into_iter().cycle().take(32).collect();
    assert_eq!(bytes[..32], expected);
    assert_eq!(bytes[32..36], 1.0_f32.to_le_bytes());
    assert_eq!(bytes[36..], [0; 28]);
}

#[test]
fn the_first_byte_holds_the_first_element_of_each_run() {
    let mut weights = [0.0; 128];
    (weights[0], weights[32], weights[64], weights[96]) = (-1.0, 0.0, 1.0, -1.0);
    assert_eq!(quantize(&weights).unwrap()[0], 0b00_01_10_00);
}

#[test]
fn two_rows_of_128_with_scale_one_and_a_half_are_96_bytes() {
    let weights: Vec<f32> = worked(256).iter().map(|w| w * 1.5).collect();
    let bytes = quantize(&weights).unwrap();
    assert_eq!(bytes.len(), 96);
    assert_eq!(bytes[64..68], [0, 0, 0xc0, 0x3f]);
    let mut out = vec![0.0; 256];
    dequantize(&bytes, 256, &mut out).unwrap();
    assert_eq!(bits(&out), bits(&weights));
}

/// Requirement: Q1, Q4.
#[test]
fn minus_one_zero_and_plus_one_survive_everywhere() {
    for value in [-0.25, 0.0, 0.25] {
        for i in 0..256 {
            let mut weights = worked(256).iter().map(|w| w * 0.25).collect::<Vec<_>>();
            weights[i] = value;
            let mut out = vec![f32::NAN; 256];
            dequantize(&quantize(&weights).unwrap(), 256, &mut out).unwrap();
            assert_eq!(bits(&out), bits(&weights), "element {i}");
        }
    }
}

#[test]
fn the_absmax_threshold_is_where_the_c_quantiser_has_it() {
    // `fabs((double)w) < 1e-6`, in double, as the C code computes it.
    for w in [1e-6_f32.next_down(), 1e-6, 1e-6_f32.next_up(), 1.1e-6, 9e-7, 0.0, f32::MIN_POSITIVE]
    {
        for w in [w, -w] {
            let mut weights = [0.0; 128];
            (weights[0], weights[1]) = (1.0, w);
            let expected = if f64::from(w).abs() < 1e-6 {
                1
            } else if w > 0.0 {
                2
            } else {
                0
            };
            assert_eq!(quantize(&weights).unwrap()[1] >> 6, expected, "{w:e}");
        }
    }
}

#[test]
fn absmean_rounds_half_to_zero_and_clamps() {
    // Eight magnitudes that sum to 8 and 120 ones: the mean is exactly 1.
    let mut weights = [1.0_f32; 128];
    weights[..8].copy_from_slice(&[0.5, -0.5, 0.625, -0.375, 2.5, -1.5, 2.0, 0.0]);
    let bytes = quantize_absmean(&weights).unwrap();
    assert_eq!(bytes[32..36], 1.0_f32.to_le_bytes());
    let codes: Vec<u8> = bytes[..8].iter().map(|byte| byte >> 6).collect();
    assert_eq!(codes, [1, 1, 2, 1, 2, 0, 2, 1]);
}

#[test]
fn absmean_of_nothing_but_zeros_is_zeros() {
    let bytes = quantize_absmean(&[0.0; 128]).unwrap();
    assert_eq!(bytes[..32], [0b01_01_01_01; 32]);
    validate(&bytes, 128).unwrap();
}

#[test]
fn parts_encode_and_decode_like_the_whole() {
    let weights = worked(1024);
    let whole = quantize(&weights).unwrap();
    let mut codes = vec![0; 256];
    let mut out = vec![0.0; 1024];
    for part in 0..4 {
        let (values, bytes) = (part * 256..part * 256 + 256, part * 64..part * 64 + 64);
        let most = encode_codes(&weights[values.clone()], &mut codes[bytes.clone()]).unwrap();
        assert_eq!(most.to_bits(), 1.0_f32.to_bits());
        decode_codes(&codes[bytes], 1.0, &mut out[values]).unwrap();
    }
    assert_eq!((codes.as_slice(), bits(&out)), (&whole[..256], bits(&weights)));
    let mut row = vec![0.0; 128];
    I2S.decode(&whole, Shape::new(8, 128), 3, &mut row).unwrap();
    assert_eq!(bits(&row), bits(&weights[384..512]));
}

#[test]
fn a_code_of_three_is_refused_by_element() {
    let good = quantize(&worked(256)).unwrap();
    for (byte, shift, element) in [(0, 6, 0), (0, 0, 96), (31, 4, 63), (32, 6, 128), (63, 0, 255)] {
        let mut bytes = good.clone();
        bytes[byte] |= 3 << shift;
        let e = validate(&bytes, 256).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Gguf);
        assert!(e.to_string().contains(&format!("element {element}:")), "{e}");
        assert!(dequantize(&bytes, 256, &mut [0.0; 256]).is_err());
    }
    validate(&good, 256).unwrap();
}

#[test]
fn a_bad_scale_is_refused_and_zero_only_with_weights() {
    let with = |scale: f32, weights: &[f32]| {
        let mut bytes = quantize(weights).unwrap();
        bytes[32..36].copy_from_slice(&scale.to_le_bytes());
        validate(&bytes, 128).map_err(|e| e.kind())
    };
    let weights = worked(128);
    for scale in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(with(scale, &weights), Err(ErrorKind::NonFinite));
    }
    for scale in [-1.0, -0.0, 0.0] {
        assert_eq!(with(scale, &weights), Err(ErrorKind::Gguf), "{scale}");
    }
    assert_eq!(with(0.0, &[0.0; 128]), Ok(()));
    assert_eq!(with(f32::MIN_POSITIVE, &weights), Ok(()));
}

#[test]
fn wrong_lengths_are_refused_as_shapes() {
    let kind = |result: Result<()>| result.unwrap_err().kind();
    let bytes = quantize(&worked(128)).unwrap();
    assert_eq!(quantize(&[0.0; 100]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(kind(validate(&bytes[..63], 128)), ErrorKind::Shape);
    assert_eq!(kind(validate(&bytes, 256)), ErrorKind::Shape);
    assert_eq!(kind(dequantize(&bytes, 128, &mut [0.0; 127])), ErrorKind::Shape);
    assert_eq!(kind(encode_codes(&[0.0; 128], &mut [0; 31]).map(|_| ())), ErrorKind::Shape);
    assert_eq!(kind(I2S.decode(&bytes, Shape::vector(128), 0, &mut [0.0; 64])), ErrorKind::Shape);
    assert_eq!(kind(I2S.decode(&bytes, Shape::vector(128), 1, &mut [0.0; 128])), ErrorKind::Shape);
    assert_eq!(
        kind(I2S.decode(&bytes[..16], Shape::vector(128), 0, &mut [0.0; 128])),
        ErrorKind::Shape
    );
}

#[test]
fn weights_that_are_not_finite_are_refused_by_index() {
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut weights = worked(256);
        weights[131] = bad;
        for result in [quantize(&weights), quantize_absmean(&weights)] {
            let e = result.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::NonFinite);
            assert!(e.to_string().contains("element 131 "), "{e}");
        }
    }
}

#[test]
fn the_scale_is_the_largest_magnitude_wherever_it_is() {
    for i in 0..256 {
        let mut weights = [1.0; 256];
        weights[i] = -3.0;
        let bytes = quantize(&weights).unwrap();
        assert_eq!(bytes[64..68], 3.0_f32.to_le_bytes(), "element {i}");
    }
}

#[test]
fn a_tensor_of_an_arm_build_is_laid_out_anew_when_it_is_declared() {
    // Origin: microsoft/BitNet's quantiser with groups of 64, engine facts 2.5: `16 68 81` repeated for the first 64.
    let weights = worked(256);
    let ours = quantize(&weights).unwrap();
    let mut arm = ours.clone();
    for (byte, at) in (0..64).map(|at| (at, at / 16 * 64 + at % 16)) {
        let code = |e: usize| if weights[e] < 0.0 { 0 } else { 1 + u8::from(weights[e] > 0.0) };
        arm[byte] = code(at) << 6 | code(at + 16) << 4 | code(at + 32) << 2 | code(at + 48);
    }
    assert_eq!(arm[..6], [0x16, 0x68, 0x81, 0x16, 0x68, 0x81]);
    assert_ne!(arm, ours);
    assert_eq!(from_arm(&arm, 256).unwrap(), ours);
    // Read as what it is not, it is valid and nonsense: nothing but a declaration can tell.
    validate(&arm, 256).unwrap();
    assert_eq!(from_arm(&arm[1..], 256).unwrap_err().kind(), ErrorKind::Shape);
}
