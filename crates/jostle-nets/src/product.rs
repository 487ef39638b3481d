//! Products of matrices in one order of operations, whatever the processor: what every layer and every kernel stands on.
//!
//! A sum over `k` is cut into chains of [`CHAIN`] fused multiply-adds, each started at zero; the chains are added in
//! order, in the format of the result. Vectors run over columns, never along a chain, so that the bits depend neither on
//! the width of the vectors nor on how a product is cut into tiles or threads.

#![allow(unsafe_code)]

use jostle::Float;
use jostle::simd::{Level, Vector, dispatch};

/// Terms of one chain.
pub(crate) const CHAIN: usize = 256;

const BYTES_OF_A_PANEL_ROW: usize = 128;

/// Columns of one panel.
pub(crate) const fn panel<F>() -> usize {
    BYTES_OF_A_PANEL_ROW / size_of::<F>()
}

/// Numbers in the panels of a matrix (depth x columns).
pub(crate) fn length_of_panels<F>(depth: usize, columns: usize) -> usize {
    columns.next_multiple_of(panel::<F>()) * depth
}

/// The format that chains are added in.
trait Total<F> {
    type Number: Copy;
    fn add(total: &mut Self::Number, chain: F);
}

/// Their own format.
struct Narrow;

/// Float64.
struct Wide;

impl<F: Float> Total<F> for Narrow {
    type Number = F;
    #[inline(always)]
    fn add(total: &mut F, chain: F) {
        *total += chain;
    }
}

impl<F: Float> Total<F> for Wide {
    type Number = f64;
    #[inline(always)]
    fn add(total: &mut f64, chain: F) {
        *total += chain.into();
    }
}

/// The left factor (rows x depth) of a product.
#[derive(Clone, Copy)]
pub(crate) enum Left<'a, F> {
    /// Entry `(i, k)` stands at `i row + k column`.
    Strided { values: &'a [F], row: usize, column: usize },
    /// The transpose of a matrix (depth x rows) in panels.
    Panels(&'a [F]),
}

impl<F: Float> Left<'_, F> {
    /// Where the first entry of row `i` stands, how far the next row is, how far the next column, and the values.
    #[inline(always)]
    fn row(&self, i: usize, depth: usize) -> (usize, usize, usize) {
        match *self {
            Left::Strided { row, column, .. } => (i * row, row, column),
            Left::Panels(_) => (i / panel::<F>() * panel::<F>() * depth + i % panel::<F>(), 1, panel::<F>()),
        }
    }

    fn values(&self) -> &[F] {
        match self {
            Left::Strided { values, .. } | Left::Panels(values) => values,
        }
    }

    fn holds(&self, rows: usize, depth: usize) -> bool {
        match *self {
            _ if rows == 0 || depth == 0 => true,
            Left::Strided { values, row, column } => (rows - 1) * row + (depth - 1) * column < values.len(),
            Left::Panels(values) => values.len() >= length_of_panels::<F>(depth, rows),
        }
    }
}

/// `out += left right`, where `left` is (rows x depth), `right` (depth x columns) stands in panels: a panel holds, for
/// each `k`, the entries of [`panel`] columns; what stands behind the last column does not matter. Row `i` of `out`
/// begins at `i stride`.
pub(crate) fn add_product<F: Float>(
    level: Level,
    shape: [usize; 3],
    left: Left<'_, F>,
    right: &[F],
    out: &mut [F],
    stride: usize,
) {
    add_on::<F, Narrow>(level, shape, left, right, out, stride);
}

/// As [`add_product`], the chains added in float64.
pub(crate) fn add_product_wide<F: Float>(
    level: Level,
    shape: [usize; 3],
    left: Left<'_, F>,
    right: &[F],
    out: &mut [f64],
    stride: usize,
) {
    add_on::<F, Wide>(level, shape, left, right, out, stride);
}

fn add_on<F: Float, T: Total<F>>(
    level: Level,
    [rows, depth, columns]: [usize; 3],
    left: Left<'_, F>,
    right: &[F],
    out: &mut [T::Number],
    stride: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(left.holds(rows, depth) && right.len() >= length_of_panels::<F>(depth, columns));
    assert!(columns <= stride && (rows - 1) * stride + columns <= out.len());
    let shape = [rows, depth, columns];
    dispatch!(level, add, F, [T: Total<F>],
        (shape: [usize; 3], left: Left<'_, F>, right: &[F], out: &mut [T::Number], stride: usize));
}

#[inline(always)]
fn add<V: Vector, T: Total<V::Float>>(
    [rows, depth, columns]: [usize; 3],
    left: Left<'_, V::Float>,
    right: &[V::Float],
    out: &mut [T::Number],
    stride: usize,
) {
    let panel = panel::<V::Float>();
    for from in (0..depth).step_by(CHAIN) {
        let chain = CHAIN.min(depth - from);
        for first in (0..columns).step_by(panel) {
            let right = &right[first * depth + from * panel..][..chain * panel];
            for part in (0..panel.min(columns - first)).step_by(2 * V::WIDTH) {
                let width = (columns - first - part).min(2 * V::WIDTH);
                let mut i = 0;
                macro_rules! tiles {
                    ($tile:literal) => {
                        while rows - i >= $tile {
                            let (at, row, column) = left.row(i, depth);
                            let is_panel = matches!(left, Left::Panels(_));
                            // SAFETY: the caller has checked that all rows and all terms exist, and a tile does not
                            // reach into the next panel of the left factor; `right` is the chain's part of a panel,
                            // of which the columns from `part` on are the tile's.
                            unsafe {
                                let left = left.values().as_ptr().add(at + from * column);
                                let right = &right[part..];
                                // With a stride that the compiler knows, all rows of the left factor have one address.
                                let sums = if is_panel {
                                    tile::<V, $tile>(left, 1, panel, right, chain)
                                } else {
                                    tile::<V, $tile>(left, row, column, right, chain)
                                };
                                let out = &mut out[i * stride + first + part..];
                                add_tile::<V, T, $tile>(&sums, out, stride, width);
                            }
                            i += $tile;
                        }
                    };
                }
                // As many sums as there are registers for: 16 of 32, or 8 of 16.
                if 2 * V::WIDTH == panel {
                    tiles!(8);
                }
                tiles!(4);
                tiles!(1);
            }
        }
    }
}

/// The chains of a tile: `ROWS` rows of the left factor, two vectors of columns of the right one.
///
/// # Safety
/// `chain` terms of `ROWS` rows must be readable at `left`, and `chain` rows of a panel at `right`.
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize>(
    mut left: *const V::Float,
    row: usize,
    column: usize,
    right: &[V::Float],
    chain: usize,
) -> [[V; 2]; ROWS] {
    let mut sums = [[V::from(0.0); 2]; ROWS];
    let mut right = right.as_ptr();
    for _ in 0..chain {
        V::prefetch(left.wrapping_add(chain * panel::<V::Float>()));
        V::prefetch(right.wrapping_add(chain * panel::<V::Float>()));
        // SAFETY: see above. The pointers are moved with wrapping arithmetic, since they end behind the arrays.
        unsafe {
            let entries = [V::load(right), V::load(right.add(V::WIDTH))];
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor = V::splat(*left.add(i * row));
                for (sum, entry) in sums.iter_mut().zip(entries) {
                    *sum = factor.mul_add(entry, *sum);
                }
            }
        }
        left = left.wrapping_add(column);
        right = right.wrapping_add(panel::<V::Float>());
    }
    sums
}

/// Adds the first `width` columns of a tile.
#[inline(always)]
fn add_tile<V: Vector, T: Total<V::Float>, const ROWS: usize>(
    sums: &[[V; 2]; ROWS],
    out: &mut [T::Number],
    stride: usize,
    width: usize,
) {
    for (i, sums) in sums.iter().enumerate() {
        let mut numbers = [V::Float::default(); 32];
        sums[0].write(&mut numbers);
        sums[1].write(&mut numbers[V::WIDTH..]);
        let out = &mut out[i * stride..];
        if width == 2 * V::WIDTH {
            // The same loop, with a length that the compiler knows.
            out[..2 * V::WIDTH].iter_mut().zip(&numbers[..2 * V::WIDTH]).for_each(|(o, n)| T::add(o, *n));
        } else {
            out[..width].iter_mut().zip(&numbers).for_each(|(o, n)| T::add(o, *n));
        }
    }
}
