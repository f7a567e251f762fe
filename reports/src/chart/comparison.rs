//! The comparison: every pair's log ratio, the estimate with its interval, and the two margins.
//! In: one series and its finding. Out: a reader sees why it is pass, fail or inconclusive.

use baselines::unit::Unit;

use super::{
    Chart, Drawing, Picture,
    axis::{Axis, to_f64},
    canvas::{Align, Canvas, Margins, Marker, svg},
};
use crate::{
    Finding, Result,
    quantity::{counted, percent, short_percent},
    series::Series,
    theme::{CHART_SIZE, Role},
};

const MARGINS: Margins = Margins { top: 42, bottom: 40, left: 26, right: 26 };

/// Pairs, interval and margins.
#[derive(Clone, Copy, Debug)]
pub struct Comparison;

impl Chart for Comparison {
    fn name(&self) -> &'static str {
        "comparison"
    }

    fn title(&self) -> &'static str {
        "Comparison"
    }

    fn doc(&self) -> &'static str {
        "Dots: head ÷ base of each pair of processes, the median over its rounds, on a log scale. Diamond and bar: trimmed mean with its 95 % \
         interval. Lines: no change, the negligible margin (m0) and the unacceptable margin (m1), beyond which is shaded."
    }

    fn draw(&self, series: &Series, finding: Option<&Finding>) -> Result<Drawing> {
        let ratios: Vec<f64> = series.pairs().iter().filter_map(|pair| pair.log_ratio).collect();
        if ratios.is_empty() {
            let reason = "no pair of processes in which both base and head have samples above zero";
            return Ok(Drawing::Nothing(reason.to_owned()));
        }
        let judged: Vec<f64> = finding.map_or_else(Vec::new, |finding| {
            [finding.estimate, finding.ci_low, finding.ci_high]
                .into_iter()
                .flatten()
                .chain([finding.m0, finding.m1])
                .collect()
        });
        let x = Axis::of_log_ratios(ratios.iter().copied().chain(judged));
        // Pair i is drawn at height n − i; the interval below them all, in room of its own.
        let gap = 0.12 * to_f64(ratios.len()) + 0.6;
        let y = Axis { low: 1.0 - 2.0 * gap, high: to_f64(ratios.len()) + 0.8 };
        let body = svg(MARGINS, x, y, |canvas| {
            if let Some(finding) = finding {
                draw_margins(canvas, finding, x, y)?;
            }
            draw_axis(canvas, x, y, series.unit)?;
            for (idx, ratio) in ratios.iter().enumerate() {
                let at = (*ratio, to_f64(ratios.len() - idx));
                canvas.point(at, Marker::Dot, Role::Muted)?;
            }
            finding.map_or(Ok(()), |finding| draw_interval(canvas, finding, 1.0 - gap))
        })?;
        let description = describe(&ratios, finding, series.unit);
        Ok(Drawing::Picture(Picture { body, size: CHART_SIZE, description, tips: Vec::new() }))
    }
}

fn draw_axis(canvas: &Canvas<'_>, x: Axis, y: Axis, unit: Unit) -> Result<()> {
    canvas.vertical(0.0, Role::Ink, 1)?;
    canvas.path(vec![(x.low, y.low), (x.high, y.low)], Role::Muted, 1)?;
    for tick in x.percent_ticks(6) {
        let (at, bottom) = canvas.px((tick.at, y.low));
        canvas.text_px(&tick.label, (at, bottom + 12), Align::Center, Role::Muted)?;
    }
    let (less, more) = words(unit);
    let row = canvas.y_px.end + 30;
    canvas.text_px(&format!("← {less}"), (canvas.x_px.start, row), Align::Left, Role::Muted)?;
    canvas.text_px(
        "head ÷ base",
        (i32::midpoint(canvas.x_px.start, canvas.x_px.end), row),
        Align::Center,
        Role::Muted,
    )?;
    canvas.text_px(&format!("{more} →"), (canvas.x_px.end, row), Align::Right, Role::Muted)
}

fn draw_margins(canvas: &Canvas<'_>, finding: &Finding, x: Axis, y: Axis) -> Result<()> {
    if finding.m1 < x.high {
        canvas.rectangle((finding.m1, y.high), (x.high, y.low), Role::Zone)?;
    }
    // Two rows of labels: the margins may lie closer together than their names are long.
    let rows =
        [(finding.m0, "negligible", Role::Muted, 30), (finding.m1, "unacceptable", Role::Fail, 14)];
    for (margin, name, role, above) in rows {
        if !(x.low..=x.high).contains(&margin) {
            continue;
        }
        canvas.vertical(margin, role, 1)?;
        let (at, top) = canvas.px((margin, y.high));
        let label = format!("{name} {}", short_percent(100.0 * libm::expm1(margin)));
        let in_left_half = at < i32::midpoint(canvas.x_px.start, canvas.x_px.end);
        let align = if in_left_half { Align::Left } else { Align::Right };
        canvas.text_px(&label, (at, top - above), align, role)?;
    }
    Ok(())
}

fn draw_interval(canvas: &Canvas<'_>, finding: &Finding, y: f64) -> Result<()> {
    if let (Some(low), Some(high)) = (finding.ci_low, finding.ci_high)
        && low.is_finite()
        && high.is_finite()
    {
        canvas.path(vec![(low, y), (high, y)], Role::Ink, 3)?;
    }
    match finding.estimate {
        Some(estimate) if estimate.is_finite() => {
            canvas.point((estimate, y), Marker::Diamond, Role::Ink)
        }
        _ => Ok(()),
    }
}

/// What less and more of a unit mean to a reader.
const fn words(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::Nanoseconds => ("faster", "slower"),
        Unit::Bytes => ("smaller", "larger"),
        Unit::Count => ("fewer", "more"),
    }
}

fn describe(ratios: &[f64], finding: Option<&Finding>, unit: Unit) -> String {
    let (_, more) = words(unit);
    let n_above = ratios.iter().filter(|ratio| **ratio > 0.0).count();
    let mut text =
        format!("{}, head {more} in {n_above} of them.", counted(ratios.len(), "pair", "pairs"));
    let Some(finding) = finding else {
        text.push_str(" Not gated: no margins apply.");
        return text;
    };
    if let (Some(estimate), Some(low), Some(high)) =
        (finding.estimate, finding.ci_low, finding.ci_high)
    {
        text.push_str(&format!(
            " Estimate {}, 95{}% interval {} to {}.",
            percent(estimate),
            '\u{a0}',
            percent(low),
            percent(high)
        ));
    }
    text.push_str(&format!(
        " Margins: m0 {}, m1 {}.",
        short_percent(100.0 * libm::expm1(finding.m0)),
        short_percent(100.0 * libm::expm1(finding.m1))
    ));
    text
}
