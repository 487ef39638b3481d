//! `A B`, every entry a chain of fused multiply-adds: vectors run over the columns.

use crate::float::Float;
use crate::simd::{Level, Simd, Vector, dispatch};

/// A matrix to be read: entry `(i, k)` stands at `i * row + k * column`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a, F> {
    entries: &'a [F],
    size: [usize; 2],
    row: usize,
    column: usize,
}

impl<'a, F> View<'a, F> {
    /// A matrix that is stored row by row.
    pub(crate) fn new(entries: &'a [F], columns: usize) -> Self {
        Self { entries, size: [entries.len() / columns, columns], row: columns, column: 1 }
    }

    /// The transpose of a matrix that is stored row by row, with so many columns.
    pub(crate) fn transposed(entries: &'a [F], columns: usize) -> Self {
        Self { entries, size: [columns, entries.len() / columns], row: 1, column: columns }
    }

    /// The same number everywhere.
    pub(crate) fn constant(entry: &'a F, size: [usize; 2]) -> Self {
        Self { entries: std::slice::from_ref(entry), size, row: 0, column: 0 }
    }

    fn is_within_its_entries(&self) -> bool {
        let [rows, columns] = self.size;
        rows > 0 && columns > 0 && (rows - 1) * self.row + (columns - 1) * self.column < self.entries.len()
    }
}

/// `out (m x n) = A B` for `A` (m x k) and a row-major `B` (k x n): every entry is a chain over k, in order.
pub(crate) fn product<F: Float>(level: Level, a: View<'_, F>, b: &[F], out: &mut [F]) {
    dispatch!(level, all_anew, F, [], (a: View<'_, F>, b: &[F], out: &mut [F]));
}

/// `out (m x n) += A B`: the chains of [`product`] begin at what is there.
pub(crate) fn add_product<F: Float>(level: Level, a: View<'_, F>, b: &[F], out: &mut [F]) {
    dispatch!(level, all_added, F, [], (a: View<'_, F>, b: &[F], out: &mut [F]));
}

#[inline(always)]
fn all_anew<V: Vector>(a: View<'_, V::Float>, b: &[V::Float], out: &mut [V::Float]) {
    all::<V, false>(a, b, out);
}

#[inline(always)]
fn all_added<V: Vector>(a: View<'_, V::Float>, b: &[V::Float], out: &mut [V::Float]) {
    all::<V, true>(a, b, out);
}

#[inline(always)]
fn all<V: Vector, const ADDS: bool>(a: View<'_, V::Float>, b: &[V::Float], out: &mut [V::Float]) {
    let [rows, inner] = a.size;
    assert!(
        a.is_within_its_entries() && b.len() * rows == out.len() * inner && b.len().is_multiple_of(inner)
    );
    let mut row = 0;
    // SAFETY: the rows exist, and the lengths of the arrays were checked above.
    unsafe {
        while rows - row >= 4 {
            strip::<V, ADDS, 4, 2>(a, b, out, row);
            row += 4;
        }
        while row < rows {
            strip::<V, ADDS, 1, 8>(a, b, out, row);
            row += 1;
        }
    }
}

/// `ROWS` rows, with the widest tiles of vectors that fit. There are registers for eight vectors of sums.
///
/// # Safety
/// The rows exist, and `out` and `b` have as many columns.
#[inline(always)]
unsafe fn strip<V: Vector, const ADDS: bool, const ROWS: usize, const VECTORS: usize>(
    a: View<'_, V::Float>,
    b: &[V::Float],
    out: &mut [V::Float],
    row: usize,
) {
    type Single<V> = <<V as Vector>::Float as Simd>::Single;
    let columns = b.len() / a.size[1];
    let mut at = 0;
    macro_rules! tiles {
        ($vector:ty, $vectors:expr) => {
            while columns - at >= $vectors * <$vector>::WIDTH {
                // SAFETY: the caller promises the rows, and the columns are there.
                unsafe { tile::<$vector, ADDS, ROWS, { $vectors }>(a, b, out, [row, at]) }
                at += $vectors * <$vector>::WIDTH;
            }
        };
    }
    tiles!(V, VECTORS);
    tiles!(V, 2);
    tiles!(V, 1);
    tiles!(Single<V>, 4);
    tiles!(Single<V>, 1);
}

/// # Safety
/// The rows from `row` and the vectors from column `at` exist.
#[inline(always)]
unsafe fn tile<V: Vector, const ADDS: bool, const ROWS: usize, const VECTORS: usize>(
    a: View<'_, V::Float>,
    b: &[V::Float],
    out: &mut [V::Float],
    [row, at]: [usize; 2],
) {
    let inner = a.size[1];
    let columns = b.len() / inner;
    // SAFETY: the caller promises the rows and columns, and that the arrays hold them.
    unsafe {
        let entries = a.entries.as_ptr().add(row * a.row);
        let b = b.as_ptr().add(at);
        let out = out.as_mut_ptr().add(row * columns + at);
        let mut sums = [[V::from(0.0); VECTORS]; ROWS];
        if ADDS {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    sums[i][v] = V::load(out.add(i * columns + v * V::WIDTH));
                }
            }
        }
        for k in 0..inner {
            let b: [V; VECTORS] = std::array::from_fn(|v| V::load(b.add(k * columns + v * V::WIDTH)));
            for i in 0..ROWS {
                let entry = V::splat(*entries.add(i * a.row + k * a.column));
                for v in 0..VECTORS {
                    sums[i][v] = entry.mul_add(b[v], sums[i][v]);
                }
            }
        }
        for i in 0..ROWS {
            for v in 0..VECTORS {
                sums[i][v].store(out.add(i * columns + v * V::WIDTH));
            }
        }
    }
}
