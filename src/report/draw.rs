//! Where everything of a figure stands.

use super::axis::Scale;
use super::canvas::{Anchor, Canvas, Color, Place};
use super::{Axis, Errors, Figure, Panel, Point, ReportError, Series, X};

/// Okabe and Ito (2008).
const COLORS: [Color; 7] =
    [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (60, 60, 60)];
const TEXT: Color = (34, 34, 34);
const FAINT: Color = (225, 225, 225);
const FRAME: Color = (120, 120, 120);
const SMALL: f64 = 12.0;
const LARGE: f64 = 15.0;
/// Around a figure and between its panels.
const MARGIN: f64 = 14.0;
const LEGEND_LINE: f64 = 20.0;
/// Half the width of a mark.
const MARK: f64 = 4.2;
/// Of the room between two categories, what the points of one take.
const SPREAD: f64 = 0.5;

pub fn draw(figure: &Figure) -> Result<Canvas, ReportError> {
    figure.panels.iter().try_for_each(check)?;
    let names = names(figure);
    if names.is_empty() {
        return Err(ReportError::Empty);
    }
    let columns = figure.columns.clamp(1, figure.panels.len().max(1));
    let rows = figure.panels.len().div_ceil(columns);
    let (panel_width, panel_height) = figure.panel;
    let width = columns as f64 * (panel_width + MARGIN) + MARGIN;
    let legend = if names.len() > 1 { legend(&names, width - 2.0 * MARGIN) } else { vec![] };
    let title = if figure.title.is_empty() { 0.0 } else { LARGE + 8.0 };
    let lines = legend.last().map_or(0, |&(_, line, _)| line + 1);
    let top = MARGIN + title + lines as f64 * LEGEND_LINE;
    let height = top + rows as f64 * (panel_height + MARGIN) + if lines > 0 { 6.0 } else { 0.0 };
    let mut canvas = Canvas::new(width, height);
    if title > 0.0 {
        canvas.text((MARGIN, MARGIN + LARGE - 2.0), &figure.title, LARGE, TEXT, Anchor::Start);
    }
    for (n, line, x) in legend {
        let at = (MARGIN + x + 12.0, MARGIN + title + line as f64 * LEGEND_LINE + LEGEND_LINE / 2.0);
        canvas.line(vec![(at.0 - 12.0, at.1), (at.0 + 12.0, at.1)], color(n), 2.0);
        mark(&mut canvas, at, n);
        canvas.text((at.0 + 18.0, at.1 + 0.36 * SMALL), names[n], SMALL, TEXT, Anchor::Start);
    }
    for (n, panel) in figure.panels.iter().enumerate() {
        let (row, column) = (n / columns, n % columns);
        let left = MARGIN + column as f64 * (panel_width + MARGIN);
        let at = (left, top + 6.0 + row as f64 * (panel_height + MARGIN));
        draw_panel(&mut canvas, panel, &names, at, figure.panel);
    }
    Ok(canvas)
}

/// Names of all series, in the order in which they first appear.
fn names(figure: &Figure) -> Vec<&str> {
    let mut names = vec![];
    for series in figure.panels.iter().flat_map(|p| &p.series).filter(|s| !s.points.is_empty()) {
        if !names.contains(&series.name.as_str()) {
            names.push(&series.name);
        }
    }
    names
}

/// Number, line and x of each entry.
fn legend(names: &[&str], width: f64) -> Vec<(usize, usize, f64)> {
    let font = super::font::Font::new();
    let (mut line, mut x) = (0, 0.0);
    let mut entries = vec![];
    for (n, name) in names.iter().enumerate() {
        let entry = 30.0 + font.width(name, SMALL) + 22.0;
        if x > 0.0 && x + entry > width {
            (line, x) = (line + 1, 0.0);
        }
        entries.push((n, line, x));
        x += entry;
    }
    entries
}

fn check(panel: &Panel) -> Result<(), ReportError> {
    let log_x = matches!(&panel.x, X::Numbers(axis) if axis.log);
    for series in &panel.series {
        for &Point { x, y, interval } in &series.points {
            let (low, high) = interval.unwrap_or((y, y));
            let finite = [x, y, low, high].iter().all(|v| v.is_finite());
            let (name, at) = (series.name.clone(), panel.title.clone());
            if !finite || (log_x && x < 0.0) || (panel.y.log && y.min(low) < 0.0) {
                return Err(ReportError::Point { panel: at, series: name, x, y });
            }
            if let X::Categories { names, .. } = &panel.x
                && (x < 0.0 || x.fract() != 0.0 || x as usize >= names.len())
            {
                return Err(ReportError::Category { panel: at, series: name, x, categories: names.len() });
            }
        }
    }
    Ok(())
}

fn draw_panel(canvas: &mut Canvas, panel: &Panel, names: &[&str], (left, top): Place, (width, height): (f64, f64)) {
    let points = || panel.series.iter().flat_map(|s| &s.points);
    let ys = points().flat_map(|p| {
        let (low, high) = p.interval.unwrap_or((p.y, p.y));
        [p.y, low, high]
    });
    let y_scale = Scale::new(&panel.y, ys);
    let (x_label, x_scale, x_ticks) = match &panel.x {
        X::Numbers(axis) => {
            let scale = Scale::new(axis, points().map(|p| p.x));
            let ticks = scale.ticks();
            (&axis.label, scale, ticks)
        }
        X::Categories { label, names } => {
            let scale = Scale::new(&Axis::new("").range(-0.5, names.len() as f64 - 0.5), [].into_iter());
            let ticks = names.iter().enumerate().map(|(n, name)| (scale.place(n as f64), name.clone())).collect();
            (label, scale, ticks)
        }
    };
    let categories = matches!(panel.x, X::Categories { .. });
    let y_ticks = y_scale.ticks();
    let y_text = y_ticks.iter().map(|(_, text)| canvas.font.width(text, SMALL)).fold(0.0, f64::max);
    let x0 = left + y_text + if panel.y.label.is_empty() { 10.0 } else { 10.0 + SMALL + 6.0 };
    let x1 = left + width - 14.0;
    let y0 = top + if panel.title.is_empty() { 6.0 } else { SMALL + 12.0 };
    // Names of categories that would touch each other stand aslant: they are turned upright.
    let room = (x1 - x0) / x_ticks.len().max(1) as f64;
    let widest = x_ticks.iter().map(|(_, text)| canvas.font.width(text, SMALL)).fold(0.0, f64::max);
    let upright = categories && widest > room - 6.0;
    let x_text = if upright { widest + 4.0 } else { SMALL + 4.0 };
    let y1 = top + height - x_text - 6.0 - if x_label.is_empty() { 0.0 } else { SMALL + 8.0 };
    let at_x = |place: f64| x0 + place * (x1 - x0);
    let at_y = |place: f64| y1 - place * (y1 - y0);
    if !panel.title.is_empty() {
        canvas.text((x0, top + SMALL), &panel.title, SMALL + 1.0, TEXT, Anchor::Start);
    }
    for (place, text) in &y_ticks {
        let y = at_y(*place);
        canvas.line(vec![(x0, y), (x1, y)], FAINT, 1.0);
        canvas.text((x0 - 6.0, y + 0.36 * SMALL), text, SMALL, TEXT, Anchor::End);
    }
    let mut free = f64::NEG_INFINITY;
    for (place, text) in &x_ticks {
        let x = at_x(*place);
        canvas.line(vec![(x, y1), (x, y1 + 4.0)], FRAME, 1.0);
        if upright {
            canvas.upright((x + 0.36 * SMALL, y1 + 8.0), text, SMALL, TEXT, Anchor::End);
            continue;
        }
        // A number that would touch the one before is left out.
        let half = canvas.font.width(text, SMALL) / 2.0;
        if x - half > free {
            canvas.text((x, y1 + 6.0 + SMALL), text, SMALL, TEXT, Anchor::Middle);
            free = x + half + 4.0;
        }
    }
    canvas.line(vec![(x0, y0), (x0, y1), (x1, y1)], FRAME, 1.0);
    canvas.text(((x0 + x1) / 2.0, top + height - 4.0), x_label, SMALL, TEXT, Anchor::Middle);
    canvas.upright((left + SMALL, (y0 + y1) / 2.0), &panel.y.label, SMALL, TEXT, Anchor::Middle);
    let shown = panel.series.len();
    for (s, series) in panel.series.iter().enumerate() {
        let n = names.iter().position(|name| *name == series.name).unwrap_or(0);
        let shift = match categories && shown > 1 {
            true => SPREAD * (s as f64 / (shown - 1) as f64 - 0.5),
            false => 0.0,
        };
        let x = |p: &Point| at_x(x_scale.place(p.x + shift));
        let y = |v: f64| at_y(y_scale.place(v).clamp(0.0, 1.0));
        draw_series(canvas, series, n, categories, x, y);
    }
}

fn draw_series(
    canvas: &mut Canvas,
    series: &Series,
    n: usize,
    categories: bool,
    x: impl Fn(&Point) -> f64,
    y: impl Fn(f64) -> f64,
) {
    let known = || series.points.iter().filter_map(|p| p.interval.map(|interval| (x(p), interval)));
    match series.errors {
        Errors::Band if !categories && known().count() > 1 => {
            let upper = known().map(|(x, (_, high))| (x, y(high)));
            let lower = known().map(|(x, (low, _))| (x, y(low)));
            let area = upper.chain(lower.collect::<Vec<_>>().into_iter().rev()).collect();
            canvas.area(area, color(n), 0.16);
        }
        _ => {
            for (x, (low, high)) in known() {
                canvas.line(vec![(x, y(low)), (x, y(high))], color(n), 1.4);
                for end in [low, high] {
                    canvas.line(vec![(x - 3.0, y(end)), (x + 3.0, y(end))], color(n), 1.4);
                }
            }
        }
    }
    let places: Vec<Place> = series.points.iter().map(|p| (x(p), y(p.y))).collect();
    if series.line && !categories && places.len() > 1 {
        match n / COLORS.len() {
            0 => canvas.line(places.clone(), color(n), 2.0),
            _ => canvas.dashed(places.clone(), color(n), 2.0, 5.0),
        }
    }
    places.into_iter().for_each(|place| mark(canvas, place, n));
}

fn color(n: usize) -> Color {
    COLORS[n % COLORS.len()]
}

/// The mark of series `n`: disc, square, triangle, diamond, triangle downwards, cross, star-like bar.
fn mark(canvas: &mut Canvas, (x, y): Place, n: usize) {
    let polygon = |corners: &[(f64, f64)]| corners.iter().map(|(dx, dy)| (x + MARK * dx, y + MARK * dy)).collect();
    let points: Vec<Place> = match n % COLORS.len() {
        0 => {
            let corner = |k: u32| (f64::from(k) * std::f64::consts::TAU / 24.0).sin_cos();
            polygon(&(0..24).map(corner).collect::<Vec<_>>())
        }
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.2), (1.1, 0.85), (-1.1, 0.85)]),
        3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => polygon(&[(0.0, 1.2), (1.1, -0.85), (-1.1, -0.85)]),
        5 => {
            let arm = 0.4;
            polygon(&[
                (-arm, -1.2),
                (arm, -1.2),
                (arm, -arm),
                (1.2, -arm),
                (1.2, arm),
                (arm, arm),
                (arm, 1.2),
                (-arm, 1.2),
                (-arm, arm),
                (-1.2, arm),
                (-1.2, -arm),
                (-arm, -arm),
            ])
        }
        _ => polygon(&[(-1.3, -0.5), (1.3, -0.5), (1.3, 0.5), (-1.3, 0.5)]),
    };
    canvas.area(points, color(n), 1.0);
}
