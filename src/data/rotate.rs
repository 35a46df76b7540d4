//! Images turned about their centre.

use super::Dataset;

/// Every image of `dataset` turned by `degrees`, anticlockwise as it is looked at.
///
/// Each pixel takes its value from four, bilinearly; what comes in from outside is 0. A quarter turn of a square image moves
/// pixels without changing them.
pub fn rotated(dataset: &Dataset, degrees: f64) -> Vec<u8> {
    let (width, height) = (dataset.width, dataset.height);
    let taps = taps(width, height, degrees);
    let turn = |n: usize| {
        let image = dataset.image(n);
        taps.iter().map(move |of_pixel| {
            let value: f64 = of_pixel.iter().map(|&(from, weight)| weight * f64::from(image[from])).sum();
            value.round() as u8
        })
    };
    (0..dataset.len()).flat_map(turn).collect()
}

/// For each pixel, the pixels it is made of and their weights; those outside the image are left out.
fn taps(width: usize, height: usize, degrees: f64) -> Vec<Vec<(usize, f64)>> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre = |size: usize| (size as f64 - 1.0) / 2.0;
    let of_pixel = |p: usize| {
        let (x, y) = ((p % width) as f64 - centre(width), (p / width) as f64 - centre(height));
        // Rows count downwards, so this turns back, clockwise, to where the pixel was.
        let (column, row) = (cos * x - sin * y + centre(width), sin * x + cos * y + centre(height));
        let (left, top) = (column.floor(), row.floor());
        let mut found = Vec::new();
        for (r, down) in [(top, 1.0 - (row - top)), (top + 1.0, row - top)] {
            for (c, right) in [(left, 1.0 - (column - left)), (left + 1.0, column - left)] {
                let inside = (0.0..height as f64).contains(&r) && (0.0..width as f64).contains(&c);
                if inside && down * right > 0.0 {
                    found.push((r as usize * width + c as usize, down * right));
                }
            }
        }
        found
    };
    (0..width * height).map(of_pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(width: usize, height: usize, images: Vec<u8>) -> Dataset {
        let labels = vec![0; images.len() / (width * height)];
        Dataset { name: "set".into(), width, height, depth: 8, images, labels }
    }

    #[test]
    fn quarter_turns_move_pixels() {
        let image = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19];
        let set = set(3, 3, image.clone());
        // Anticlockwise: the right column becomes the top row.
        let quarter = vec![3, 6, 9, 2, 5, 8, 1, 4, 7, 13, 16, 19, 12, 15, 18, 11, 14, 17];
        assert_eq!(rotated(&set, 90.0), quarter);
        assert_eq!(rotated(&set, -270.0), quarter);
        assert_eq!(rotated(&set, 180.0), [9, 8, 7, 6, 5, 4, 3, 2, 1, 19, 18, 17, 16, 15, 14, 13, 12, 11]);
        assert_eq!(rotated(&set, 0.0), image);
        assert_eq!(rotated(&set, 360.0), image);
    }

    #[test]
    fn between_quarter_turns_pixels_are_mixed() {
        let mut image = vec![0; 9];
        image[0] = 100;
        let found = rotated(&set(3, 3, image), 45.0);
        // The middle of the left edge, one from the centre, comes from √½ left and √½ above: weight √½ · √½ of the corner.
        assert_eq!(found, [0, 0, 0, 50, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn an_even_disc_stays_and_the_outside_is_black() {
        let bright = set(20, 20, vec![200; 400]);
        for degrees in [15.0, 45.0, 100.0] {
            let found = rotated(&bright, degrees);
            for (p, &pixel) in found.iter().enumerate() {
                let (x, y) = ((p % 20) as f64 - 9.5, (p / 20) as f64 - 9.5);
                if x.hypot(y) < 9.0 {
                    assert_eq!(pixel, 200, "{degrees}°, pixel {p}");
                }
            }
        }
        assert_eq!(rotated(&bright, 45.0)[0], 0);
    }

    #[test]
    fn images_that_are_not_square_turn_about_their_centre() {
        assert_eq!(rotated(&set(3, 1, vec![10, 20, 30]), 180.0), [30, 20, 10]);
        assert_eq!(rotated(&set(3, 1, vec![10, 20, 30]), 90.0), [0, 20, 0]);
    }
}
