//! The trend: medians of earlier sessions with their min–max band, then this session's processes, base and head.
//! In: one series. Out: time from left to right, value upwards.

use super::{
    Chart, Drawing, Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, svg},
};
use crate::{
    Finding, Result,
    quantity::{Scale, counted, value},
    series::{ProcessSamples, Series, median_of},
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 28, bottom: 40, left: 52, right: 10 };

/// Part of the width that the history takes, where there is one.
const HISTORY_SHARE: f64 = 0.55;

/// A longer history is drawn as band and line alone: its points would cover both.
const MOST_POINTS: usize = 60;

/// Medians over sessions, then over the processes of this one.
#[derive(Clone, Copy, Debug)]
pub struct Trend;

/// One arm's part of the picture, in parts of the width.
struct Block<'a> {
    name: &'static str,
    processes: &'a [ProcessSamples],
    marker: Marker,
    role: Role,
    left: f64,
    right: f64,
}

impl Chart for Trend {
    fn name(&self) -> &'static str {
        "trend"
    }

    fn title(&self) -> &'static str {
        "Trend"
    }

    fn doc(&self) -> &'static str {
        "Left: median and min–max band of each earlier session in the store. Right: this session, one mark per process, \
         in the order they ran; the line is the arm's median. The axis doesn't start at zero."
    }

    fn draw(&self, series: &Series, _finding: Option<&Finding>) -> Result<Drawing> {
        let medians = series.base.iter().chain(&series.head).map(|process| process.median);
        let history = series.history.iter().flat_map(|p| [p.min, p.median, p.max]);
        let Some(y) = Axis::of_values(medians.chain(history)) else {
            return Ok(Drawing::Nothing("no samples and no history".to_owned()));
        };
        let split = if series.history.is_empty() { 0.0 } else { HISTORY_SHARE };
        let middle = f64::midpoint(split, 1.0);
        let blocks = [
            Block {
                name: "base",
                processes: &series.base,
                marker: Marker::Ring,
                role: Role::Base,
                left: split,
                right: middle,
            },
            Block {
                name: "head",
                processes: &series.head,
                marker: Marker::Triangle,
                role: Role::Head,
                left: middle,
                right: 1.0,
            },
        ];
        let body = svg(MARGINS, Axis { low: 0.0, high: 1.0 }, y, |canvas| {
            let scale = Scale::of(series.unit, y.high);
            canvas.value_axis(&y.ticks(6, scale.divisor), scale.suffix)?;
            if split > 0.0 {
                draw_history(canvas, series, split)?;
            }
            for block in &blocks {
                draw_block(canvas, block)?;
            }
            Ok(())
        })?;
        let description = describe(series, &blocks);
        Ok(Drawing::Picture(Picture { body, size: CHART_SIZE, description, tips: Vec::new() }))
    }
}

fn draw_history(canvas: &Canvas<'_>, series: &Series, split: f64) -> Result<()> {
    let n = series.history.len();
    let x = |idx: usize| split * (to_f64(idx) + 0.5) / to_f64(n);
    let points = || series.history.iter().enumerate();
    if let [point] = series.history.as_slice() {
        canvas.path(vec![(x(0), point.min), (x(0), point.max)], Role::Band, 6)?;
    } else {
        let above = points().map(|(idx, point)| (x(idx), point.max));
        let below = points().rev().map(|(idx, point)| (x(idx), point.min));
        canvas.area(above.chain(below).collect(), Role::Band)?;
        canvas.path(points().map(|(idx, p)| (x(idx), p.median)).collect(), Role::Muted, 1)?;
    }
    if n <= MOST_POINTS {
        points().try_for_each(|(idx, point)| {
            canvas.point((x(idx), point.median), Marker::Disc, Role::Muted)
        })?;
    }
    canvas.vertical(split, Role::Grid, 1)?;
    let (left, right) = (canvas.x_px.start, canvas.px((split, 0.0)).0 - 6);
    let (row_1, row_2) = rows(canvas);
    let (first, last) =
        (day(&series.history[0].started_at), day(&series.history[n - 1].started_at));
    if first == last {
        canvas.text_px(&first, (i32::midpoint(left, right), row_1), Align::Center, Role::Muted)?;
    } else {
        canvas.text_px(&first, (left, row_1), Align::Left, Role::Muted)?;
        canvas.text_px(&last, (right, row_1), Align::Right, Role::Muted)?;
    }
    let label = counted(n, "earlier session", "earlier sessions");
    canvas.text_px(&label, (i32::midpoint(left, right), row_2), Align::Center, Role::Muted)
}

fn draw_block(canvas: &Canvas<'_>, block: &Block<'_>) -> Result<()> {
    let n = block.processes.len();
    let width = block.right - block.left;
    if let Some(median) = median_of(block.processes) {
        let inset = 0.08 * width;
        let line = vec![(block.left + inset, median), (block.right - inset, median)];
        canvas.path(line, block.role, 2)?;
    }
    for (idx, process) in block.processes.iter().enumerate() {
        let x = block.left + width * (0.1 + 0.8 * (to_f64(idx) + 0.5) / to_f64(n));
        canvas.point((x, process.median), block.marker, block.role)?;
    }
    let center = canvas.px((f64::midpoint(block.left, block.right), 0.0)).0;
    let (row_1, row_2) = rows(canvas);
    canvas.text_px(block.name, (center, row_1), Align::Center, block.role)?;
    let label = if n == 0 { "no samples".to_owned() } else { format!("n = {n}") };
    canvas.text_px(&label, (center, row_2), Align::Center, Role::Muted)
}

/// Pixel rows of the two lines of labels.
fn rows(canvas: &Canvas<'_>) -> (i32, i32) {
    (canvas.y_px.end + 14, canvas.y_px.end + 30)
}

/// The day of a UTC time, `2026-01-31`.
fn day(time: &str) -> String {
    time.chars().take(10).collect()
}

fn describe(series: &Series, blocks: &[Block<'_>]) -> String {
    let mut parts = Vec::new();
    match series.history.last() {
        None => parts.push("No earlier sessions.".to_owned()),
        Some(last) => parts.push(format!(
            "{}, the latest on {} with median {}.",
            counted(series.history.len(), "earlier session", "earlier sessions"),
            day(&last.started_at),
            value(last.median, series.unit)
        )),
    }
    for block in blocks {
        let medians = crate::series::sorted(
            &block.processes.iter().map(|process| process.median).collect::<Vec<_>>(),
        );
        parts.push(match (median_of(block.processes), medians.first(), medians.last()) {
            (Some(median), Some(low), Some(high)) => format!(
                "This session's {}: median {} over {}, from {} to {}.",
                block.name,
                value(median, series.unit),
                counted(medians.len(), "process", "processes"),
                value(*low, series.unit),
                value(*high, series.unit)
            ),
            _ => format!("This session's {}: no samples.", block.name),
        });
    }
    parts.join(" ")
}
