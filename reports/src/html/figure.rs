//! The charts of every series, each as a figure with a name, a description and a caption.

use baselines::metric;
use maud::{Markup, PreEscaped, html};

use super::{
    table::{interval, pairs},
    word::badge,
};
use crate::{
    Finding, Result,
    chart::{CHARTS, Chart, Drawing, Picture},
    quantity::{counted, percent},
    series::Series,
};

/// One section per series, in their order.
pub(super) fn sections(all: &[Series], findings: &[Finding]) -> Result<Markup> {
    let sections = all
        .iter()
        .enumerate()
        .map(|(idx, series)| {
            let finding = findings
                .iter()
                .find(|f| f.workload == series.workload && f.metric == series.metric);
            section(idx, series, finding)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(html! {
        @if !sections.is_empty() {
            h2 { "Charts" }
            dl.captions {
                @for chart in CHARTS { dt { (chart.title()) } dd { (chart.doc()) } }
            }
        }
        @for section in &sections { (section) }
    })
}

fn section(idx: usize, series: &Series, finding: Option<&Finding>) -> Result<Markup> {
    let figures = CHARTS
        .iter()
        .map(|chart| Ok(figure(idx, *chart, &chart.draw(series, finding)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(html! {
        section.series aria-labelledby={ "series-" (idx) } {
            h3 id={ "series-" (idx) } { (series.workload) "/" (series.metric) }
            p.sub {
                @if let Some(metric) = metric::find(&series.metric) { (metric.meaning) ". " }
                @match finding {
                    None => "Measured, not gated.",
                    Some(finding) => {
                        (badge(&finding.verdict)) " " (finding.outcome)
                        @if let Some(estimate) = finding.estimate {
                            ", " (percent(estimate)) " (95\u{a0}% interval " (interval(finding)) ")"
                        }
                    },
                }
                @if series.n_unusable > 0 {
                    " " strong { (counted(series.n_unusable, "value", "values")) " left out of the charts: " }
                    "not finite, negative or beyond any scale."
                }
            }
            div.charts { @for figure in &figures { (figure) } }
            (pairs(series))
        }
    })
}

fn figure(idx: usize, chart: &dyn Chart, drawing: &Drawing) -> Markup {
    html! {
        figure {
            figcaption { (chart.title()) }
            @match drawing {
                Drawing::Picture(picture) => (svg(&format!("{}-{idx}", chart.name()), chart, picture)),
                Drawing::Nothing(reason) => p.nothing { "Nothing to draw: " (reason) "." },
            }
        }
    }
}

fn svg(id: &str, chart: &dyn Chart, picture: &Picture) -> Markup {
    let (width, height) = picture.size;
    html! {
        svg.chart xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-labelledby={ (id) "-title" } aria-describedby={ (id) "-desc" } {
            title id={ (id) "-title" } { (chart.title()) }
            desc id={ (id) "-desc" } { (picture.description) }
            // Made by plotters, which escapes every text it is given.
            (PreEscaped(&picture.body))
        }
    }
}
