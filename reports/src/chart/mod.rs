//! Charts: one file each, drawn by plotters into SVG that the page holds inline.
//! In: a series and what the gate found on it. Out: a picture with its description, or the reason why there is none.

pub(crate) mod attribution;
pub(crate) mod axis;
mod canvas;
mod comparison;
mod distribution;
pub(crate) mod history;
pub(crate) mod roofline;
mod trend;
pub(crate) mod warm_up;

use std::fmt::Debug;

use crate::{Finding, Result, series::Series};

pub use comparison::Comparison;
pub use distribution::Distribution;
pub use trend::Trend;
pub use warm_up::WarmUp;

/// One kind of chart.
pub trait Chart: Debug + Sync {
    /// Kebab-case name, part of the ids in the page.
    fn name(&self) -> &'static str;

    /// Heading of the figure.
    fn title(&self) -> &'static str;

    /// How to read it, in one or two sentences: the caption below the figure.
    fn doc(&self) -> &'static str;

    /// Draws `series`; `finding` is what the gate derived for it, if it's gated.
    ///
    /// # Errors
    /// `ErrorKind::Draw` if the SVG backend fails.
    fn draw(&self, series: &Series, finding: Option<&Finding>) -> Result<Drawing>;
}

/// All charts, in the order in which the page shows them: what happened over time, how sure, from which samples, and whether those
/// had settled.
pub const CHARTS: &[&dyn Chart] = &[&Trend, &Comparison, &Distribution, &WarmUp];

/// What a chart came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// A picture.
    Picture(Picture),
    /// Nothing to draw, and why.
    Nothing(String),
}

/// The inside of an SVG element, and what a reader who can't see it should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// SVG elements, escaped, without the `<svg>` around them; no ids, so that pictures don't collide in one page.
    pub body: String,
    /// Width and height of the view box.
    pub size: (u32, u32),
    /// The figures behind the picture, in words.
    pub description: String,
    /// Texts for a pointer that rests on a part of it; the tables beside it have them too.
    pub tips: Vec<Tip>,
}

/// A rectangle of a picture and what it shows, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Left, top, width and height in pixels of the view box.
    pub at: (i32, i32, i32, i32),
    /// What is there.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_unique_kebab_case_names_and_say_how_to_read_them() {
        for (idx, chart) in CHARTS.iter().enumerate() {
            let name = chart.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(CHARTS[..idx].iter().all(|other| other.name() != name), "{name} twice");
            assert!(!chart.title().is_empty() && chart.doc().ends_with('.'), "{name}");
        }
    }
}
