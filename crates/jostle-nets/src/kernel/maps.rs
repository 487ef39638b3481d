//! Maps of the outputs of every sample: from the kernel of `f_i` to that of `A_i f_i`, tile by tile.

use std::ops::Range;

/// The maps `A_i` (c x c) of some samples, as tiles need them: entry `(a, b)` of sample `i` stands at `(a c + b) m + i`.
pub(super) fn of_block(c: usize, maps: &[f64], samples: &Range<usize>) -> Vec<f64> {
    let maps = &maps[samples.start * c * c..samples.end * c * c];
    (0..c * c).flat_map(|entry| maps[entry..].iter().step_by(c * c).copied()).collect()
}

/// Replaces the blocks `K_ij` of a tile by `A_i K_ij A_j'`, with outputs first in the rows and columns of the tile.
pub(super) fn map(
    c: usize,
    left: &[f64],
    right: &[f64],
    is_diagonal: bool,
    tile: &mut [f64],
    buffer: &mut Vec<f64>,
) {
    let [height, width] = [left, right].map(|maps| maps.len() / c / c);
    buffer.clear();
    super::tile::resize(buffer, tile.len());
    for (from, to) in tile.chunks_exact(c * width).zip(buffer.chunks_exact_mut(c * width)) {
        for (maps, to) in right.chunks_exact(c * width).zip(to.chunks_exact_mut(width)) {
            for (map, from) in maps.chunks_exact(width).zip(from.chunks_exact(width)) {
                to.iter_mut().zip(map.iter().zip(from)).for_each(|(to, (map, from))| *to += map * from);
            }
        }
    }
    let of_output = height * c * width;
    for (maps, to) in left.chunks_exact(c * height).zip(tile.chunks_exact_mut(of_output)) {
        to.fill(0.0);
        for (map, from) in maps.chunks_exact(height).zip(buffer.chunks_exact(of_output)) {
            let rows = to.chunks_exact_mut(c * width).zip(from.chunks_exact(c * width));
            for (map, (to, from)) in map.iter().zip(rows) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to += map * from);
            }
        }
    }
    if is_diagonal {
        // Symmetric to the last bit, as the tile was.
        let side = c * height;
        for row in 0..side {
            for column in 0..row {
                tile[column * side + row] = tile[row * side + column];
            }
        }
    }
}
