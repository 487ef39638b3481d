//! `A B'`, every entry a product of two rows, striped over 16 partial sums: vectors run along the rows.

use crate::float::Float;
use crate::simd::{Level, STRIPES, Stripes, Vector, dispatch};

/// `out (m x n) = A B'` for row-major `A` (m x k) and `B` (n x k): entry `e` of two rows goes to partial sum `e mod 16`, and
/// these are added up pairwise.
pub(crate) fn products_of_rows<F: Float>(level: Level, length: usize, a: &[F], b: &[F], out: &mut [F]) {
    dispatch!(level, all, F, [], (length: usize, a: &[F], b: &[F], out: &mut [F]));
}

#[inline(always)]
fn all<V: Vector>(length: usize, a: &[V::Float], b: &[V::Float], out: &mut [V::Float]) {
    let [rows, columns] = [a.len() / length, b.len() / length];
    assert!(a.len() == rows * length && b.len() == columns * length && out.len() == rows * columns);
    let mut row = 0;
    // SAFETY: the rows of both exist, and the lengths of the arrays were checked above.
    unsafe {
        while rows - row >= 4 {
            strip::<V, 4, 2>(length, a, b, out, row);
            row += 4;
        }
        while row < rows {
            strip::<V, 1, 8>(length, a, b, out, row);
            row += 1;
        }
    }
}

/// # Safety
/// `ROWS` rows of `a` from `row`, and of `out`, exist; rows of `out` are as long as `b` has rows.
#[inline(always)]
unsafe fn strip<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    length: usize,
    a: &[V::Float],
    b: &[V::Float],
    out: &mut [V::Float],
    row: usize,
) {
    let columns = b.len() / length;
    let mut column = 0;
    // SAFETY: the caller promises the rows, and the columns are there.
    unsafe {
        while columns - column >= COLUMNS {
            tile::<V, ROWS, COLUMNS>(length, a, b, out, [row, column]);
            column += COLUMNS;
        }
        while column < columns {
            tile::<V, ROWS, 1>(length, a, b, out, [row, column]);
            column += 1;
        }
    }
}

/// # Safety
/// The rows of `a` from `row` and of `b` from `column` exist, and `out` has a place for each pair.
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    length: usize,
    a: &[V::Float],
    b: &[V::Float],
    out: &mut [V::Float],
    [row, column]: [usize; 2],
) {
    let columns = b.len() / length;
    let whole = length / STRIPES * STRIPES;
    // SAFETY: the caller promises the rows, which are `length` long.
    unsafe {
        let (a, b) = (a.as_ptr().add(row * length), b.as_ptr().add(column * length));
        let mut stripes = [[Stripes::<V>::zero(); COLUMNS]; ROWS];
        // Vector by vector of the partial sums, so that the sums of all pairs stay in registers.
        for k in 0..Stripes::<V>::VECTORS {
            let mut sums = [[V::from(0.0); COLUMNS]; ROWS];
            for at in (0..whole).step_by(STRIPES) {
                let place = at + k * V::WIDTH;
                let b: [V; COLUMNS] = std::array::from_fn(|j| V::load(b.add(j * length + place)));
                for i in 0..ROWS {
                    let a = V::load(a.add(i * length + place));
                    for j in 0..COLUMNS {
                        sums[i][j] = a.mul_add(b[j], sums[i][j]);
                    }
                }
            }
            for i in 0..ROWS {
                for j in 0..COLUMNS {
                    stripes[i][j].set(k, sums[i][j]);
                }
            }
        }
        if whole < length {
            // The ends of the rows, filled up with zeros.
            let end = |row: *const V::Float| {
                let mut end = [V::Float::default(); STRIPES];
                for e in whole..length {
                    end[e - whole] = *row.add(e);
                }
                end
            };
            let b: [_; COLUMNS] = std::array::from_fn(|j| end(b.add(j * length)));
            for i in 0..ROWS {
                let a = end(a.add(i * length));
                for j in 0..COLUMNS {
                    for k in 0..Stripes::<V>::VECTORS {
                        let place = k * V::WIDTH;
                        stripes[i][j].add(k, V::read(&a[place..]), V::read(&b[j][place..]));
                    }
                }
            }
        }
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                *out.get_unchecked_mut((row + i) * columns + column + j) = stripes[i][j].total();
            }
        }
    }
}
