//! The document of a triage: what was found, what was compared, where the time of each workload went, and what else differs.
//! In: a view of plain numbers and words. Out: a page; of evidence that is refused, the refusals and nothing else.

use baselines::unit::Unit;
use maud::{Markup, html};

use super::{
    figure, flame, shell,
    table::{or_dash, refusals, scroll},
};
use crate::{
    Result,
    chart::attribution::{MOST_ROWS, draw},
    quantity::{Scale, counted, grouped, share, signed, value},
    text::{cut, visible},
    triage::{Change, Function, Hint, Instructions, Part, Product, Stamps, View, Workload},
};

/// Characters of a sentence from a record.
const MOST_CHARACTERS: usize = 2_000;

/// Characters of a function's name, of a kernel's, of a file's.
const MOST_OF_NAME: usize = 300;

/// The whole document.
pub(crate) fn triage_page(view: &View) -> Result<String> {
    if !view.refusals.is_empty() {
        let body = html! {
            header {
                p.kicker { "tritgate · triage" }
                h1 { "Refused: the evidence does not hold" }
                p.meaning { "Nothing is said about where the time went." }
            }
            (refusals("Why nothing is explained", &view.refusals))
        };
        return Ok(shell::document("refused · tritgate triage", &body, &html! {}));
    }
    let workloads = view.workloads.iter().enumerate().map(|(idx, workload)| section(idx, workload));
    let workloads = workloads.collect::<Result<Vec<_>>>()?;
    let body = html! {
        (header(view))
        (compared(view))
        @for workload in &workloads { (workload) }
        (products(&view.products))
        (hints(&view.hints))
        @if let Some(found) = &view.instructions { (instructions(found)) }
        (again(view))
    };
    let title = format!("{} · tritgate triage", cut(&view.headline, 80));
    Ok(shell::document(&title, &body, &footer()))
}

fn header(view: &View) -> Markup {
    html! {
        header {
            p.kicker { "tritgate · triage · head against " (cut(&view.compared.with, MOST_OF_NAME)) }
            h1 { @if view.silent { "No difference was found" } @else { "Where the time went" } }
            p.meaning {
                @if view.silent { "Nothing to explain within these intervals." }
                @else { (cut(&view.headline, MOST_CHARACTERS)) }
            }
            ul.facts {
                @match view.pairs {
                    Some(pairs) => {
                        li { (counted(pairs.compared, "pair", "pairs")) " compared" }
                        li { (counted(pairs.left_out, "pair", "pairs")) " left out as disturbed" }
                    },
                    None => li { "no time was measured: instructions alone were counted" },
                }
                @for workload in &view.workloads {
                    li { bdi { (visible(&workload.name)) } " " strong { (share(workload.whole.share)) } " (" (interval(&workload.whole)) ")" }
                }
                @if let Some(found) = &view.instructions { li { (sum_of_instructions(found)) } }
            }
        }
    }
}

fn compared(view: &View) -> Markup {
    let compared = &view.compared;
    html! {
        section aria-labelledby="compared" {
            h2 id="compared" { "What was compared" }
            (scroll("What was compared", &html! {
                table.narrow.names {
                    thead { tr { th scope="col" { "" } th scope="col" { "Base" } th scope="col" { "Head" } } }
                    tbody { @for [name, base, head] in &compared.rows {
                        tr { th scope="row" { (name) } td { (cut(base, MOST_OF_NAME)) } td { (cut(head, MOST_OF_NAME)) } }
                    } }
                }
            }))
            @if !compared.machine.is_empty() {
                p { "On " (cut(&compared.machine, MOST_OF_NAME)) ", " (cut(&compared.measured, MOST_OF_NAME)) "." }
            }
            @if view.pairs.is_some() {
                p.note {
                    "A clock was read between the spans of a pass, in both arms. Changes are means over pairs, as shares of the base's \
                     whole sample; the intervals of one table hold together in 95 of 100 tables. A part is named where its interval \
                     leaves zero out and its change is at least 0.2\u{a0}% of the whole."
                }
            }
        }
    }
}

fn section(idx: usize, workload: &Workload) -> Result<Markup> {
    let picture = draw(workload)?;
    let name = visible(&workload.name);
    let whole = &workload.whole;
    Ok(html! {
        section aria-labelledby={ "workload-" (idx) } {
            h2 id={ "workload-" (idx) } { (name) }
            p.sub {
                (visible(&workload.metric)) ": " (ns(whole.base_ns)) " → " (ns(whole.head_ns)) ", "
                strong { (share(whole.share)) } " (" (interval(whole)) ")"
                @if !whole.is_sure() { ": not sure as a whole" }
                "."
            }
            div.attribution {
                figure {
                    figcaption { "Share of the base’s whole, 95\u{a0}% together" }
                    (figure::svg(&format!("attribution-{idx}"), &format!("Where the time of {name} went"), &picture))
                    @if workload.parts.len() > MOST_ROWS { p.note { "The chart has the first " (MOST_ROWS) " of " (workload.parts.len()) " parts, the table all." } }
                }
                (parts(workload))
            }
            @if !workload.kernels.is_empty() { (kernels(workload)) }
            @if let Some(stamps) = &workload.stamps { (cost(stamps)) }
        }
    })
}

/// One scale for all of a column, so that a reader can add it up.
#[derive(Clone, Copy)]
struct Column {
    scale: Scale,
    digits: usize,
}

impl Column {
    /// The whole has three digits before the point at least: its smallest parts then still have some.
    fn of(whole: &Change) -> Self {
        let largest = whole.base_ns.abs().max(whole.head_ns.abs());
        let scale = Scale::of(Unit::Nanoseconds, largest / 100.0);
        Self { scale, digits: if largest / scale.divisor < 1e4 { 2 } else { 1 } }
    }

    fn text(self, ns: f64) -> String {
        or_dash(Some(ns), |ns| signed(format!("{:.*}", self.digits, ns / self.scale.divisor)))
    }
}

fn parts(workload: &Workload) -> Markup {
    let column = Column::of(&workload.whole);
    let whole = &workload.whole;
    let unit = column.scale.suffix;
    scroll(
        "Parts",
        &html! {
            table.parts data-sort {
                thead { tr {
                    th scope="col" { "Span, evidence" }
                    th.number scope="col" { "Base, " (unit) }
                    th.number scope="col" { "Head, " (unit) }
                    th.number scope="col" { "Change" }
                    th.number scope="col" { "95\u{a0}% together" }
                    th.number scope="col" { "Of the change" }
                } }
                tbody { @for part in &workload.parts { (row(part, whole, column)) } }
                tfoot { tr {
                    th scope="row" { "whole, the sum" }
                    td.number { (column.text(whole.base_ns)) }
                    td.number { (column.text(whole.head_ns)) }
                    td.number { (share(whole.share)) }
                    td.number { (interval(whole)) }
                    td.number { @if whole.is_sure() { "100\u{a0}%" } @else { "–" } }
                } }
            }
        },
    )
}

fn row(part: &Part, whole: &Change, column: Column) -> Markup {
    let change = &part.change;
    let own = (change.base_ns > 0.0).then(|| change.share * whole.base_ns / change.base_ns);
    html! {
        tr.named[part.named] {
            th scope="row" data-value=(visible(&part.name)) {
                @if part.named { (tendency(change)) " " }
                bdi { (cut(&part.name, MOST_OF_NAME)) }
                " " small { (cut(&part.about, MOST_OF_NAME)) }
                @if part.named { p.said { (or_dash(own, share)) " of its own time" } }
                @for said in &part.evidence { p.said { (cut(said, MOST_CHARACTERS)) } }
            }
            (numbers(change, |ns| column.text(ns)))
            td.number data-value=(finite(part.of_change)) { (or_dash(part.of_change, whole_percent)) }
        }
    }
}

/// Base, head, change and interval: the cells that all tables of times have.
fn numbers(change: &Change, text: impl Fn(f64) -> String) -> Markup {
    html! {
        td.number data-value=(finite(Some(change.base_ns))) { (text(change.base_ns)) }
        td.number data-value=(finite(Some(change.head_ns))) { (text(change.head_ns)) }
        td.number data-value=(finite(Some(change.share))) { (or_dash(Some(change.share), share)) }
        td.number data-value=(finite(Some(change.low))) { (interval(change)) }
    }
}

fn kernels(workload: &Workload) -> Markup {
    html! {
        h3 { "By kernel, all its spans" }
        (scroll("By kernel", &html! {
            table.narrow.names data-sort {
                thead { tr {
                    th scope="col" { "Kernel" }
                    th.number scope="col" { "Base" }
                    th.number scope="col" { "Head" }
                    th.number scope="col" { "Change of the whole" }
                    th.number scope="col" { "95\u{a0}% together" }
                } }
                tbody { @for (kernel, change) in &workload.kernels {
                    tr.named[change.is_sure()] {
                        th scope="row" data-value=(visible(kernel)) { @if change.is_sure() { (tendency(change)) " " } bdi { (cut(kernel, MOST_OF_NAME)) } }
                        (numbers(change, ns))
                    }
                } }
            }
        }))
    }
}

fn cost(stamps: &Stamps) -> Markup {
    html! {
        p.note {
            "Stamping: " (format!("{:.0}", stamps.n)) " readings of the clock a sample, " (format!("{:.1}", stamps.each_ns)) "\u{a0}ns each: "
            (format!("{:.2}", 100.0 * stamps.share)) "\u{a0}% of it, in both arms."
        }
    }
}

fn products(all: &[Product]) -> Markup {
    html! {
        @if !all.is_empty() {
            section aria-labelledby="products" {
                h2 id="products" { "Products by themselves" }
                p.note { "Each matrix product of a layer timed alone, with as many tokens as the workloads have. Changes are of its own time." }
                (scroll("Products by themselves", &html! {
                    table.narrow.names data-sort {
                        thead { tr {
                            th scope="col" { "Product" }
                            th.number scope="col" { "Rows × columns" }
                            th.number scope="col" { "Tokens" }
                            th.number scope="col" { "Base" }
                            th.number scope="col" { "Head" }
                            th.number scope="col" { "Change" }
                            th.number scope="col" { "95\u{a0}% together" }
                        } }
                        tbody { @for product in all {
                            tr.named[product.change.is_sure()] {
                                th scope="row" data-value=(visible(&product.name)) {
                                    @if product.change.is_sure() { (tendency(&product.change)) " " }
                                    bdi { (cut(product.name.trim_start_matches("product-"), MOST_OF_NAME)) }
                                }
                                td.number data-value=(u128::from(product.rows) * u128::from(product.cols)) { (grouped(product.rows)) " × " (grouped(product.cols)) }
                                td.number data-value=(product.tokens) { (grouped(product.tokens)) }
                                (numbers(&product.change, ns))
                            }
                        } }
                    }
                }))
            }
        }
    }
}

fn hints(all: &[Hint]) -> Markup {
    let (why, around): (Vec<&Hint>, Vec<&Hint>) = all.iter().partition(|hint| hint.explains);
    let list = |hints: &[&Hint]| {
        html! {
            dl.hints { @for hint in hints {
                dt { (cut(&hint.kind, MOST_OF_NAME)) }
                dd { (cut(&hint.text, MOST_CHARACTERS)) }
            } }
        }
    };
    html! {
        @if !why.is_empty() {
            section aria-labelledby="differs" {
                h2 id="differs" { "What else differs" }
                p.note { "From the record and nothing else; the strongest evidence first." }
                (list(&why))
            }
        }
        @if !around.is_empty() {
            section aria-labelledby="session" {
                h2 id="session" { "The session" }
                p.note { "Circumstances while it was measured: they explain no difference of the builds." }
                (list(&around))
            }
        }
    }
}

fn instructions(found: &Instructions) -> Markup {
    let ([base, base_again], [head, head_again]) = (found.base, found.head);
    html! {
        section aria-labelledby="instructions" {
            h2 id="instructions" { "Executed instructions" }
            p.sub { (sum_of_instructions(found)) ": " (grouped(base)) " → " (grouped(head)) "; a second run of each: " (grouped(base_again)) " → " (grouped(head_again)) "." }
            p.note {
                (cut(&found.how, MOST_CHARACTERS)) "; " (cut(&found.note, MOST_CHARACTERS)) ". "
                (counted(found.n_unsteady, "function differs", "functions differ")) " no more than two runs of one build do."
            }
            @if found.functions.is_empty() {
                p { "No function executes more or less." }
            } @else {
                (scroll("Functions that differ", &html! {
                    table data-sort {
                        thead { tr {
                            th scope="col" { "Function" }
                            th.number scope="col" { "Base" }
                            th.number scope="col" { "Head" }
                            th.number scope="col" { "Difference" }
                            th.number scope="col" { "Of all" }
                            th.number scope="col" { "Calls" }
                        } }
                        tbody { @for function in &found.functions { (function_row(function)) } }
                    }
                }))
                @if found.n_more > 0 { p.note { (counted(found.n_more, "more function differs", "more functions differ")) "." } }
            }
            @if let Some(svg) = &found.flame {
                h3 { "Flame graph" }
                (flame::picture(svg))
            }
        }
    }
}

fn function_row(function: &Function) -> Markup {
    let [base, head] = function.calls;
    let name = cut(&function.name, MOST_OF_NAME);
    html! {
        tr {
            th.function scope="row" data-value=(name) {
                code { (name) }
                small {
                    (cut(&function.file, MOST_OF_NAME))
                    @if function.only != "both" { ", only in the " (cut(&function.only, MOST_OF_NAME)) }
                }
                @if !function.lines.is_empty() { ul { @for line in &function.lines { li { (cut(line, MOST_OF_NAME)) } } } }
            }
            td.number data-value=(function.base) { (grouped(function.base)) }
            td.number data-value=(function.head) { (grouped(function.head)) }
            td.number data-value=(function.delta) { (difference(function.delta)) }
            td.number data-value=(finite(function.share)) { (or_dash(function.share, whole_percent)) }
            td.number data-value=(head) { @if base != head { (grouped(base)) " → " } (grouped(head)) }
        }
    }
}

/// `+1,234 instructions (+0.10 %)`.
fn sum_of_instructions(found: &Instructions) -> String {
    let (base, head) = (found.base[0], found.head[0]);
    let delta = i64::try_from(i128::from(head) - i128::from(base)).unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "a share, shown with two digits")]
    let of_all = delta as f64 / base.max(1) as f64;
    format!("{} instructions ({})", difference(delta), share(of_all))
}

/// `+1,234`, `−5`, `0`.
fn difference(delta: i64) -> String {
    let sign = match delta.signum() {
        1 => "+",
        0 => "",
        _ => "−",
    };
    format!("{sign}{}", grouped(delta.unsigned_abs()))
}

fn again(view: &View) -> Markup {
    html! {
        section aria-labelledby="again" {
            h2 id="again" { "Derive it again" }
            @if view.pairs.is_some() {
                pre tabindex="0" { "bench verify ci/triage_evidence.json\nbench triage --from ci" }
                p {
                    "With the folder of the files in place of " code { "ci" } ". The first holds the bundle to the rules of evidence and "
                    code { "triage.json" } " to the bundle, byte for byte; the second derives the triage and this page anew."
                }
            }
            @if view.instructions.is_some() {
                p { "The counts of instructions are those of " code { "triage_exact.json" } "; " code { "bench triage --exact-only" } " counts them again." }
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        p {
            "This page is a pure function of " code { "triage_evidence.json" } " and, where instructions were counted, of "
            code { "triage_exact.json" } " and " code { "triage_flame.svg" } " beside it."
        }
    }
}

/// `▲ slower` or `▼ faster`: a sign and a word, so that nothing is told by colour alone.
fn tendency(change: &Change) -> Markup {
    match change.share > 0.0 {
        true => html! { span.change.fail { span aria-hidden="true" { "▲ " } "slower" } },
        false => html! { span.change.pass { span aria-hidden="true" { "▼ " } "faster" } },
    }
}

fn ns(ns: f64) -> String {
    or_dash(Some(ns), |ns| value(ns, Unit::Nanoseconds))
}

/// `+0.41 % … +0.87 %`, or a dash.
fn interval(change: &Change) -> String {
    match change.low.is_finite() && change.high.is_finite() {
        true => format!("{} … {}", share(change.low), share(change.high)),
        false => "–".to_owned(),
    }
}

fn whole_percent(share: f64) -> String {
    // Adding zero turns −0 into 0.
    signed(format!("{:.0}\u{a0}%", (100.0 * share).round() + 0.0))
}

/// What a column is sorted by; nothing where there is no number.
fn finite(number: Option<f64>) -> String {
    number.filter(|number| number.is_finite()).map_or_else(String::new, |number| number.to_string())
}
