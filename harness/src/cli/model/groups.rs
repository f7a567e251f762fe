//! The tensors of a model file by kind: those of all layers that are alike are one line.

use engine::gguf::{File, Tensor};

/// Tensors that differ in their layer only.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Their name, with `*` for the layer.
    pub(super) kind: String,
    /// As stored: the contiguous dimension first.
    pub(super) dims: Vec<usize>,
    pub(super) format: &'static str,
    pub(super) n: u64,
    /// Of one of them.
    pub(super) bytes: u64,
}

/// `blk.12.attn_q.weight` → `blk.*.attn_q.weight`.
pub(super) fn kind(name: &str) -> String {
    let parts = name.split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.map(|part| if number(part) { "*" } else { part }).collect::<Vec<_>>().join(".")
}

/// All tensors, in the order of the first of each group.
pub(super) fn groups(file: &File) -> Vec<Group> {
    let mut all: Vec<Group> = Vec::new();
    for tensor in file.tensors() {
        let one = of(tensor);
        let alike = |group: &&mut Group| {
            (&group.kind, &group.dims, group.format) == (&one.kind, &one.dims, one.format)
        };
        match all.iter_mut().find(alike) {
            Some(group) => group.n += 1,
            None => all.push(one),
        }
    }
    all
}

fn of(tensor: &Tensor) -> Group {
    Group {
        kind: kind(tensor.name()),
        dims: tensor.dims().to_vec(),
        format: tensor.format().name(),
        n: 1,
        bytes: tensor.range().len() as u64,
    }
}

/// `2560 × 640`.
pub(super) fn dims(dims: &[usize]) -> String {
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use engine::gguf::Writer;

    use super::*;

    #[test]
    fn layers_are_one_group_unless_they_differ() {
        let mut writer = Writer::new();
        writer.tensor("blk.0.a.weight", &[1], 0, &[0; 4]).tensor("b", &[1], 0, &[0; 4]);
        writer.tensor("blk.10.a.weight", &[1], 0, &[0; 4]);
        writer.tensor("blk.2.a.weight", &[1], 1, &[0; 2]);
        let file = File::parse(writer.to_bytes().into()).unwrap();
        let all: Vec<_> =
            groups(&file).into_iter().map(|g| (g.kind, g.format, g.n, g.bytes)).collect();
        let row = |kind: &str, format, n, bytes| (kind.to_owned(), format, n, bytes);
        let want = [
            row("blk.*.a.weight", "f32", 2, 4),
            row("b", "f32", 1, 4),
            row("blk.*.a.weight", "f16", 1, 2),
        ];
        assert_eq!(all, want);
    }
}
