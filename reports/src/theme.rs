//! Colours, fonts and sizes of the page and its charts.
//!
//! A chart is drawn in the light colours, so that its SVG is complete by itself; in the page every colour is turned into
//! a CSS variable by a rule on the attribute that holds it, and the dark theme only sets the variables anew. The two arms
//! are the blue and vermillion of Okabe and Ito (2008), apart for every common kind of colour blindness; they differ in
//! shape as well, so a grey print is read the same way.

use std::fmt::Write as _;

/// 24-bit sRGB.
pub type Rgb = (u8, u8, u8);

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Min–max band of the history.
    Band,
    /// The base arm.
    Base,
    /// Verdict fail, invalid, incomparable.
    Fail,
    /// Single processes behind a median.
    Faint,
    /// Grid lines and borders.
    Grid,
    /// The head arm.
    Head,
    /// Text and estimates.
    Ink,
    /// Captions, history, single pairs.
    Muted,
    /// The page.
    Paper,
    /// Verdict pass.
    Pass,
    /// Verdict inconclusive.
    Unsure,
    /// Beyond the unacceptable margin.
    Zone,
}

/// One role's colour in both themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swatch {
    /// What it is for.
    pub role: Role,
    /// Name of its CSS variable, without the dashes.
    pub name: &'static str,
    /// On white paper; unique, because CSS finds the role by it.
    pub light: Rgb,
    /// On a dark screen.
    pub dark: Rgb,
}

/// All roles, sorted by name.
#[rustfmt::skip] // one swatch a line reads as a table
pub const PALETTE: &[Swatch] = &[
    Swatch { role: Role::Band, name: "band", light: (0xD6, 0xDC, 0xE2), dark: (0x3B, 0x43, 0x4C) },
    Swatch { role: Role::Base, name: "base", light: (0x00, 0x6A, 0xA6), dark: (0x56, 0xB4, 0xE9) },
    Swatch { role: Role::Fail, name: "fail", light: (0xA6, 0x2B, 0x0A), dark: (0xFF, 0x8A, 0x65) },
    Swatch { role: Role::Faint, name: "faint", light: (0x9A, 0xA3, 0xAD), dark: (0x66, 0x70, 0x7B) },
    Swatch { role: Role::Grid, name: "grid", light: (0xE2, 0xE2, 0xE2), dark: (0x33, 0x37, 0x3C) },
    Swatch { role: Role::Head, name: "head", light: (0xB8, 0x4F, 0x00), dark: (0xF2, 0x9F, 0x4B) },
    Swatch { role: Role::Ink, name: "ink", light: (0x1B, 0x1B, 0x1B), dark: (0xE9, 0xE9, 0xE6) },
    Swatch { role: Role::Muted, name: "muted", light: (0x5C, 0x5F, 0x63), dark: (0xA7, 0xAB, 0xB0) },
    Swatch { role: Role::Paper, name: "paper", light: (0xFF, 0xFF, 0xFF), dark: (0x15, 0x17, 0x1A) },
    Swatch { role: Role::Pass, name: "pass", light: (0x00, 0x6B, 0x4F), dark: (0x4F, 0xD1, 0xA5) },
    Swatch { role: Role::Unsure, name: "unsure", light: (0x7A, 0x58, 0x00), dark: (0xE8, 0xC0, 0x4A) },
    Swatch { role: Role::Zone, name: "zone", light: (0xFB, 0xE6, 0xD9), dark: (0x43, 0x2A, 0x1C) },
];

/// Font family of charts that leave the page; inside it they inherit the page's.
pub const FONT_FAMILY: &str = "sans-serif";

/// Text size in charts, in pixels of a chart that is `CHART_SIZE` wide.
pub const FONT_PX: f64 = 12.0;

/// Width and height of a chart. Three fit side by side on a desktop, and one fits a phone at nearly its own size, so the
/// text stays legible without a second drawing.
pub const CHART_SIZE: (u32, u32) = (400, 260);

impl Role {
    /// Its colour on white paper.
    pub(crate) fn light(self) -> Rgb {
        PALETTE
            .iter()
            .find(|swatch| swatch.role == self)
            .map(|swatch| swatch.light)
            .expect("the palette has every role, as its test shows")
    }
}

/// CSS: the variables of both themes, and the rules that make the charts follow them. Print is always light.
#[must_use]
pub fn css() -> String {
    let variables = |dark: bool| {
        PALETTE.iter().fold(String::new(), |mut css, swatch| {
            let rgb = if dark { swatch.dark } else { swatch.light };
            write!(css, "--{}:{};", swatch.name, hex(rgb)).expect("a String takes all text");
            css
        })
    };
    let mut css = format!(
        ":root{{color-scheme:light;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{}}}}}\n",
        variables(false),
        variables(true)
    );
    for swatch in PALETTE {
        for attribute in ["fill", "stroke"] {
            writeln!(
                css,
                ".chart [{attribute}=\"{}\"]{{{attribute}:var(--{})}}",
                hex(swatch.light),
                swatch.name
            )
            .expect("a String takes all text");
        }
    }
    css
}

/// `#RRGGBB` in capitals, as the SVG backend writes it.
fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance((r, g, b): Rgb) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn swatch(role: Role) -> &'static Swatch {
        PALETTE.iter().find(|swatch| swatch.role == role).unwrap()
    }

    #[test]
    fn palette_is_sorted_and_its_light_colours_are_unique() {
        assert!(PALETTE.windows(2).all(|pair| pair[0].name < pair[1].name));
        for (idx, swatch) in PALETTE.iter().enumerate() {
            assert!(PALETTE[..idx].iter().all(|other| other.light != swatch.light));
            assert_eq!(swatch.role.light(), swatch.light);
        }
    }

    #[test]
    fn text_has_the_contrast_that_wcag_aa_asks_for() {
        // 4.5:1 is AA for body text.
        let paper = swatch(Role::Paper);
        for role in
            [Role::Base, Role::Fail, Role::Head, Role::Ink, Role::Muted, Role::Pass, Role::Unsure]
        {
            let swatch = swatch(role);
            let light = contrast(swatch.light, paper.light);
            let dark = contrast(swatch.dark, paper.dark);
            assert!(light >= 4.5 && dark >= 4.5, "{role:?}: light {light:.2}, dark {dark:.2}");
        }
    }

    #[test]
    fn every_role_is_themed_in_charts() {
        let css = css();
        for swatch in PALETTE {
            assert!(css.contains(&format!("fill:var(--{})", swatch.name)));
            assert_eq!(css.matches(&format!("--{}:#", swatch.name)).count(), 2);
        }
    }
}
