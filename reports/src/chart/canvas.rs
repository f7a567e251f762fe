//! A plotters drawing area with margins, a value axis and the few shapes that the charts share.
//! In: axes and drawing calls in data coordinates. Out: the elements of an SVG, without the root element.

use std::{fmt::Display, ops::Range};

use plotters::{
    coord::{Shift, cartesian::Cartesian2d, types::RangedCoordf64},
    prelude::{
        Circle, DrawingArea, IntoDrawingArea as _, IntoFont as _, PathElement, Polygon, RGBColor,
        Rectangle, SVGBackend, ShapeStyle, TextStyle,
    },
    style::text_anchor::{HPos, Pos, VPos},
};

use super::axis::{Axis, Tick};
use crate::{
    Error, ErrorKind, Result,
    theme::{CHART_SIZE, FONT_FAMILY, FONT_PX, Role},
};

/// A place in data coordinates.
pub(crate) type Point = (f64, f64);

/// Pixels around the plot: top for the unit and legend, bottom for two rows of labels, left for tick labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margins {
    pub(crate) top: i32,
    pub(crate) bottom: i32,
    pub(crate) left: i32,
    pub(crate) right: i32,
}

/// Side of its place on which a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Center,
    Right,
}

/// Shape of a point: the arms differ in shape as well as in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// Faint speck: one process of a session.
    Speck,
    /// Small filled disc: a session of the history.
    Disc,
    /// Filled disc: a pair.
    Dot,
    /// Open circle: base.
    Ring,
    /// Filled triangle: head.
    Triangle,
    /// Filled diamond: an estimate.
    Diamond,
    /// Filled square: a colour of a legend.
    Square,
    /// Filled triangle that points upwards: a change to more.
    Up,
    /// Filled triangle that points downwards: a change to less.
    Down,
}

type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What a chart draws on.
pub(crate) struct Canvas<'a> {
    root: Root<'a>,
    plot: Plot<'a>,
    /// Pixels of the plot within the picture.
    pub(crate) x_px: Range<i32>,
    pub(crate) y_px: Range<i32>,
    x: Axis,
    y: Axis,
}

/// Draws one chart of `CHART_SIZE`; returns the elements inside its `<svg>`.
pub(crate) fn svg(
    margins: Margins,
    x: Axis,
    y: Axis,
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<String> {
    sized(CHART_SIZE, margins, x, y, draw)
}

/// As [`svg`], of another size: for charts whose height depends on what they hold.
pub(crate) fn sized(
    size: (u32, u32),
    margins: Margins,
    x: Axis,
    y: Axis,
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let (width, height) = root.dim_in_pixel();
        let (width, height) = (width.cast_signed(), height.cast_signed());
        let x_px = margins.left..width - margins.right;
        let y_px = margins.top..height - margins.bottom;
        let plot = root
            .margin(margins.top, margins.bottom, margins.left, margins.right)
            .apply_coord_spec(Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
                x.low..x.high,
                y.low..y.high,
                // Values grow upwards, pixels downwards.
                (x_px.clone(), y_px.end..y_px.start),
            ));
        let canvas = Canvas { root, plot, x_px, y_px, x, y };
        draw(&canvas)?;
        canvas.root.present().map_err(refused)?;
    }
    let inside = text
        .split_once('>')
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .map(|(inside, _)| inside)
        .expect("the backend writes one root element");
    Ok(inside.trim().to_owned())
}

impl Canvas<'_> {
    /// Pixel of a place.
    pub(crate) fn px(&self, at: Point) -> (i32, i32) {
        self.plot.map_coordinate(&self.inside(at))
    }

    /// The place on the axes nearest to `at`: plotters overflows on places far outside.
    fn inside(&self, (x, y): Point) -> Point {
        (x.clamp(self.x.low, self.x.high), y.clamp(self.y.low, self.y.high))
    }

    fn all_inside(&self, points: Vec<Point>) -> Vec<Point> {
        points.into_iter().map(|point| self.inside(point)).collect()
    }

    /// A line through `points`.
    pub(crate) fn path(&self, points: Vec<Point>, role: Role, width: u32) -> Result<()> {
        self.plot
            .draw(&PathElement::new(self.all_inside(points), stroke(role, width)))
            .map_err(refused)
    }

    /// A filled area.
    pub(crate) fn area(&self, points: Vec<Point>, role: Role) -> Result<()> {
        self.plot.draw(&Polygon::new(self.all_inside(points), color(role))).map_err(refused)
    }

    /// A filled rectangle between two corners.
    pub(crate) fn rectangle(&self, a: Point, b: Point, role: Role) -> Result<()> {
        self.plot
            .draw(&Rectangle::new(
                [self.inside(a), self.inside(b)],
                ShapeStyle::from(color(role)).filled(),
            ))
            .map_err(refused)
    }

    /// A point.
    pub(crate) fn point(&self, at: Point, marker: Marker, role: Role) -> Result<()> {
        let (x, y) = self.px(at);
        self.point_px((x, y), marker, role)
    }

    /// A point at a pixel, for legends.
    pub(crate) fn point_px(&self, (x, y): (i32, i32), marker: Marker, role: Role) -> Result<()> {
        let filled = ShapeStyle::from(color(role)).filled();
        let polygon = |offsets: &[(i32, i32)]| {
            let points: Vec<_> = offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
            self.root.draw(&Polygon::new(points, color(role)))
        };
        match marker {
            Marker::Speck => self.root.draw(&Circle::new((x, y), 1, filled)),
            Marker::Square => polygon(&[(-4, -4), (4, -4), (4, 4), (-4, 4)]),
            Marker::Up => polygon(&[(0, -5), (5, 4), (-5, 4)]),
            Marker::Down => polygon(&[(0, 5), (5, -4), (-5, -4)]),
            Marker::Disc => self.root.draw(&Circle::new((x, y), 2, filled)),
            Marker::Dot => self.root.draw(&Circle::new((x, y), 3, filled)),
            Marker::Ring => self.root.draw(&Circle::new((x, y), 3, stroke(role, 1))),
            Marker::Triangle => polygon(&[(0, -4), (4, 3), (-4, 3)]),
            Marker::Diamond => polygon(&[(0, -6), (5, 0), (0, 6), (-5, 0)]),
        }
        .map_err(refused)
    }

    /// A text at a pixel, its middle on the pixel's row.
    pub(crate) fn text_px(
        &self,
        text: &str,
        at: (i32, i32),
        align: Align,
        role: Role,
    ) -> Result<()> {
        let h_pos = match align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let color = color(role);
        // The backend divides by 1.24, its guess at the ratio of font box to font size.
        let style = TextStyle::from((FONT_FAMILY, FONT_PX * 1.24).into_font())
            .color(&color)
            .pos(Pos::new(h_pos, VPos::Center));
        self.root.draw_text(text, &style, at).map_err(refused)
    }

    /// The value axis: grid lines, tick labels, and the unit above them.
    pub(crate) fn value_axis(&self, ticks: &[Tick], unit: &str) -> Result<()> {
        for tick in ticks {
            self.path(vec![(self.x.low, tick.at), (self.x.high, tick.at)], Role::Grid, 1)?;
            let (_, y) = self.px((self.x.low, tick.at));
            self.text_px(&tick.label, (self.x_px.start - 6, y), Align::Right, Role::Muted)?;
        }
        self.text_px(unit, (self.x_px.start - 6, self.y_px.start - 12), Align::Right, Role::Muted)
    }

    /// A vertical line over the whole height.
    pub(crate) fn vertical(&self, x: f64, role: Role, width: u32) -> Result<()> {
        self.path(vec![(x, self.y.low), (x, self.y.high)], role, width)
    }

    /// `○ base  ▲ head`, right-aligned above the plot.
    pub(crate) fn legend(&self) -> Result<()> {
        let y = self.y_px.start - 12;
        let x = self.x_px.end;
        self.point_px((x - 88, y), Marker::Ring, Role::Base)?;
        self.text_px("base", (x - 80, y), Align::Left, Role::Base)?;
        self.point_px((x - 38, y), Marker::Triangle, Role::Head)?;
        self.text_px("head", (x - 30, y), Align::Left, Role::Head)
    }
}

fn color(role: Role) -> RGBColor {
    let (r, g, b) = role.light();
    RGBColor(r, g, b)
}

fn stroke(role: Role, width: u32) -> ShapeStyle {
    ShapeStyle::from(color(role)).stroke_width(width)
}

fn refused(error: impl Display) -> Error {
    Error::new(ErrorKind::Draw, format!("draw a chart: the SVG backend said {error}"))
}
