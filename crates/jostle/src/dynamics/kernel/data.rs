//! The data of a problem in the layouts that the kernels read, in the precision of the trajectories.

use crate::aligned::Aligned;
use crate::float::Float;
use crate::problem::Problem;
use crate::simd::STRIPES;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::OnceLock;

/// A problem, and copies of its design matrix that are made when a kernel first asks for them.
pub(crate) struct Data<'a, F> {
    pub(crate) problem: &'a Problem,
    y: Vec<F>,
    blocks: OnceLock<Blocks<F>>,
    squared_blocks: OnceLock<Blocks<F>>,
    columns: OnceLock<Padded<F>>,
    rows: OnceLock<Padded<F>>,
    inputs: OnceLock<Vec<F>>,
}

impl<'a, F: Float> Data<'a, F> {
    pub(crate) fn new(problem: &'a Problem) -> Self {
        let y = problem.y().iter().map(|y| F::of(*y)).collect();
        Self {
            problem,
            y,
            blocks: OnceLock::new(),
            squared_blocks: OnceLock::new(),
            columns: OnceLock::new(),
            rows: OnceLock::new(),
            inputs: OnceLock::new(),
        }
    }

    pub(super) fn samples(&self) -> usize {
        self.problem.samples()
    }

    pub(super) fn dim(&self) -> usize {
        self.problem.dim()
    }

    /// The labels.
    pub(super) fn y(&self) -> &[F] {
        &self.y
    }

    /// `X` in blocks of columns.
    pub(super) fn blocks(&self) -> &Blocks<F> {
        self.blocks.get_or_init(|| Blocks::new(self.samples(), self.dim(), |i, j| self.x(i, j)))
    }

    /// The squares of the entries of `X` in blocks of columns.
    pub(super) fn squared_blocks(&self) -> &Blocks<F> {
        self.squared_blocks
            .get_or_init(|| Blocks::new(self.samples(), self.dim(), |i, j| self.x(i, j) * self.x(i, j)))
    }

    /// `X` by columns.
    pub(super) fn columns(&self) -> &Padded<F> {
        self.columns.get_or_init(|| Padded::new(self.dim(), self.samples(), |j, i| self.x(i, j)))
    }

    /// `X` by rows.
    pub(super) fn rows(&self) -> &Padded<F> {
        self.rows.get_or_init(|| Padded::new(self.samples(), self.dim(), |i, j| self.x(i, j)))
    }

    /// `X` as it is (n x d).
    pub(super) fn inputs(&self) -> &[F] {
        self.inputs.get_or_init(|| self.problem.x().iter().map(|x| F::of(*x)).collect())
    }

    fn x(&self, row: usize, column: usize) -> F {
        F::of(self.problem.x()[row * self.dim() + column])
    }

    /// The [limit](divergence_limit_of) of squared residuals.
    pub(super) fn divergence_limit(&self) -> F {
        divergence_limit_of(self.problem)
    }
}

/// A residual whose square exceeds this has diverged: 1e30 times the largest of 1 and the squared labels, and at
/// most 1e37 in float32, which ends at 3e38.
pub(super) fn divergence_limit_of<F: Float>(problem: &Problem) -> F {
    let limit = divergence_limit(problem);
    F::of(if size_of::<F>() == 4 { limit.min(1e37) } else { limit })
}

/// A residual whose square exceeds this has diverged: 1e30 times the largest of 1 and the squared labels, and at most the
/// largest number, so that what overflows has diverged whatever the labels.
pub(crate) fn divergence_limit(problem: &Problem) -> f64 {
    let largest = problem.y().iter().fold(1.0, |max, y| y.mul_add(*y, 0.0).max(max));
    (1e30 * largest).min(f64::MAX)
}

/// Whether a value is above a limit, or not a number.
#[inline(always)]
pub(crate) fn exceeds<T: PartialOrd + Copy>(value: T, limit: T) -> bool {
    // Not a number is neither above nor below.
    !matches!(value.partial_cmp(&limit), Some(Ordering::Less | Ordering::Equal))
}

/// A matrix in blocks of columns, each row-major: a block stays in the cache between the two products with it.
pub(super) struct Blocks<F> {
    numbers: Vec<F>,
    rows: usize,
    columns: usize,
    width: usize,
}

/// Bytes of a block, about half of the first level of cache, and its least width.
const BLOCK_BYTES: usize = 48 << 10;
const LEAST_WIDTH: usize = 40;
/// Widths of blocks are multiples of this many columns, which the kernels' tiles divide.
const WIDTH_STEP: usize = 10;

impl<F: Float> Blocks<F> {
    fn new(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> F) -> Self {
        let column_bytes = rows * size_of::<F>();
        let width = (BLOCK_BYTES / column_bytes).max(LEAST_WIDTH) / WIDTH_STEP * WIDTH_STEP;
        let width = width.min(columns);
        let mut numbers = Vec::with_capacity(rows * columns);
        for first in (0..columns).step_by(width) {
            for row in 0..rows {
                numbers.extend((first..columns.min(first + width)).map(|column| entry(row, column)));
            }
        }
        Self { numbers, rows, columns, width }
    }

    /// Columns of a block, but for the last one.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The columns of every block, and its entries.
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (Range<usize>, &[F])> {
        (0..self.columns).step_by(self.width).map(|first| {
            let columns = first..self.columns.min(first + self.width);
            let entries = &self.numbers[self.rows * columns.start..self.rows * columns.end];
            (columns, entries)
        })
    }

    /// How far ahead of its use an entry should be asked for: a block, if there are several.
    pub(super) fn ahead(&self) -> Option<usize> {
        (self.width < self.columns).then_some(self.rows * self.width)
    }
}

/// A matrix whose rows begin at cache lines and are filled up with zeros to a multiple of [`PADDING`] numbers: whole
/// vectors can be read, none of them across two lines.
pub(super) struct Padded<F> {
    numbers: Aligned<F>,
    pub(super) stride: usize,
}

/// Rows of padded arrays are multiples of this long: a whole number of vectors on every level.
pub(super) const PADDING: usize = STRIPES;

/// A length filled up to a multiple of [`PADDING`].
pub(super) fn padded(length: usize) -> usize {
    length.next_multiple_of(PADDING)
}

impl<F: Float> Padded<F> {
    fn new(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> F) -> Self {
        let stride = padded(columns);
        let mut numbers = Aligned::zeros(rows * stride);
        for (row, line) in numbers.chunks_exact_mut(stride).enumerate() {
            line[..columns].iter_mut().enumerate().for_each(|(column, slot)| *slot = entry(row, column));
        }
        Self { numbers, stride }
    }

    /// The numbers, row after row, each `stride` long.
    pub(super) fn numbers(&self) -> &[F] {
        &self.numbers
    }
}
