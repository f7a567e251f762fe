//! Names of the tensor type numbers the field uses, so that a refusal can say what it refuses.
//! Which of them this build decodes is the register of [`crate::quant`], not this table.

use crate::quant::{self, BlockFormat};
use crate::{Error, ErrorKind, Result};

/// Type numbers in files, by number: ggml's, and from 36 on those of Microsoft's fork where the two collide.
#[rustfmt::skip] // A table of numbers reads as rows.
const FIELD: &[(u32, &str)] = &[
    (0, "F32"), (1, "F16"), (2, "Q4_0"), (3, "Q4_1"), (4, "Q4_2 (removed)"), (5, "Q4_3 (removed)"),
    (6, "Q5_0"), (7, "Q5_1"), (8, "Q8_0"), (9, "Q8_1"),
    (10, "Q2_K"), (11, "Q3_K"), (12, "Q4_K"), (13, "Q5_K"), (14, "Q6_K"), (15, "Q8_K"),
    (16, "IQ2_XXS"), (17, "IQ2_XS"), (18, "IQ3_XXS"), (19, "IQ1_S"), (20, "IQ4_NL"), (21, "IQ3_S"), (22, "IQ2_S"),
    (23, "IQ4_XS"), (24, "I8"), (25, "I16"), (26, "I32"), (27, "I64"), (28, "F64"), (29, "IQ1_M"), (30, "BF16"),
    (31, "Q4_0_4_4 (removed)"), (32, "Q4_0_4_8 (removed)"), (33, "Q4_0_8_8 (removed)"), (34, "TQ1_0"), (35, "TQ2_0"),
    (36, "I2_S"), (37, "I8_S"), (38, "TL1"), (39, "TL2 or MXFP4"), (40, "NVFP4"), (41, "Q1_0"), (42, "Q2_0"),
];

/// The format with type number `id`, which `tensor` claims to be stored in.
pub(super) fn format_of(id: u32, tensor: &str) -> Result<&'static dyn BlockFormat> {
    if let Some(format) = quant::by_id(id) {
        return Ok(format);
    }
    let supported: Vec<String> =
        quant::FORMATS.iter().map(|f| format!("{} ({})", f.name(), f.id())).collect();
    let supported = supported.join(", ");
    match FIELD.iter().find(|row| row.0 == id) {
        Some((_, name)) => Err(Error::new(
            ErrorKind::UnsupportedTensorType,
            format!(
                "tensor `{tensor}`: expected one of the types {supported}, found {name} ({id}), which this build does \
                 not decode; convert the model with ternary weights in i2_s, the rest in f16 or f32"
            ),
        )),
        None => Err(Error::gguf(format!(
            "tensor `{tensor}`: expected one of the types {supported}, found the unknown number {id}; the file is \
             corrupt or newer than this build"
        ))),
    }
}
