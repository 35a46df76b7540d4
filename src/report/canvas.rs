//! Shapes, and how they become SVG and PNG.

use super::ReportError;
use super::font::{FAMILY, Font};
use std::fmt::Write;
use tiny_skia::{Color as Ink, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

/// Red, green, blue.
pub type Color = (u8, u8, u8);
/// To the right and down.
pub type Place = (f64, f64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Debug)]
enum Shape {
    Line { points: Vec<Place>, color: Color, width: f64, dash: Option<f64> },
    Area { points: Vec<Place>, color: Color, opacity: f64 },
    Text { at: Place, text: String, size: f64, color: Color, anchor: Anchor, upright: bool },
}

/// A drawing of some size.
pub struct Canvas {
    pub width: f64,
    pub height: f64,
    pub font: Font,
    shapes: Vec<Shape>,
}

impl Canvas {
    pub fn new(width: f64, height: f64) -> Canvas {
        Canvas { width: width.ceil(), height: height.ceil(), font: Font::new(), shapes: vec![] }
    }

    pub fn line(&mut self, points: Vec<Place>, color: Color, width: f64) {
        self.shapes.push(Shape::Line { points, color, width, dash: None });
    }

    pub fn dashed(&mut self, points: Vec<Place>, color: Color, width: f64, dash: f64) {
        self.shapes.push(Shape::Line { points, color, width, dash: Some(dash) });
    }

    pub fn area(&mut self, points: Vec<Place>, color: Color, opacity: f64) {
        self.shapes.push(Shape::Area { points, color, opacity });
    }

    /// A text whose baseline begins, ends or has its middle at `at`.
    pub fn text(&mut self, at: Place, text: &str, size: f64, color: Color, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, color, anchor, upright: false });
    }

    /// The same, read from below to above.
    pub fn upright(&mut self, at: Place, text: &str, size: f64, color: Color, anchor: Anchor) {
        self.shapes.push(Shape::Text { at, text: text.into(), size, color, anchor, upright: true });
    }

    pub fn svg(&self) -> String {
        let (w, h) = (self.width, self.height);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" font-family=\"{FAMILY}\">\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n"
        );
        for shape in &self.shapes {
            // Writing to a String cannot fail.
            let _ = match shape {
                Shape::Line { points, color, width, dash } => {
                    let dash = dash.map_or(String::new(), |d| format!(" stroke-dasharray=\"{d}\""));
                    writeln!(
                        svg,
                        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>",
                        listed(points),
                        hex(*color)
                    )
                }
                Shape::Area { points, color, opacity } => {
                    let opacity = if *opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
                    writeln!(svg, "<polygon points=\"{}\" fill=\"{}\"{opacity}/>", listed(points), hex(*color))
                }
                Shape::Text { at: (x, y), text, size, color, anchor, upright } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let (x, y) = (short(*x), short(*y));
                    let turn = if *upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
                    let color = hex(*color);
                    writeln!(
                        svg,
                        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
                        escaped(text)
                    )
                }
            };
        }
        svg + "</svg>\n"
    }

    /// PNG with `scale` pixels for one.
    pub fn png(&self, scale: f64) -> Result<Vec<u8>, ReportError> {
        let (width, height) = (self.width * scale, self.height * scale);
        let size = || ReportError::Size { width, height };
        if !(width <= 20_000.0 && height <= 20_000.0) {
            return Err(size());
        }
        let mut image = Pixmap::new(width.ceil() as u32, height.ceil() as u32).ok_or_else(size)?;
        image.fill(Ink::WHITE);
        let whole = Transform::from_scale(scale as f32, scale as f32);
        for shape in &self.shapes {
            match shape {
                Shape::Line { points, color, width, dash } => {
                    let stroke = Stroke {
                        width: *width as f32,
                        line_cap: LineCap::Butt,
                        line_join: LineJoin::Round,
                        dash: dash.and_then(|d| StrokeDash::new(vec![d as f32, d as f32], 0.0)),
                        ..Stroke::default()
                    };
                    if let Some(path) = path(points, false) {
                        image.stroke_path(&path, &paint(*color, 1.0), &stroke, whole, None);
                    }
                }
                Shape::Area { points, color, opacity } => {
                    if let Some(path) = path(points, true) {
                        image.fill_path(&path, &paint(*color, *opacity), FillRule::Winding, whole, None);
                    }
                }
                Shape::Text { at, text, size, color, anchor, upright } => {
                    let turn = if *upright { Transform::from_rotate(-90.0) } else { Transform::identity() };
                    let place = turn.post_translate(at.0 as f32, at.1 as f32).post_concat(whole);
                    if let Some(path) = self.font.outlines(text, *size, *anchor) {
                        image.fill_path(&path, &paint(*color, 1.0), FillRule::Winding, place, None);
                    }
                }
            }
        }
        image.encode_png().map_err(|e| ReportError::Png(e.to_string()))
    }
}

fn path(points: &[Place], closed: bool) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    for (n, &(x, y)) in points.iter().enumerate() {
        match n {
            0 => path.move_to(x as f32, y as f32),
            _ => path.line_to(x as f32, y as f32),
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn paint(color: Color, opacity: f64) -> Paint<'static> {
    let (r, g, b) = color;
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, (255.0 * opacity).round() as u8);
    paint
}

fn hex((r, g, b): Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// At most two digits behind the point.
fn short(v: f64) -> f64 {
    (100.0 * v).round() / 100.0
}

fn listed(points: &[Place]) -> String {
    let all: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", short(x), short(y))).collect();
    all.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
