//! The distribution: the samples of every process, in the order the processes ran.
//! In: one series. Out: dots where there are few samples, quartiles and 5–95 % whiskers where there are many.

use baselines::quantile::quantile;

use super::{
    Chart, Drawing, Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, svg},
};
use crate::{
    Finding, Result,
    quantity::{Scale, counted, grouped, value},
    series::{ProcessSamples, Series, sorted},
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 28, bottom: 40, left: 52, right: 10 };

/// A process with more samples is drawn by its quantiles: dots would cover each other, and the page would grow with the
/// number of samples instead of the number of processes.
const MOST_DOTS: usize = 24;

/// Samples by process.
#[derive(Clone, Copy, Debug)]
pub struct Distribution;

/// A process as it is drawn.
struct Column<'a> {
    process: &'a ProcessSamples,
    marker: Marker,
    role: Role,
    /// 5 %, 25 %, 50 %, 75 % and 95 % quantiles.
    quantiles: [f64; 5],
}

impl Chart for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn title(&self) -> &'static str {
        "Distribution"
    }

    fn doc(&self) -> &'static str {
        "Every process of this session, in the order they ran. Up to 24 samples: all of them. More: median mark, \
         quartile bar, whiskers at 5 % and 95 %; what lies beyond isn't drawn, and the description gives the extremes."
    }

    fn draw(&self, series: &Series, _finding: Option<&Finding>) -> Result<Drawing> {
        let base = series.base.iter().map(|process| column(process, Marker::Ring, Role::Base));
        let head = series.head.iter().map(|process| column(process, Marker::Triangle, Role::Head));
        let mut columns: Vec<_> = base.chain(head).collect();
        columns.sort_by_key(|column| column.process.order);
        let Some(y) = Axis::of_values(columns.iter().flat_map(Column::extent)) else {
            return Ok(Drawing::Nothing("no samples".to_owned()));
        };
        let x = Axis { low: -0.8, high: to_f64(columns.len()) - 0.2 };
        let body = svg(MARGINS, x, y, |canvas| {
            let scale = Scale::of(series.unit, y.high);
            canvas.value_axis(&y.ticks(6, scale.divisor), scale.suffix)?;
            canvas.legend()?;
            for (idx, column) in columns.iter().enumerate() {
                column.draw(canvas, to_f64(idx))?;
            }
            let center = i32::midpoint(canvas.x_px.start, canvas.x_px.end);
            let label = format!(
                "{}, in the order they ran",
                counted(columns.len(), "process", "processes")
            );
            canvas.text_px(&label, (center, canvas.y_px.end + 16), Align::Center, Role::Muted)
        })?;
        let description = describe(series);
        Ok(Drawing::Picture(Picture { body, size: CHART_SIZE, description, tips: Vec::new() }))
    }
}

fn column(process: &ProcessSamples, marker: Marker, role: Role) -> Column<'_> {
    let quantiles = [0.05, 0.25, 0.5, 0.75, 0.95]
        .map(|p| quantile(&process.samples, p).expect("a process in a series has finite samples"));
    Column { process, marker, role, quantiles }
}

impl Column<'_> {
    fn is_dotted(&self) -> bool {
        self.process.samples.len() <= MOST_DOTS
    }

    /// The values that must fit on the axis.
    fn extent(&self) -> Vec<f64> {
        if self.is_dotted() { self.process.samples.clone() } else { self.quantiles.to_vec() }
    }

    fn draw(&self, canvas: &Canvas<'_>, x: f64) -> Result<()> {
        if self.is_dotted() {
            return self
                .process
                .samples
                .iter()
                .try_for_each(|y| canvas.point((x, *y), self.marker, self.role));
        }
        let [low, lower, median, upper, high] = self.quantiles;
        canvas.path(vec![(x, low), (x, high)], self.role, 1)?;
        canvas.path(vec![(x, lower), (x, upper)], self.role, 4)?;
        canvas.point((x, median), self.marker, self.role)
    }
}

fn describe(series: &Series) -> String {
    let arm = |name: &str, processes: &[ProcessSamples]| {
        let all: Vec<f64> =
            processes.iter().flat_map(|process| process.samples.iter().copied()).collect();
        let all = sorted(&all);
        let (Some(low), Some(high)) = (all.first(), all.last()) else {
            return format!("{name}: no samples.");
        };
        format!(
            "{name}: {} samples in {}, from {} to {}.",
            grouped(all.len() as u64),
            counted(processes.len(), "process", "processes"),
            value(*low, series.unit),
            value(*high, series.unit)
        )
    };
    format!("{} {}", arm("Base", &series.base), arm("Head", &series.head))
}
