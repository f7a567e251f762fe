//! What the charts of a series show, in numbers: folded tables of its sessions, pairs, processes and iterations.

use maud::{Markup, html};

use super::table::{or_dash, scroll};
use crate::{
    chart::warm_up::course,
    quantity::{percent, value},
    series::{ProcessSamples, Series},
    text::visible,
};

/// Rows of the table of iterations.
const MOST_ITERATIONS: usize = 20;

pub(super) fn section(series: &Series) -> Markup {
    html! {
        details {
            summary { "In numbers" }
            (sessions(series))
            (pairs(series))
            (processes(series))
            (iterations(series))
        }
    }
}

fn sessions(series: &Series) -> Markup {
    html! {
        @if !series.history.is_empty() {
            (scroll("Earlier sessions", &html! {
                table.narrow {
                    caption { "Earlier sessions" }
                    thead { tr {
                        th scope="col" { "Session" }
                        th scope="col" { "Commit" }
                        th.number scope="col" { "Median" }
                        th.number scope="col" { "Least" }
                        th.number scope="col" { "Most" }
                    } }
                    tbody { @for point in &series.history {
                        tr {
                            th scope="row" { (visible(&point.started_at)) }
                            td { code { (point.commit.as_ref().map_or_else(|| "–".to_owned(), |commit| visible(&commit.chars().take(12).collect::<String>()))) } }
                            td.number { (value(point.median, series.unit)) }
                            td.number { (value(point.min, series.unit)) }
                            td.number { (value(point.max, series.unit)) }
                        }
                    } }
                }
            }))
        }
    }
}

fn pairs(series: &Series) -> Markup {
    let pairs = series.pairs();
    html! {
        @if !pairs.is_empty() {
            (scroll("Pairs", &html! {
                table.narrow {
                    caption { "Pairs" }
                    thead { tr {
                        th.number scope="col" { "Pair" }
                        th.number scope="col" { "Base" }
                        th.number scope="col" { "Head" }
                        th.number scope="col" { "Change by rounds" }
                    } }
                    tbody { @for pair in &pairs {
                        tr {
                            th.number scope="row" { (pair.pair) }
                            td.number { (value(pair.base, series.unit)) }
                            td.number { (value(pair.head, series.unit)) }
                            td.number { (or_dash(pair.log_ratio, percent)) }
                        }
                    } }
                }
            }))
        }
    }
}

fn processes(series: &Series) -> Markup {
    let mut all: Vec<(&str, &ProcessSamples)> =
        series.base.iter().map(|process| ("base", process)).collect();
    all.extend(series.head.iter().map(|process| ("head", process)));
    all.sort_by_key(|(_, process)| process.order);
    let at = |process: &ProcessSamples, p: f64| {
        or_dash(baselines::quantile::quantile(&process.samples, p), |x| value(x, series.unit))
    };
    html! {
        @if !all.is_empty() {
            (scroll("Processes", &html! {
                table.narrow {
                    caption { "Processes" }
                    thead { tr {
                        th.number scope="col" { "Order" }
                        th scope="col" { "Arm" }
                        th.number scope="col" { "Samples" }
                        th.number scope="col" { "5\u{a0}%" }
                        th.number scope="col" { "Median" }
                        th.number scope="col" { "95\u{a0}%" }
                    } }
                    tbody { @for (arm, process) in &all {
                        tr {
                            th.number scope="row" { (process.order) }
                            td { (arm) }
                            td.number { (process.samples.len()) }
                            td.number { (at(process, 0.05)) }
                            td.number { (value(process.median, series.unit)) }
                            td.number { (at(process, 0.95)) }
                        }
                    } }
                }
            }))
        }
    }
}

fn iterations(series: &Series) -> Markup {
    let (base, head) = (course(&series.base), course(&series.head));
    let n = base.len().max(head.len());
    let step = n.div_ceil(MOST_ITERATIONS).max(1);
    let text = |course: &[(f64, f64)], nth: usize| {
        or_dash(course.get(nth).map(|at| at.1), |x| value(x, series.unit))
    };
    html! {
        @if n > 1 {
            (scroll("Iterations", &html! {
                table.narrow {
                    caption { @if step > 1 { "Iterations, one line of " (step) } @else { "Iterations" } }
                    thead { tr {
                        th.number scope="col" { "Iteration" }
                        th.number scope="col" { "Base" }
                        th.number scope="col" { "Head" }
                    } }
                    tbody { @for nth in (0..n).step_by(step) {
                        tr {
                            th.number scope="row" { (or_dash(base.get(nth).or_else(|| head.get(nth)).map(|at| at.0), |x| format!("{x:.0}"))) }
                            td.number { (text(&base, nth)) }
                            td.number { (text(&head, nth)) }
                        }
                    } }
                }
            }))
        }
    }
}
