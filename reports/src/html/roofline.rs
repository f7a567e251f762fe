//! Where the time goes, against what the machine can do: measured times beside the floors of their counted work.

use baselines::unit::{Rate, Unit, per_second};
use maud::{Markup, html};

use super::{
    figure,
    table::{or_dash, scroll},
};
use crate::{
    Result,
    chart::roofline::{Bar, MOST_ROWS, draw},
    quantity::value,
    roofline::{Product, Roofline},
    text::visible,
    theme::Role,
};

/// The section; empty where no work is counted, as with a command.
pub(super) fn section(rooflines: &[Roofline]) -> Result<Markup> {
    if rooflines.is_empty() {
        return Ok(html! {});
    }
    let all = picture_of_all(rooflines)?;
    let step = rooflines.iter().find(|roofline| !roofline.products.is_empty());
    let step =
        step.map(|step| Ok::<_, crate::Error>((step, picture_of_step(step)?))).transpose()?;
    Ok(html! {
        section aria-labelledby="rooflines" {
            h2 id="rooflines" { "Phases and kernels" }
            p.note {
                "Floors of the head: counted bytes ÷ the best bandwidth, counted multiply-adds ÷ the best int8 rate that this session's "
                "probes saw. Attention, norms and activations are in no count: a floor is never too high. A faster time is "
                "refused as evidence."
            }
            div.charts {
                figure {
                    figcaption { "Measured time and its floors" }
                    (figure::svg("rooflines-chart", "Measured time and its floors", &all))
                }
                @if let Some((step, picture)) = &step {
                    figure {
                        figcaption { "One step of " (visible(&step.workload)) }
                        (figure::svg("rooflines-step", "Where one decode step's time goes", picture))
                    }
                }
            }
            @if rooflines.len() > MOST_ROWS { p.note { "The chart has the " (MOST_ROWS) " longest of " (rooflines.len()) ", the table all." } }
            (table(rooflines))
            @if let Some((step, _)) = &step { (products(step)) }
        }
    })
}

fn picture_of_all(rooflines: &[Roofline]) -> Result<crate::chart::Picture> {
    let mut longest: Vec<&Roofline> = rooflines.iter().collect();
    longest.sort_by(|a, b| b.median_ns.total_cmp(&a.median_ns));
    let bar = |roofline: &&Roofline| {
        let share = |floor: Option<f64>| {
            floor
                .filter(|_| roofline.median_ns > 0.0)
                .map_or(0.0, |floor| floor / roofline.median_ns)
        };
        Bar {
            name: roofline.workload.clone(),
            shares: vec![
                (1.0, Role::Band),
                (share(roofline.bytes_floor_ns), Role::Base),
                (share(roofline.macs_floor_ns), Role::Head),
            ],
        }
    };
    let bars: Vec<Bar> = longest.iter().map(bar).collect();
    let words: Vec<String> = longest
        .iter()
        .map(|found| {
            format!(
                "{}: {} of the time is its floor",
                visible(&found.workload),
                percent(found.reached())
            )
        })
        .collect();
    let legend = [("measured", Role::Band), ("bytes", Role::Base), ("multiply-adds", Role::Head)];
    draw(&bars, &legend, format!("{}.", words.join("; ")))
}

fn picture_of_step(step: &Roofline) -> Result<crate::chart::Picture> {
    let share = |ns: f64| if step.median_ns > 0.0 { ns / step.median_ns } else { 0.0 };
    let mut bars: Vec<Bar> = step
        .products
        .iter()
        .take(MOST_ROWS - 1)
        .map(|product| Bar {
            name: product.name.clone(),
            shares: vec![(share(product.floor_ns.unwrap_or(0.0)), Role::Base)],
        })
        .collect();
    let rest = share(rest_ns(step));
    bars.push(Bar { name: "all else".to_owned(), shares: vec![(rest, Role::Band)] });
    let description = format!(
        "Of {} measured for a step, the floors of its products take {}; all else (what products take beyond their floors, \
         attention, norms, sampling, waiting) {}.",
        value(step.median_ns, Unit::Nanoseconds),
        percent(Some(1.0 - rest)),
        percent(Some(rest)),
    );
    draw(&bars, &[("floor", Role::Base), ("all else", Role::Band)], description)
}

/// What the floors of the products don't account for.
fn rest_ns(step: &Roofline) -> f64 {
    let floors: f64 = step.products.iter().filter_map(|product| product.floor_ns).sum();
    (step.median_ns - floors).max(0.0)
}

fn table(rooflines: &[Roofline]) -> Markup {
    let ns = |ns: Option<f64>| or_dash(ns, |ns| value(ns, Unit::Nanoseconds));
    html! {
        (scroll("Measured time and its floors", &html! {
            table data-sort {
                thead { tr {
                    th scope="col" { "Workload" }
                    th.number scope="col" { "Measured" }
                    th.number scope="col" { "Floor of bytes" }
                    th.number scope="col" { "Floor of multiply-adds" }
                    th.number scope="col" { "Floor ÷ measured" }
                    th.number scope="col" { "Read" }
                    th.number scope="col" { "Multiplied" }
                } }
                tbody { @for found in rooflines {
                    tr {
                        th.metric scope="row" { bdi { (visible(&found.workload)) "/" wbr; (visible(&found.metric)) } }
                        td.number data-value=(found.median_ns) { (value(found.median_ns, Unit::Nanoseconds)) }
                        td.number data-value=(found.bytes_floor_ns.unwrap_or(0.0)) { (ns(found.bytes_floor_ns)) }
                        td.number data-value=(found.macs_floor_ns.unwrap_or(0.0)) { (ns(found.macs_floor_ns)) }
                        td.number data-value=(found.reached().unwrap_or(0.0)) { (percent(found.reached())) }
                        td.number data-value=(found.bytes / found.median_ns) { (rate(Rate::Bytes, found.bytes, found.median_ns)) }
                        td.number data-value=(found.macs / found.median_ns) { (rate(Rate::Macs, found.macs, found.median_ns)) }
                    }
                } }
            }
        }))
    }
}

fn rate(rate: Rate, work: f64, ns: f64) -> String {
    per_second(work, ns)
        .filter(|_| work > 0.0)
        .map_or_else(|| "–".to_owned(), |per_s| rate.text(per_s))
}

fn products(step: &Roofline) -> Markup {
    let row = |product: &Product| {
        html! {
            tr {
                th scope="row" { (visible(&product.name)) }
                td.number { (value(product.bytes, Unit::Bytes)) }
                td.number { (value(product.macs, Unit::Count)) }
                td.number { (or_dash(product.floor_ns, |ns| value(ns, Unit::Nanoseconds))) }
                td.number { (percent(product.floor_ns.filter(|_| step.median_ns > 0.0).map(|ns| ns / step.median_ns))) }
            }
        }
    };
    html! {
        details {
            summary { "One step of " (visible(&step.workload)) " in numbers" }
            (scroll("Products of a step", &html! {
                table.narrow {
                    thead { tr {
                        th scope="col" { "Product, all layers" }
                        th.number scope="col" { "Bytes" }
                        th.number scope="col" { "Multiply-adds" }
                        th.number scope="col" { "Floor" }
                        th.number scope="col" { "Of the step" }
                    } }
                    tbody {
                        @for product in &step.products { (row(product)) }
                        tr {
                            th scope="row" { "all else, not divided further" }
                            td.number { "–" }
                            td.number { "–" }
                            td.number { (value(rest_ns(step), Unit::Nanoseconds)) }
                            td.number { (percent((step.median_ns > 0.0).then(|| rest_ns(step) / step.median_ns))) }
                        }
                    }
                }
            }))
        }
    }
}

/// `42 %` of a share.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0}\u{a0}%", 100.0 * share))
}
