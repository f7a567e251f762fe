//! The charts of every series, each as a figure with a name, a description and a caption.

use baselines::metric;
use maud::{Markup, PreEscaped, html};

use super::{numbers, table::interval, word::badge};
use crate::{
    Finding, Result,
    chart::{CHARTS, Chart, Drawing, Picture, Tip, warm_up::in_words},
    quantity::{counted, percent},
    series::Series,
    text::visible,
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
        section.series data-name={ (visible(&series.workload)) "/" (visible(&series.metric)) } aria-labelledby={ "series-" (idx) } {
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
                        ". " (in_words(&finding.warm_up))
                    },
                }
                @if series.n_unusable > 0 {
                    " " strong { (counted(series.n_unusable, "value", "values")) " left out of the charts: " }
                    "not finite, negative or beyond any scale."
                }
            }
            div.charts { @for figure in &figures { (figure) } }
            (numbers::section(series))
        }
    })
}

fn figure(idx: usize, chart: &dyn Chart, drawing: &Drawing) -> Markup {
    html! {
        figure {
            figcaption { (chart.title()) }
            @match drawing {
                Drawing::Picture(picture) => (svg(&format!("{}-{idx}", chart.name()), chart.title(), picture)),
                Drawing::Nothing(reason) => p.nothing { "Nothing to draw: " (reason) "." },
            }
        }
    }
}

/// A picture as an element of the page.
pub(super) fn svg(id: &str, title: &str, picture: &Picture) -> Markup {
    let (width, height) = picture.size;
    html! {
        svg.chart xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-labelledby={ (id) "-title" } aria-describedby={ (id) "-desc" } {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-desc" } { (picture.description) }
            (inside(picture))
        }
    }
}

/// A picture as a file of its own, on white.
pub(super) fn file(title: &str, picture: &Picture) -> String {
    let (width, height) = picture.size;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { (title) }
            desc { (picture.description) }
            rect width="100%" height="100%" fill="#FFFFFF" {}
            (inside(picture))
        }
    };
    format!("{}\n", markup.into_string())
}

fn inside(picture: &Picture) -> Markup {
    html! {
        // Made by plotters, which escapes every text it is given.
        (PreEscaped(&picture.body))
        @if !picture.tips.is_empty() {
            g.tips fill="none" pointer-events="all" {
                @for Tip { at: (x, y, width, height), text } in &picture.tips {
                    rect x=(x) y=(y) width=(width) height=(height) { title { (text) } }
                }
            }
        }
    }
}
