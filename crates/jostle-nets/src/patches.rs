//! The patches that a 3 x 3 convolution sees, laid out as columns of a matrix.

use crate::shape::Shape;
use std::ops::Range;

/// Places of a patch.
pub(crate) const PLACES: usize = 9;

/// A stretch of columns within one row of one image.
struct Stretch {
    /// Position in the output.
    at: usize,
    /// Where the image begins in a channel.
    image: usize,
    y: usize,
    x: usize,
    length: usize,
}

/// Copies the patches of some columns of a matrix (channels x m places): row `(c, dy, dx)` of `out` (9 channels rows,
/// each `stride` long) holds for every column the value of channel `c` at the place one up to one down and one left to
/// one right of the column's, and zero outside the image.
pub(crate) fn gather<F: Copy + Default>(
    shape: Shape,
    matrix: &[F],
    columns: Range<usize>,
    out: &mut [F],
    stride: usize,
) {
    let stretches = stretches(shape, &columns);
    let of_channel = matrix.len() / shape.channels;
    let (width, height) = (shape.width, shape.height);
    let mut rows = out.chunks_mut(stride);
    for channel in matrix.chunks_exact(of_channel) {
        for dy in 0..3 {
            for dx in 0..3 {
                let row = rows.next().expect("a row for each place of a patch");
                for stretch in &stretches {
                    let to = &mut row[stretch.at..][..stretch.length];
                    let y = stretch.y + dy;
                    if y == 0 || y > height {
                        to.fill(F::default());
                        continue;
                    }
                    let from = &channel[stretch.image + (y - 1) * width..][..width];
                    // The first column whose neighbour lies in the image, and the first behind them.
                    let first = usize::from(stretch.x + dx == 0);
                    let end = to.len() - usize::from(stretch.x + to.len() - 1 + dx > width);
                    to[..first].fill(F::default());
                    to[end.max(first)..].fill(F::default());
                    if first < end {
                        let x = stretch.x + first + dx - 1;
                        to[first..end].copy_from_slice(&from[x..][..end - first]);
                    }
                }
            }
        }
    }
}

fn stretches(shape: Shape, columns: &Range<usize>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut column = columns.start;
    while column < columns.end {
        let place = column % shape.places();
        let x = place % shape.width;
        let length = (shape.width - x).min(columns.end - column);
        stretches.push(Stretch {
            at: column - columns.start,
            image: column - place,
            y: place / shape.width,
            x,
            length,
        });
        column += length;
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_the_neighbours_and_zeros_outside() {
        for shape in [
            Shape { channels: 2, height: 3, width: 4 },
            Shape { channels: 1, height: 1, width: 1 },
            Shape { channels: 3, height: 2, width: 2 },
        ] {
            let m = 3;
            let columns = m * shape.places();
            let matrix: Vec<f64> = (0..shape.channels * columns).map(|k| 1.0 + k as f64).collect();
            for range in [0..columns, columns / 3..columns, 1..2.min(columns)] {
                let stride = range.len() + 1;
                let mut out = vec![-1.0; PLACES * shape.channels * stride];
                gather(shape, &matrix, range.clone(), &mut out, stride);
                for (row, values) in out.chunks(stride).enumerate() {
                    let (c, dy, dx) = (row / 9, row / 3 % 3, row % 3);
                    for (column, value) in range.clone().zip(values) {
                        let place = column % shape.places();
                        let (y, x) = (place / shape.width + dy, place % shape.width + dx);
                        let inside = (1..=shape.height).contains(&y) && (1..=shape.width).contains(&x);
                        let expected = if inside {
                            matrix[c * columns + column - place + (y - 1) * shape.width + x - 1]
                        } else {
                            0.0
                        };
                        assert_eq!(*value, expected, "{shape:?} {range:?} {row} {column}");
                    }
                }
            }
        }
    }
}
