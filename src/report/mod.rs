//! Figures: lines with bands or bars of error, and points over categories, as SVG and as PNG.
//!
//! The same drawing makes both; PNG has letters of a font that the program carries, so no machine needs one. Colours are those
//! of Okabe and Ito, which people tell apart whatever their eyes, and every series has a mark of its own besides.

mod axis;
mod canvas;
mod draw;
mod font;

use crate::files::write_aside;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Panels beside and below each other that share one legend.
///
/// ```
/// use neuspin::report::{Axis, Figure, Panel, Point, Series};
///
/// let points = vec![Point::new(0.0, 0.97), Point::new(0.01, 0.95).within(0.94, 0.96)];
/// let panel = Panel::lines(Axis::new("cells that flip"), Axis::new("accuracy").percent(), vec![Series::new("SpinDrop", points)]);
/// let svg = Figure::new(vec![panel]).titled("Faults").svg()?;
/// assert!(svg.contains(">accuracy<"));
/// # Ok::<(), neuspin::report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    pub title: String,
    pub panels: Vec<Panel>,
    /// Panels in a row; the next ones go below.
    pub columns: usize,
    /// Width and height of a panel in pixels of the SVG, its labels included.
    pub panel: (f64, f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub title: String,
    pub x: X,
    pub y: Axis,
    /// Series of one name have one colour, in all panels.
    pub series: Vec<Series>,
}

/// What stands below a panel.
#[derive(Clone, Debug, PartialEq)]
pub enum X {
    Numbers(Axis),
    /// Names of categories; the x of a point is the index of one.
    Categories {
        label: String,
        names: Vec<String>,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    pub label: String,
    /// Logarithmic; a value of 0 stands at the left (lower) end by itself.
    pub log: bool,
    /// Values are shares and are shown in per cent.
    pub percent: bool,
    /// Lowest and highest value; those of the points (and their intervals) unless given.
    pub range: Option<(f64, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
    /// How intervals are drawn.
    pub errors: Errors,
    /// Whether a line joins the points; never over categories.
    pub line: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// An area around the line.
    Band,
    /// A bar at every point.
    #[default]
    Bars,
}

/// A value, and the interval that it lies in where one is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub interval: Option<(f64, f64)>,
}

#[derive(Debug, Error)]
pub enum ReportError {
    #[error("a figure without a point: nothing to draw")]
    Empty,
    #[error(
        "panel `{panel}`, series `{series}`: a point at ({x}, {y}); figures need finite numbers, and a logarithmic axis none below 0"
    )]
    Point { panel: String, series: String, x: f64, y: f64 },
    #[error("panel `{panel}`, series `{series}`: category {x}, but there are {categories}")]
    Category { panel: String, series: String, x: f64, categories: usize },
    #[error("figure of {width} × {height} pixels: too large for a PNG")]
    Size { width: f64, height: f64 },
    #[error("PNG: {0}")]
    Png(String),
    #[error("{file}: {source}")]
    Io { file: PathBuf, source: std::io::Error },
}

impl Figure {
    /// Panels of a common size, two in a row.
    pub fn new(panels: Vec<Panel>) -> Figure {
        let columns = panels.len().clamp(1, 2);
        Figure { title: String::new(), panels, columns, panel: (420.0, 300.0) }
    }

    #[must_use]
    pub fn titled(self, title: &str) -> Figure {
        Figure { title: title.into(), ..self }
    }

    pub fn svg(&self) -> Result<String, ReportError> {
        Ok(draw::draw(self)?.svg())
    }

    /// PNG with two pixels for each of the SVG's.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        draw::draw(self)?.png(2.0)
    }

    /// Writes `stem.svg` and `stem.png`, and says which files these are.
    pub fn write(&self, stem: &Path) -> Result<[PathBuf; 2], ReportError> {
        let drawing = draw::draw(self)?;
        let png = drawing.png(2.0)?;
        let written = [("svg", drawing.svg().into_bytes()), ("png", png)].map(|(extension, bytes)| {
            let mut file = stem.as_os_str().to_owned();
            file.push(format!(".{extension}"));
            let file = PathBuf::from(file);
            match write_aside(&file, &bytes) {
                Ok(()) => Ok(file),
                Err(source) => Err(ReportError::Io { file, source }),
            }
        });
        let [svg, png] = written;
        Ok([svg?, png?])
    }
}

impl Panel {
    /// A panel over numbers.
    pub fn lines(x: Axis, y: Axis, series: Vec<Series>) -> Panel {
        Panel { title: String::new(), x: X::Numbers(x), y, series }
    }

    /// A panel of points over categories; each series stands a little beside the one before.
    pub fn categories(label: &str, names: Vec<String>, y: Axis, series: Vec<Series>) -> Panel {
        Panel { title: String::new(), x: X::Categories { label: label.into(), names }, y, series }
    }

    #[must_use]
    pub fn titled(self, title: &str) -> Panel {
        Panel { title: title.into(), ..self }
    }
}

impl Axis {
    pub fn new(label: &str) -> Axis {
        Axis { label: label.into(), ..Axis::default() }
    }

    #[must_use]
    pub fn log(self) -> Axis {
        Axis { log: true, ..self }
    }

    #[must_use]
    pub fn percent(self) -> Axis {
        Axis { percent: true, ..self }
    }

    #[must_use]
    pub fn range(self, low: f64, high: f64) -> Axis {
        Axis { range: Some((low, high)), ..self }
    }
}

impl Series {
    pub fn new(name: &str, points: Vec<Point>) -> Series {
        Series { name: name.into(), points, errors: Errors::Bars, line: true }
    }

    #[must_use]
    pub fn banded(self) -> Series {
        Series { errors: Errors::Band, ..self }
    }

    /// Points alone, without a line between them.
    #[must_use]
    pub fn scattered(self) -> Series {
        Series { line: false, ..self }
    }
}

impl Point {
    pub fn new(x: f64, y: f64) -> Point {
        Point { x, y, interval: None }
    }

    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Point {
        Point { interval: Some((low, high)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> Figure {
        let series = |name: &str, shift: f64| {
            Series::new(
                name,
                [0.0, 0.1, 0.2].map(|x| Point::new(x, shift - x).within(shift - x - 0.01, shift - x + 0.01)).to_vec(),
            )
        };
        let axes = || (Axis::new("cells that flip").percent(), Axis::new("accuracy").percent());
        let lines = Panel::lines(axes().0, axes().1, vec![series("A < B", 0.9), series("B", 0.8).banded()]);
        let names = vec!["one".to_string(), "two".into()];
        let points = Panel::categories("source", names, axes().1, vec![Series::new("B", vec![Point::new(1.0, 0.5)])]);
        Figure::new(vec![lines.titled("Faults"), points]).titled("Both")
    }

    #[test]
    fn svg_has_all_labels_and_one_colour_a_name() {
        let svg = figure().svg().unwrap();
        for text in ["Both", "Faults", "cells that flip", "accuracy", "A &lt; B", "source", "two", "20 %"] {
            assert!(svg.contains(&format!(">{text}</text>")), "{text}");
        }
        // Of B: in the legend a line and a mark, a band, a line, three marks; a mark among the categories.
        assert_eq!(svg.matches("#d55e00").count(), 2 + 2 + 3 + 1);
        assert_eq!(svg, figure().svg().unwrap());
    }

    /// Text is drawn though no font is looked for: dark pixels where the title stands.
    #[test]
    fn png_is_twice_as_large_and_has_letters() {
        let png = figure().png().unwrap();
        let image = tiny_skia::Pixmap::decode_png(&png).unwrap();
        let svg = figure().svg().unwrap();
        let size = format!("width=\"{}\" height=\"{}\"", image.width() / 2, image.height() / 2);
        assert!(svg.contains(&size), "{size}");
        let dark = |x: u32, y: u32| image.pixel(x, y).is_some_and(|p| p.red() < 100);
        let title = (28..100).flat_map(|x| (28..60).map(move |y| (x, y))).filter(|&(x, y)| dark(x, y)).count();
        assert!(title > 100 && title < 1000, "{title} dark pixels");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let with =
            |x: Axis, point| Figure::new(vec![Panel::lines(x, Axis::new("y"), vec![Series::new("s", vec![point])])]);
        let said = |figure: &Figure| figure.svg().unwrap_err().to_string();
        assert!(said(&with(Axis::new("x"), Point::new(0.0, f64::NAN))).contains("series `s`: a point at (0, NaN)"));
        assert!(said(&with(Axis::new("x").log(), Point::new(-1.0, 0.0))).contains("none below 0"));
        assert!(said(&Figure::new(vec![])).contains("nothing to draw"));
        let mut bad = figure();
        bad.panels[1].series[0].points[0].x = 2.0;
        assert!(said(&bad).contains("category 2, but there are 2"));
    }
}
