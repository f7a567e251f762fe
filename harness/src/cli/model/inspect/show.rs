//! What `bench model inspect` prints for people, in 80 columns.

use engine::gguf::File;

use super::{Look, codes::Codes, keys};
use crate::cli::{
    model::groups::{dims, groups},
    table::{self, one_line, wrapped},
};

/// Columns of a line.
const WIDTH: usize = 80;

/// All of it; `each`: every tensor on a line of its own.
pub(super) fn text(look: &Look, each: bool) -> String {
    let mut said = match &look.model {
        Ok((info, tokenizer)) => table::model(info, tokenizer),
        Err(reason) => format!(
            "{}: GGUF version {}, {} bytes, SHA-256 {}\n{}\n",
            look.name,
            look.file.version(),
            look.file.bytes().len(),
            look.digest,
            wrapped(&one_line(reason), "  ")
        ),
    };
    said += &format!("\n{}\n", table::count(look.file.tensors().len() as u64, "tensor"));
    said += &if each { every_tensor(&look.file) } else { tensors_by_kind(&look.file) };
    if !look.codes.is_empty() {
        said += &format!("\n{}", codes(&look.codes));
    }
    said += &format!("\n{}\n", table::count(look.file.entries().len() as u64, "key"));
    for (key, _, value) in keys::keys(&look.file) {
        said += &format!("{}\n", cut(&one_line(&format!("{key} = {value}"))));
    }
    if look.layout.is_some() || !look.doubts.is_empty() {
        said += "\n";
    }
    if let Some(layout) = &look.layout {
        said += &format!("{}\n", wrapped(&format!("note: {layout}"), "  "));
    }
    for doubt in &look.doubts {
        let line = format!("warning: {}: {}", doubt.name, doubt.text);
        said += &format!("{}\n", wrapped(&one_line(&line), "  "));
    }
    said
}

fn tensors_by_kind(file: &File) -> String {
    let mut rows = table::table(&["name", "type", "dims", "count", "bytes each"], 3..5);
    for group in groups(file) {
        rows.add_row([
            one_line(&group.kind),
            group.format.to_owned(),
            dims(&group.dims),
            group.n.to_string(),
            group.bytes.to_string(),
        ]);
    }
    table::text(&rows)
}

fn every_tensor(file: &File) -> String {
    let mut rows = table::table(&["name", "type", "dims", "offset", "bytes"], 3..5);
    for tensor in file.tensors() {
        rows.add_row([
            one_line(tensor.name()),
            tensor.format().name().to_owned(),
            dims(tensor.dims()),
            tensor.range().start.to_string(),
            tensor.range().len().to_string(),
        ]);
    }
    table::text(&rows)
}

fn codes(all: &[Codes]) -> String {
    let mut rows = table::table(&["codes of", "type", "-1", "0", "+1", "scale"], 2..5);
    for codes in all {
        let [minus, zero, plus] = codes.n.map(|n| share(n, codes.n.iter().sum()));
        rows.add_row([
            one_line(&codes.kind),
            codes.format.to_owned(),
            minus,
            zero,
            plus,
            scales(codes.scales),
        ]);
    }
    table::text(&rows)
}

fn share(n: u64, of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let share = n as f64 / of.max(1) as f64;
    format!("{:.2} %", share * 100.0)
}

fn scales(scales: Option<(f32, f32)>) -> String {
    scales.map_or_else(
        || "none".to_owned(),
        |(least, most)| {
            if least.to_bits() == most.to_bits() {
                format!("{least:.6}")
            } else {
                format!("{least:.6} to {most:.6}")
            }
        },
    )
}

/// The line, or as much of it as has room.
fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.trim_end().to_owned();
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}
