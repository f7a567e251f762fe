//! What the ternary codes of a model file are: how many -1, 0 and +1 each kind of matrix has, and what they are multiplied by.

use engine::{
    Result,
    gguf::{File, Tensor},
};

use crate::cli::model::groups::kind;

/// The codes of all matrices of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Codes {
    pub(super) kind: String,
    pub(super) format: &'static str,
    /// Of -1, 0 and +1.
    pub(super) n: [u64; 3],
    /// The least and the largest factor of a code that is not 0; `None` where all are.
    pub(super) scales: Option<(f32, f32)>,
}

/// All kinds, in file order; a tensor whose bytes are none of its format is told in the second list instead.
pub(super) fn codes(file: &File) -> (Vec<Codes>, Vec<String>) {
    let (mut all, mut broken): (Vec<Codes>, Vec<String>) = Default::default();
    for tensor in file.tensors().iter().filter(|tensor| tensor.format().ternary().is_some()) {
        let found = match count(file, tensor) {
            Ok(found) => found,
            Err(error) => {
                broken.push(format!("tensor `{}`: {error}", tensor.name()));
                continue;
            }
        };
        match all
            .iter_mut()
            .find(|codes| (&codes.kind, codes.format) == (&found.kind, found.format))
        {
            Some(codes) => codes.join(&found),
            None => all.push(found),
        }
    }
    (all, broken)
}

impl Codes {
    fn join(&mut self, other: &Self) {
        for (sum, n) in self.n.iter_mut().zip(other.n) {
            *sum += n;
        }
        for scale in other.scales.into_iter().flat_map(|(least, most)| [least, most]) {
            self.scale(scale);
        }
    }

    fn scale(&mut self, scale: f32) {
        let (least, most) = self.scales.unwrap_or((scale, scale));
        self.scales = Some((least.min(scale), most.max(scale)));
    }
}

/// Row by row, through the format's own decoder: blocks may have scales of their own.
fn count(file: &File, tensor: &Tensor) -> Result<Codes> {
    let (format, shape, bytes) = (tensor.format(), tensor.shape(), file.tensor_bytes(tensor));
    format.check(bytes, shape)?;
    let factor = format.scale(bytes, shape) * beside(file, tensor);
    let mut codes =
        Codes { kind: kind(tensor.name()), format: format.name(), n: [0; 3], scales: None };
    let mut row = vec![0.0; shape.cols];
    let (mut least, mut most) = (f32::INFINITY, 0.0_f32);
    for i in 0..shape.rows {
        format.row(bytes, shape, i, &mut row)?;
        let minus = row.iter().filter(|value| **value < 0.0).count() as u64;
        let plus = row.iter().filter(|value| **value > 0.0).count() as u64;
        codes.n[0] += minus;
        codes.n[1] += row.len() as u64 - minus - plus;
        codes.n[2] += plus;
        for value in row.iter().map(|value| value.abs()).filter(|value| *value > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
    }
    if most > 0.0 {
        codes.scale(least * factor);
        codes.scale(most * factor);
    }
    Ok(codes)
}

/// The number that stands beside a matrix and multiplies its product; 1 without one.
fn beside(file: &File, tensor: &Tensor) -> f32 {
    let name = tensor.name().strip_suffix(".weight").map(|stem| format!("{stem}.scale"));
    let scale = name.and_then(|name| file.find_tensor(&name));
    let one = scale.filter(|scale| scale.format().name() == "f32" && scale.n_elements() == 1);
    let bytes = one.and_then(|scale| file.tensor_bytes(scale).first_chunk());
    bytes.map_or(1.0, |bytes| f32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use engine::{
        gguf::Writer,
        quant::{Shape, by_name},
    };

    use super::*;

    #[test]
    fn codes_are_counted_by_kind_and_scales_are_those_of_the_product() {
        let shape = Shape::new(2, 256);
        let mut writer = Writer::new();
        for (layer, n_plus, scale) in [(0, 3, 0.5), (1, 7, 2.0)] {
            let mut trits = vec![0_i8; 512];
            trits[..n_plus].fill(1);
            trits[511] = -1;
            let format = by_name("i2_s").unwrap().ternary().unwrap();
            let bytes = format.pack(&trits, scale, shape).unwrap();
            writer.tensor(&format!("blk.{layer}.x.weight"), &[256, 2], 36, &bytes);
        }
        let mut values = vec![0.0; 512];
        (values[0], values[256]) = (0.25, -1.0);
        let blocks = by_name("tq2_0").unwrap().encode(&values, shape).unwrap();
        writer.tensor("y.weight", &[256, 2], 35, &blocks);
        writer.tensor("y.scale", &[1], 0, &3.0_f32.to_le_bytes());
        writer.tensor("z.weight", &[256, 2], 36, &[0xff; 160]);
        let file = File::parse(writer.to_bytes().into()).unwrap();
        let (all, broken) = codes(&file);
        let want = [
            Codes {
                kind: "blk.*.x.weight".to_owned(),
                format: "i2_s",
                n: [2, 1012, 10],
                scales: Some((0.5, 2.0)),
            },
            Codes {
                kind: "y.weight".to_owned(),
                format: "tq2_0",
                n: [1, 510, 1],
                scales: Some((0.75, 3.0)),
            },
        ];
        assert_eq!(all, want);
        assert!(broken.len() == 1 && broken[0].starts_with("tensor `z.weight`: "), "{broken:?}");
    }
}
