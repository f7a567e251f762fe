//! Bars of a whole: measured times with the floors inside them, or the parts of one.
//! In: rows of shares. Out: a bar for each, from zero to the whole.

use super::{
    Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, svg},
};
use crate::{
    Result, text,
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 28, bottom: 40, left: 120, right: 26 };

/// Rows that one picture holds; the table beside it has all.
pub(crate) const MOST_ROWS: usize = 8;

/// Characters of a row's name.
const MOST_CHARACTERS: usize = 15;

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// Shares of the whole, each with its colour, drawn one over the other, the first thickest.
    pub(crate) shares: Vec<(f64, Role)>,
}

/// Draws at most [`MOST_ROWS`] bars; `legend`: a word for each colour.
pub(crate) fn draw(bars: &[Bar], legend: &[(&str, Role)], description: String) -> Result<Picture> {
    let bars = &bars[..bars.len().min(MOST_ROWS)];
    let n = to_f64(bars.len().max(1));
    let y = Axis { low: 0.0, high: n };
    let body = svg(MARGINS, Axis { low: 0.0, high: 1.0 }, y, |canvas| {
        for (percent, at) in [(0, 0.0), (25, 0.25), (50, 0.5), (75, 0.75), (100, 1.0)] {
            canvas.vertical(at, Role::Grid, 1)?;
            let x = canvas.px((at, 0.0)).0;
            let label = format!("{percent}\u{a0}%");
            canvas.text_px(&label, (x, canvas.y_px.end + 14), Align::Center, Role::Muted)?;
        }
        for (nth, bar) in bars.iter().enumerate() {
            draw_bar(canvas, bar, n - to_f64(nth) - 0.5)?;
        }
        draw_legend(canvas, legend)
    })?;
    Ok(Picture { body, size: CHART_SIZE, description, tips: Vec::new() })
}

fn draw_bar(canvas: &Canvas<'_>, bar: &Bar, y: f64) -> Result<()> {
    let mut half = 0.36;
    for (share, role) in &bar.shares {
        canvas.rectangle((0.0, y + half), (share.clamp(0.0, 1.0), y - half), *role)?;
        half *= 0.5;
    }
    let name = short(&bar.name);
    let row = canvas.px((0.0, y)).1;
    canvas.text_px(&name, (canvas.x_px.start - 6, row), Align::Right, Role::Ink)
}

fn short(name: &str) -> String {
    let shown = text::visible(name);
    if shown.chars().count() <= MOST_CHARACTERS {
        return shown;
    }
    shown.chars().take(MOST_CHARACTERS - 1).chain(['…']).collect()
}

/// A square in its colour and a word, from the right.
fn draw_legend(canvas: &Canvas<'_>, legend: &[(&str, Role)]) -> Result<()> {
    let (mut x, y) = (canvas.x_px.end, canvas.y_px.start - 12);
    for (word, role) in legend.iter().rev() {
        canvas.text_px(word, (x, y), Align::Right, Role::Muted)?;
        x -= 7 * i32::try_from(word.chars().count()).unwrap_or(0) + 8;
        canvas.point_px((x, y), Marker::Square, *role)?;
        x -= 14;
    }
    Ok(())
}
