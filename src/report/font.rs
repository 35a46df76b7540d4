//! Letters: how wide a text is, and its outlines. The font is DejaVu Sans, cut to what figures write.

use super::canvas::Anchor;
use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::{Face, OutlineBuilder};

static DEJAVU: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
/// What SVG asks for; every viewer has one of them.
pub const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// The font that the program carries.
pub struct Font {
    face: Option<Face<'static>>,
}

impl Font {
    pub fn new() -> Font {
        Font { face: Face::parse(DEJAVU, 0).ok() }
    }

    fn advance(face: &Face, c: char) -> f64 {
        let glyph = face.glyph_index(c).or_else(|| face.glyph_index('?')).unwrap_or_default();
        f64::from(face.glyph_hor_advance(glyph).unwrap_or_default()) / f64::from(face.units_per_em())
    }

    /// Width of a text of `size` pixels.
    pub fn width(&self, text: &str, size: f64) -> f64 {
        let Some(face) = &self.face else { return 0.6 * size * text.chars().count() as f64 };
        size * text.chars().map(|c| Font::advance(face, c)).sum::<f64>()
    }

    /// Outlines of a text whose baseline goes through (0, 0), to the right, y downwards.
    pub fn outlines(&self, text: &str, size: f64, anchor: Anchor) -> Option<Path> {
        let face = self.face.as_ref()?;
        let scale = size / f64::from(face.units_per_em());
        let mut x = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -self.width(text, size) / 2.0,
            Anchor::End => -self.width(text, size),
        };
        let mut pen = Pen(PathBuilder::new());
        for c in text.chars() {
            let glyph = face.glyph_index(c).or_else(|| face.glyph_index('?')).unwrap_or_default();
            let mut letter = Pen(PathBuilder::new());
            if face.outline_glyph(glyph, &mut letter).is_some() {
                let place = Transform::from_row(scale as f32, 0.0, 0.0, -scale as f32, x as f32, 0.0);
                if let Some(path) = letter.0.finish().and_then(|path| path.transform(place)) {
                    pen.0.push_path(&path);
                }
            }
            x += size * Font::advance(face, c);
        }
        pen.0.finish()
    }
}

struct Pen(PathBuilder);

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_letter_that_figures_write_and_knows_its_width() {
        let font = Font::new();
        let face = font.face.as_ref().unwrap();
        for c in (' '..='~').chain("µσΔ×±°−–—²≤≥→√·".chars()) {
            assert!(face.glyph_index(c).is_some(), "{c:?}");
        }
        assert!(font.width("iiii", 10.0) < font.width("mmmm", 10.0));
        assert!((font.width("accuracy", 20.0) - 2.0 * font.width("accuracy", 10.0)).abs() < 1e-9);
        let bounds = font.outlines("accuracy", 10.0, Anchor::Middle).unwrap().bounds();
        assert!((f64::from(bounds.left()) + font.width("accuracy", 10.0) / 2.0).abs() < 1.0, "{bounds:?}");
        assert!(bounds.top() < -5.0 && bounds.bottom() > 1.0, "{bounds:?}");
    }
}
