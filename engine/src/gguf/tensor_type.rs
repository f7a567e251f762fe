//! Names of the tensor type numbers the field uses, and the decision what a number means that two forks use differently.
//! Which of them this build decodes is the register of [`crate::quant`], not this table.

use super::tiles::{TILES_KEY, TileTable};
use super::value::Value;
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

/// TL2 in Microsoft's fork, MXFP4 upstream.
const TL2: u32 = 39;
/// `general.file_type` of Microsoft's TL2 files. Upstream's 39 is NVFP4, whose tensors have type 40. The fork's 38 (TL1) and 40
/// (I2_S) say nothing here: upstream's 38 is the very number of MXFP4 files.
const TL2_FILE_TYPE: u32 = 39;

/// What in the file tells the two meanings of type 39 apart.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Why 39 is TL2, if it is.
    tl2: Option<String>,
    /// What was looked at and found otherwise.
    found: String,
}

impl Evidence {
    /// Looks at architecture, file type and tiles.
    pub(super) fn read<'a>(get: impl Fn(&str) -> Option<Value<'a>>, tiles: &TileTable) -> Self {
        let architecture = match get("general.architecture") {
            Some(Value::String(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        let file_type = match get("general.file_type") {
            Some(Value::U32(number)) => Some(number),
            _ => None,
        };
        let tl2 = if architecture.starts_with("bitnet") {
            Some(format!(
                "general.architecture is `{}`",
                super::cursor::shown(architecture.as_bytes())
            ))
        } else if tiles.names(TL2) {
            Some(format!("{TILES_KEY} has tiles for it"))
        } else if file_type == Some(TL2_FILE_TYPE) {
            Some(format!("general.file_type is {TL2_FILE_TYPE}"))
        } else {
            None
        };
        let file_type = file_type.map_or_else(|| "none".to_owned(), |number| number.to_string());
        let found = format!(
            "architecture `{}`, file type {file_type}, no tiles for type {TL2}",
            super::cursor::shown(architecture.as_bytes())
        );
        Self { tl2, found }
    }

    /// What was decided about a format whose number means something else in another fork, for a person; `None` for the others.
    pub(super) fn note(&self, format: &dyn BlockFormat) -> Option<String> {
        let (name, id) = (format.name(), format.id());
        match id {
            36 | 38 => Some(format!(
                "type {id} is read as {name}, Microsoft's meaning; upstream ggml used the number for a type that it removed"
            )),
            TL2 => Some(format!(
                "type {id} is read as {name}, Microsoft's meaning, not as upstream's MXFP4, because {}",
                self.tl2.as_deref().unwrap_or("nothing else was possible")
            )),
            _ => None,
        }
    }
}

/// The format with type number `id`, which `tensor` claims to be stored in.
pub(super) fn format_of(
    id: u32,
    tensor: &str,
    evidence: &Evidence,
) -> Result<&'static dyn BlockFormat> {
    if id == TL2 && evidence.tl2.is_none() {
        let text = format!(
            "tensor `{tensor}`: type {TL2} is taken for upstream's MXFP4, which this build does not decode: expected for TL2 an \
             architecture that begins with `bitnet`, general.file_type {TL2_FILE_TYPE} or {TILES_KEY} with an entry for type \
             {TL2}, found {}",
            evidence.found
        );
        return Err(Error::new(ErrorKind::UnsupportedTensorType, text));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::{File, Writer};
    use crate::quant::Shape;

    type Prepare<'a> = &'a dyn Fn(&mut Writer);

    /// A file with one tensor of this type, made for it by the format or, as MXFP4, of 17 bytes each 32 elements.
    fn file(id: u32, prepare: impl Fn(&mut Writer)) -> Result<File> {
        let mut writer = Writer::new();
        prepare(&mut writer);
        let bytes =
            quant::by_id(id).unwrap().encode(&[1.0; 32 * 128], Shape::new(32, 128)).unwrap();
        writer.tensor("w", &[128, 32], id, &bytes);
        File::parse(writer.to_bytes().into())
    }

    #[test]
    fn type_39_is_tl2_where_the_file_says_so_and_the_file_says_why() {
        let six = [39, 32, 128, 32, 192, 32];
        let architecture = |name| move |w: &mut Writer| _ = w.string("general.architecture", name);
        let evidence: [(&str, Prepare<'_>); 4] = [
            ("is `bitnet-b1.58`", &architecture("bitnet-b1.58")),
            ("is `bitnet`", &architecture("bitnet")),
            ("general.file_type is 39", &|w| _ = w.u32("general.file_type", 39)),
            ("tritgate.tiles has", &|w| _ = w.u32s("tritgate.tiles", &six)),
        ];
        for (why, prepare) in evidence {
            let file = file(39, prepare).unwrap();
            assert_eq!(file.tensor("w").unwrap().format().name(), "tl2");
            let [note] = file.notes() else { panic!("one note: {:?}", file.notes()) };
            assert!(note.starts_with("type 39 is read as tl2") && note.contains(why), "{note}");
        }
    }

    #[test]
    fn type_39_is_mxfp4_elsewhere_and_the_error_says_what_would_have_made_it_tl2() {
        // Upstream's file types: 38 is MXFP4, 40 is Q1_0 (PyPI gguf 0.19.0, `LlamaFileType`).
        for file_type in [None, Some(1), Some(38), Some(40)] {
            let error = file(39, |w| {
                w.string("general.architecture", "gpt-oss");
                if let Some(number) = file_type {
                    w.u32("general.file_type", number);
                }
            })
            .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnsupportedTensorType);
            let text = error.to_string();
            for part in ["`w`", "MXFP4", "`bitnet`", "file_type 39", "tritgate.tiles", "`gpt-oss`"]
            {
                assert!(text.contains(part), "{text}");
            }
        }
        file(39, |_| {}).unwrap_err();
    }

    #[test]
    fn numbers_that_upstream_removed_are_microsofts_and_noted() {
        for (id, name) in [(36, "i2_s"), (38, "tl1")] {
            let file = file(id, |_| {}).unwrap();
            assert_eq!(file.tensor("w").unwrap().format().name(), name);
            assert!(file.notes()[0].contains(&format!("type {id} is read as {name}")));
        }
        assert!(file(0, |_| {}).unwrap().notes().is_empty());
    }
}
