//! Importers: measurement series that other tools wrote.
//!
//! In: the bytes of one file, plain or gzip, from anywhere. Out: [`Imported`], or an error with the line it is about.
//! The bytes are hostile until shown otherwise: every size is bounded, and nothing of them is ever run.

mod csv;
mod fault;
mod gobench;
mod gzip;
mod series;

use std::borrow::Cow;

use crate::Result;
use fault::malformed;
pub use series::{Context, Imported, Point, Series};

/// Most bytes of one file, after decompression.
pub const MAX_BYTES: usize = 256 << 20;
/// Most bytes of one line; of one row of a table, quoted line breaks included.
pub const MAX_LINE_BYTES: usize = 64 << 10;
/// Most values of one file, as many as samples in a bundle.
pub const MAX_VALUES: usize = 2_000_000;
/// Most series of one file.
pub const MAX_SERIES: usize = 20_000;
/// Most contexts of one file.
pub const MAX_CONTEXTS: usize = 65_536;

/// One foreign format.
#[derive(Clone, Copy, Debug)]
pub struct Importer {
    /// Kebab-case name.
    pub name: &'static str,
    /// What it reads, in a sentence.
    pub about: &'static str,
    /// Whether plain bytes look like it.
    pub sniff: fn(&[u8]) -> bool,
    /// Plain bytes to series.
    pub parse: fn(&[u8]) -> Result<Imported>,
}

/// All importers, sorted by name.
pub const IMPORTERS: &[Importer] = &[csv::IMPORTER, gobench::IMPORTER];

/// Reads one file: unpacks it if it is gzip, finds its importer, parses it.
///
/// # Errors
/// `Malformed`: no importer knows it, a limit is passed, or what the importer says about a line.
pub fn import(bytes: &[u8]) -> Result<Imported> {
    let plain: Cow<'_, [u8]> = gzip::plain(bytes)?;
    let known = IMPORTERS.iter().find(|importer| (importer.sniff)(&plain));
    let importer = known.ok_or_else(|| {
        let about: Vec<&str> = IMPORTERS.iter().map(|importer| importer.about).collect();
        malformed(1, &about.join(" Or: "), "neither of them", "leave this file out of the folder")
    })?;
    (importer.parse)(&plain)
}
