//! The attribution: each part's share of the base's sample by which the head is slower or faster, with its interval.
//! In: one workload of a triage. Out: a bar for each part, from the line of zero; those that are named stand out in size, sign and colour.
//!
//! It draws no series, so that it has no place in [`CHARTS`](super::CHARTS); as the rooflines it has a section of its own.

use super::{
    Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, sized},
};
use crate::{
    Result,
    quantity::{counted, share, short_percent},
    text::{cut, visible},
    theme::{CHART_SIZE, Role},
    triage::{Change, Part, Workload},
};

const MARGINS: Margins = Margins { top: 10, bottom: 46, left: 152, right: 62 };

/// Parts that one picture holds; the table beside it has all.
pub(crate) const MOST_ROWS: usize = 32;

/// Pixels of a row.
const ROW: u32 = 22;

/// Characters of a part's name.
const MOST_CHARACTERS: usize = 19;

/// The axis reaches so far to both sides at least: less is nothing that a triage names.
const LEAST_SHARE: f64 = 0.001;

/// Draws the parts of `workload` in their order.
pub(crate) fn draw(workload: &Workload) -> Result<Picture> {
    let parts = &workload.parts[..workload.parts.len().min(MOST_ROWS)];
    let n_rows = u32::try_from(parts.len().max(1)).unwrap_or(1);
    let size = (CHART_SIZE.0, (MARGINS.top + MARGINS.bottom).unsigned_abs() + ROW * n_rows);
    let ends = parts.iter().flat_map(|part| [part.change.share, part.change.low, part.change.high]);
    let x = Axis::of_log_ratios(ends.chain([-LEAST_SHARE, LEAST_SHARE]));
    let y = Axis { low: 0.0, high: f64::from(n_rows) };
    let body = sized(size, MARGINS, x, y, |canvas| {
        draw_axis(canvas, x)?;
        for (nth, part) in parts.iter().enumerate() {
            draw_part(canvas, part, y.high - to_f64(nth) - 0.5)?;
        }
        canvas.vertical(0.0, Role::Ink, 1)
    })?;
    Ok(Picture { body, size, description: describe(workload), tips: Vec::new() })
}

fn draw_axis(canvas: &Canvas<'_>, x: Axis) -> Result<()> {
    for tick in x.ticks(4, 0.01) {
        canvas.vertical(tick.at, Role::Grid, 1)?;
        let at = canvas.px((tick.at, 0.0)).0;
        let label = short_percent(100.0 * tick.at);
        canvas.text_px(&label, (at, canvas.y_px.end + 14), Align::Center, Role::Muted)?;
    }
    let row = canvas.y_px.end + 34;
    canvas.text_px("← faster", (canvas.x_px.start, row), Align::Left, Role::Muted)?;
    canvas.text_px("slower →", (canvas.x_px.end, row), Align::Right, Role::Muted)
}

fn draw_part(canvas: &Canvas<'_>, part: &Part, y: f64) -> Result<()> {
    let Change { share: at, low, high, .. } = part.change;
    let (bar, line, half) = match part.named {
        true => (role(&part.change), Role::Ink, 0.34),
        false => (Role::Faint, Role::Muted, 0.14),
    };
    let row = canvas.px((0.0, y)).1;
    if [at, low, high].iter().all(|end| end.is_finite()) {
        canvas.rectangle((at.min(0.0), y + half), (at.max(0.0), y - half), bar)?;
        canvas.path(vec![(low, y), (high, y)], line, 1)?;
        for end in [low, high] {
            canvas.path(vec![(end, y - 0.2), (end, y + 0.2)], line, 1)?;
        }
    }
    let name = cut_short(&part.name);
    let left = canvas.x_px.start;
    if part.named {
        let marker = if at > 0.0 { Marker::Up } else { Marker::Down };
        canvas.point_px((left - 10, row), marker, bar)?;
        let label = share(at);
        canvas.text_px(&label, (canvas.x_px.end + MARGINS.right - 2, row), Align::Right, bar)?;
    }
    let ink = if part.named { Role::Ink } else { Role::Muted };
    canvas.text_px(&name, (left - 20, row), Align::Right, ink)
}

/// The colour of a change that is named.
const fn role(change: &Change) -> Role {
    if change.share > 0.0 { Role::Fail } else { Role::Pass }
}

fn cut_short(name: &str) -> String {
    let shown = visible(name);
    if shown.chars().count() <= MOST_CHARACTERS {
        return shown;
    }
    shown.chars().take(MOST_CHARACTERS - 1).chain(['…']).collect()
}

fn describe(workload: &Workload) -> String {
    let interval = |change: &Change| {
        format!("{} ({} to {})", share(change.share), share(change.low), share(change.high))
    };
    let named: Vec<String> = workload
        .parts
        .iter()
        .filter(|part| part.named)
        .map(|part| format!("{} {}", cut(&part.name, 80), interval(&part.change)))
        .collect();
    let others = counted(workload.parts.len() - named.len(), "part", "parts");
    let said = match named.is_empty() {
        true => format!("No part is named: all {others} may be unchanged."),
        false => format!("Named: {}. {others} besides, not named.", named.join("; ")),
    };
    format!("The whole changed by {}. {said}", interval(&workload.whole))
}
