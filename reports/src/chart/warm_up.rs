//! The warm-up: how the iterations of a process follow one another, over the processes of each arm.
//! In: one series. Out: iterations from left to right; a line where the processes had settled.

use baselines::quantile::median;

use super::{
    Chart, Drawing, Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, svg},
};
use crate::{
    Finding, Result,
    history::thin,
    quantity::{Scale, counted, value},
    series::{ProcessSamples, Series},
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 28, bottom: 40, left: 52, right: 10 };

/// Iterations of a process, and from where on they are steady.
#[derive(Clone, Copy, Debug)]
pub struct WarmUp;

/// Place of an iteration (or the middle of several), and the median over processes.
pub(crate) type Course = Vec<(f64, f64)>;

impl Chart for WarmUp {
    fn name(&self) -> &'static str {
        "warm-up"
    }

    fn title(&self) -> &'static str {
        "Warm-up"
    }

    fn doc(&self) -> &'static str {
        "The iterations of a process from first to last: the median over the processes of each arm, neighbours taken together where \
         there are many. The grey line: the median place from which processes were steady. Pairs are compared whole, nothing is cut."
    }

    fn draw(&self, series: &Series, finding: Option<&Finding>) -> Result<Drawing> {
        let (base, head) = (course(&series.base), course(&series.head));
        let n = n_iterations(&series.base).max(n_iterations(&series.head));
        if n < 2 {
            return Ok(Drawing::Nothing("no process has a second iteration".to_owned()));
        }
        let Some(y) = Axis::of_values(base.iter().chain(&head).map(|at| at.1)) else {
            return Ok(Drawing::Nothing("no samples".to_owned()));
        };
        let cut = finding.and_then(|finding| finding.warm_up.median_cut);
        let cut = cut.filter(|cut| (0.0..=to_f64(n)).contains(cut));
        let body = svg(MARGINS, Axis { low: 0.0, high: to_f64(n) }, y, |canvas| {
            let scale = Scale::of(series.unit, y.high);
            canvas.value_axis(&y.ticks(6, scale.divisor), scale.suffix)?;
            canvas.legend()?;
            if let Some(cut) = cut {
                canvas.vertical(cut, Role::Muted, 2)?;
            }
            for (course, role) in [(&base, Role::Base), (&head, Role::Head)] {
                canvas.path(course.clone(), role, 1)?;
            }
            draw_labels(canvas, n)
        })?;
        let description = describe(series, finding, &base, &head);
        Ok(Drawing::Picture(Picture { body, size: CHART_SIZE, description, tips: Vec::new() }))
    }
}

fn draw_labels(canvas: &Canvas<'_>, n: usize) -> Result<()> {
    let (left, right) = (canvas.x_px.start, canvas.x_px.end);
    let (row_1, row_2) = (canvas.y_px.end + 14, canvas.y_px.end + 30);
    canvas.text_px("first", (left, row_1), Align::Left, Role::Muted)?;
    canvas.text_px("last", (right, row_1), Align::Right, Role::Muted)?;
    let label = format!("{} of each process", counted(n, "iteration", "iterations"));
    canvas.text_px(&label, (i32::midpoint(left, right), row_2), Align::Center, Role::Muted)
}

pub(crate) fn n_iterations(processes: &[ProcessSamples]) -> usize {
    processes.iter().map(|process| process.iterations().len()).max().unwrap_or(0)
}

/// The median over processes of each iteration, neighbours taken together where there are many.
pub(crate) fn course(processes: &[ProcessSamples]) -> Course {
    let all: Vec<Vec<f64>> = processes.iter().map(ProcessSamples::iterations).collect();
    let n = all.iter().map(Vec::len).max().unwrap_or(0);
    let at = |group: std::ops::Range<usize>| {
        let values: Vec<f64> = all
            .iter()
            .flat_map(|of| of.get(group.start..group.end.min(of.len())))
            .flatten()
            .copied()
            .collect();
        Some((f64::midpoint(to_f64(group.start), to_f64(group.end)), median(&values)?))
    };
    thin::groups(n, &[]).into_iter().filter_map(at).collect()
}

fn describe(series: &Series, finding: Option<&Finding>, base: &Course, head: &Course) -> String {
    let arm = |name: &str, course: &Course| match (course.first(), course.last()) {
        (Some(first), Some(last)) => format!(
            "{name}: {} at first, {} at last.",
            value(first.1, series.unit),
            value(last.1, series.unit)
        ),
        _ => format!("{name}: no samples."),
    };
    let settled =
        finding.map_or_else(String::new, |finding| format!(" {}", in_words(&finding.warm_up)));
    format!("{} {}{settled}", arm("Base", base), arm("Head", head))
}

/// What the gate found of it.
pub(crate) fn in_words(found: &crate::WarmUp) -> String {
    let Some(class) = &found.class else {
        return format!(
            "No evidence class: {} too short to judge.",
            counted(found.n_too_short, "process was", "processes were")
        );
    };
    let cut = found.median_cut.map_or_else(
        || "none settled".to_owned(),
        |cut| format!("steady from iteration {cut:.0} on (median over those that settled)"),
    );
    format!(
        "Evidence class {class}: {cut}; {} of {} still changed late in their run.",
        found.n_flagged,
        counted(
            found.n_processes.saturating_sub(found.n_too_short),
            "process judged",
            "processes judged"
        )
    )
}
