//! Images changed at random before every step, as in the training of convolutional networks.

use crate::float::Float;
use crate::problem::ImageShape;

/// What is done to the images of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Augment {
    /// Nothing.
    #[default]
    None,
    /// Shifted by up to four pixels each way, what is missing reflected at the border, and mirrored left to right with
    /// probability 1/2.
    CropFlip,
}

impl Augment {
    /// The names that an experiment file uses.
    pub(super) const NAMES: &'static [&'static str] = &["none", "crop-flip"];

    pub(super) fn named(name: &str) -> Self {
        if name == "crop-flip" { Self::CropFlip } else { Self::None }
    }
}

/// Most pixels by which an image is shifted.
const SHIFT: usize = 4;

/// A row or a column of an image, from -4 to 4 beyond its end: reflected at the border, which is not repeated.
fn reflected(place: usize, shift: usize, size: usize) -> usize {
    let beyond = (place + shift).abs_diff(SHIFT);
    if beyond < size { beyond } else { (2 * size - 2).saturating_sub(beyond) }
}

/// Copies an image, shifted and mirrored by what a uniform word says.
pub(super) fn crop_flip<F: Float>(image: ImageShape, word: u64, from: &[F], to: &mut [F]) {
    let choices = 2 * SHIFT as u64 + 1;
    let shift = [word % choices, word / choices % choices].map(|k| k as usize);
    // The high bits: the low ones have been used up.
    let mirrored = word >> 63 == 1;
    let ImageShape { height, width, .. } = image;
    for (from, to) in from.chunks_exact(height * width).zip(to.chunks_exact_mut(height * width)) {
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let from = &from[reflected(row, shift[0], height) * width..][..width];
            for (column, to) in to.iter_mut().enumerate() {
                let column = if mirrored { width - 1 - column } else { column };
                *to = from[reflected(column, shift[1], width)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: ImageShape = ImageShape { channels: 2, height: 5, width: 6 };

    fn image() -> Vec<f64> {
        (0..60).map(f64::from).collect()
    }

    /// A word that shifts by so much, mirrored or not.
    fn word(down: u64, right: u64, mirrored: bool) -> u64 {
        // Words whose remainders are known below the highest bit.
        let low = down + 9 * right;
        if !mirrored {
            return low;
        }
        let high = 1u64 << 63;
        (0..81).map(|k| high + k).find(|w| w % 81 == low).unwrap()
    }

    #[test]
    fn without_a_shift_an_image_stays_or_is_mirrored() {
        let mut out = vec![0.0; 60];
        crop_flip(IMAGE, word(4, 4, false), &image(), &mut out);
        assert_eq!(out, image());
        crop_flip(IMAGE, word(4, 4, true), &image(), &mut out);
        assert_eq!(out[..6], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
        assert_eq!(out[30..33], [35.0, 34.0, 33.0]);
    }

    #[test]
    fn what_a_shift_leaves_bare_is_reflected_at_the_border() {
        let mut out = vec![0.0; 60];
        // Shifted by two rows and columns: the rows before the first are rows 2 and 1.
        crop_flip(IMAGE, word(2, 2, false), &image(), &mut out);
        assert_eq!(out[..6], [14.0, 13.0, 12.0, 13.0, 14.0, 15.0]);
        assert_eq!(out[12..15], [2.0, 1.0, 0.0]);
        crop_flip(IMAGE, word(8, 7, false), &image(), &mut out);
        assert_eq!(out[..6], [27.0, 28.0, 29.0, 28.0, 27.0, 26.0]);
        assert_eq!(out[6..8], [21.0, 22.0]);
    }

    #[test]
    fn every_shift_is_as_likely_as_any_other() {
        let mut counts = [0; 162];
        let draws = crate::random::Draws::new(3, &[0], 0);
        let mut words = vec![0; 162_000];
        draws.bits(crate::random::Purpose::AUGMENT, &mut words);
        for word in words {
            counts[(word % 81) as usize + 81 * usize::from(word >> 63 == 1)] += 1;
        }
        let chi2: f64 = counts.iter().map(|c| (f64::from(*c) - 1000.0).powi(2) / 1000.0).sum();
        // 161 degrees of freedom: mean 161, standard deviation 18.
        assert!((chi2 - 161.0).abs() < 4.0 * 18.0, "{chi2}");
    }
}
