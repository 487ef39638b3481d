//! The eigenvalue problem behind both stability and growth, in sample space.
//!
//! In the eigenbasis of `G`, the second moment `S = E delta delta'` of a displacement `delta` moves by an operator
//! whose one part acts on each entry `S_ij` alone, and whose other part, from single samples, sees `S` only through the
//! blocks `Q_i = F_i S F_i'` (c x c). Solving for `S` leaves a problem in these blocks, `Q = T(z) Q` with
//!
//! ```text
//! T(z) Q = blocks of F ( phi(z) o (F' diag(Q) F) ) F',      phi_ij(z) = kappa / (z mass_ij - level_ij)
//! ```
//!
//! For `z` above the pole `max level_ij / mass_ij`, `T(z)` is symmetric, maps positive blocks to positive blocks, and
//! decreases in `z`; the wanted `z` is where its spectral radius is one. No matrix of nc^2 or r^2 rows is formed, and
//! `S` is symmetric by construction: an iteration on `S` that is not symmetrised reports instability that is only
//! rounding.

use crate::linear_algebra::{Features, Tiles, dot, norm, symmetric_eigen};

/// `z mass_ij - level_ij = t mass_ij + excess_ij` with the distance `t` from the pole, which keeps its digits next to it.
pub(super) trait Resolvent: Sync {
    /// `kappa`, above 0.
    fn strength(&self) -> f64;
    /// `mass_ij`, above 0.
    fn mass(&self, i: usize, j: usize) -> f64;
    /// `pole mass_ij - level_ij`, at least 0.
    fn excess(&self, i: usize, j: usize) -> f64;
}

/// A solution `t` and what is known about it.
pub(super) struct Solution {
    /// The distance from the pole: never above the true one, and near it by the square of the iteration's residual.
    pub(super) above_pole: f64,
    /// `T(z) Q <= ratio Q`, so that the spectral radius of `T(z)` lies between 1 and this (Collatz, Wielandt); infinite
    /// where it is not known.
    pub(super) ratio: f64,
    /// The blocks `Q` (n blocks c x c), of norm one.
    pub(super) blocks: Vec<f64>,
}

/// An iteration ends when the estimated relative error of `t mass` is below this, and
const TOLERANCE: f64 = 1e-10;

/// when the spectral radius of `T(z)` is certainly one up to this: a small residual alone could be an eigenvector other
/// than the top one, as that of another part of a decoupled kernel.
const LARGEST_RATIO: f64 = 1.0 + 1e-4;

/// Below this residual the quotient that conjugate gradients climb is flat to rounding; the power method still improves
/// the blocks.
const SMALLEST_GAIN: f64 = 1e-7;

/// Most iterations that are close without that certainty, which blocks of less than full rank may not give.
const MOST_CLOSE: usize = 20;

/// Most iterations; about ten are usual, some tens where the kernel is nearly diagonal. The ratio says how good it is
/// if they do not suffice.
const MOST_ITERATIONS: usize = 200;

/// Finds the `z` at which the spectral radius of `T(z)` is one, beginning with blocks `Q` (n blocks c x c) that are
/// positive definite on the range of their features.
///
/// For blocks of norm one, the `z` with `<Q, T(z) Q> = 1` costs no product with `F` once `F' diag(Q) F` is known, and
/// is at most the wanted one. It is maximised along the residual and the last direction (locally optimal conjugate
/// gradients, Knyazev 2001), which takes two products a step.
pub(super) fn solve(features: &Features, resolvent: &impl Resolvent, start: &[f64]) -> Solution {
    let c = features.outputs();
    let mut blocks = scaled(start, 1.0 / norm(start));
    let mut gram = features.gram(&blocks);
    let mut direction: Option<(Vec<f64>, Tiles)> = None;
    let (mut above_pole, mut gap, mut close_for) = (None, 1.0, 0);
    for iteration in 0.. {
        let t = rayleigh(&gram, resolvent, above_pole);
        above_pole = Some(t);
        let image = apply(features, resolvent, t, &gram);
        let share = dot(&image, &blocks);
        let mut residual: Vec<f64> = image.iter().zip(&blocks).map(|(y, q)| y - share * q).collect();
        let length = norm(&residual);
        let ratio = largest_ratio(&image, &blocks, c);
        let is_close = length.min(length * length / gap) <= TOLERANCE;
        close_for += usize::from(is_close);
        let is_known = is_close && ratio <= LARGEST_RATIO;
        if is_known || close_for == MOST_CLOSE || iteration == MOST_ITERATIONS || !length.is_finite() {
            return Solution { above_pole: t, ratio, blocks };
        }
        if length <= SMALLEST_GAIN || (is_close && ratio == f64::INFINITY) {
            // A step of the power method, which also makes blocks positive again.
            blocks = scaled(&image, 1.0 / norm(&image));
            gram = features.gram(&blocks);
            direction = None;
            continue;
        }
        scale(&mut residual, 1.0 / length);
        let residual_gram = features.gram(&residual);
        let last = direction.and_then(|(last, last_gram)| {
            let (last, shares) = orthogonalised(&last, [&blocks, &residual])?;
            Some((last, Tiles::combined([&last_gram, &gram, &residual_gram], shares)))
        });
        let (kept, step, step_gram): (_, Vec<f64>, _) = if let Some((last, last_gram)) = last {
            let (weights, second) = top_of_projection(resolvent, t, [&gram, &residual_gram, &last_gram]);
            gap = second;
            let [kept, along, on] = weights;
            let step = residual.iter().zip(&last).map(|(r, l)| along * r + on * l).collect();
            (kept, step, Tiles::combined([&residual_gram, &last_gram], [along, on]))
        } else {
            let (weights, second) = top_of_projection(resolvent, t, [&gram, &residual_gram]);
            gap = second;
            let [kept, along] = weights;
            (kept, scaled(&residual, along), Tiles::combined([&residual_gram], [along]))
        };
        blocks.iter_mut().zip(&step).for_each(|(q, s)| *q = kept * *q + s);
        // The sign is that of a positive vector.
        let length = norm(&blocks) * if trace(&blocks, c) < 0.0 { -1.0 } else { 1.0 };
        scale(&mut blocks, 1.0 / length);
        gram = Tiles::combined([&gram, &step_gram], [kept / length, 1.0 / length]);
        direction = Some((step, step_gram));
    }
    unreachable!("the iteration ends at its limit")
}

/// The sum of the traces of blocks (c x c).
fn trace(blocks: &[f64], c: usize) -> f64 {
    blocks.chunks_exact(c * c).map(|block| (0..c).map(|a| block[a * c + a]).sum::<f64>()).sum()
}

fn scale(values: &mut [f64], factor: f64) {
    for value in values {
        *value *= factor;
    }
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|v| factor * v).collect()
}

fn phi(resolvent: &impl Resolvent, t: f64, i: usize, j: usize) -> f64 {
    resolvent.strength() / (t * resolvent.mass(i, j) + resolvent.excess(i, j))
}

/// `T(z) Q`, from `F' diag(Q) F`.
fn apply(features: &Features, resolvent: &impl Resolvent, t: f64, gram: &Tiles) -> Vec<f64> {
    features.diagonal_blocks(&gram.scaled(|i, j| phi(resolvent, t, i, j)))
}

/// The `t` with `<Q, T Q> = sum_ij phi_ij x_ij^2 = 1`, for `x = F' diag(Q) F`.
///
/// The sum is a Stieltjes function of `t`, so that its reciprocal is concave: Newton's method on the reciprocal
/// converges from the left without overshooting.
fn rayleigh(gram: &Tiles, resolvent: &impl Resolvent, near: Option<f64>) -> f64 {
    let sums = |t: f64| {
        Tiles::sum([gram], |i, j, [x]| {
            let (mass, phi) = (resolvent.mass(i, j), phi(resolvent, t, i, j));
            let term = phi * x * x;
            [term, term * phi * mass / resolvent.strength()]
        })
    };
    let far = || {
        let [sum] = Tiles::sum([gram], |i, j, [x]| [resolvent.strength() * x * x / resolvent.mass(i, j)]);
        sum
    };
    let mut t = near.filter(|t| *t > 0.0).unwrap_or_else(far);
    for _ in 0..100 {
        let [value, slope] = sums(t);
        let next = t + value * (value - 1.0) / slope;
        let next = if next > 0.0 { next } else { t / 64.0 };
        if !next.is_finite() || (next - t).abs() <= 4.0 * f64::EPSILON * t {
            break;
        }
        t = next;
    }
    t
}

/// The top eigenvector of `T(z)` projected on an orthonormal basis, given by `F' diag(.) F` of each of its vectors, and
/// how far the second eigenvalue lies below the first one, as a share of it.
fn top_of_projection<const M: usize>(
    resolvent: &impl Resolvent,
    t: f64,
    basis: [&Tiles; M],
) -> ([f64; M], f64) {
    let sums = Tiles::sum(basis, |i, j, x| {
        let phi = phi(resolvent, t, i, j);
        let mut products = [0.0; 6];
        let mut k = 0;
        for a in 0..M {
            for b in a..M {
                products[k] = phi * x[a] * x[b];
                k += 1;
            }
        }
        products
    });
    let mut matrix = vec![0.0; M * M];
    let mut k = 0;
    for a in 0..M {
        for b in a..M {
            matrix[a * M + b] = sums[k];
            matrix[b * M + a] = sums[k];
            k += 1;
        }
    }
    let Some((values, vectors)) = symmetric_eigen(&matrix, M) else {
        return (std::array::from_fn(|_| 1.0), 1.0);
    };
    let top = &vectors[(M - 1) * M..];
    (std::array::from_fn(|k| top[k]), 1.0 - values[M - 2] / values[M - 1])
}

/// The part of a vector that is orthogonal to two orthonormal ones, of norm one, and its shares of the three; `None`
/// where rounding has eaten it.
fn orthogonalised(vector: &[f64], others: [&[f64]; 2]) -> Option<(Vec<f64>, [f64; 3])> {
    let mut shares = [1.0 / norm(vector), 0.0, 0.0];
    let mut rest = scaled(vector, shares[0]);
    for _ in 0..2 {
        for (k, other) in others.iter().enumerate() {
            let share = dot(&rest, other);
            rest.iter_mut().zip(*other).for_each(|(r, o)| *r -= share * o);
            shares[k + 1] -= share;
        }
    }
    let length = norm(&rest);
    (length > 1e-4).then(|| (scaled(&rest, 1.0 / length), shares.map(|share| share / length)))
}

/// The smallest `R` with `image <= R blocks`, block by block; infinite where a block is not positive and its image is
/// not zero. Blocks at the level of rounding are left out.
fn largest_ratio(image: &[f64], blocks: &[f64], c: usize) -> f64 {
    let size = |b: &[f64]| (0..c).map(|a| b[a * c + a].abs()).sum::<f64>();
    let least = 1e-12 * blocks.chunks_exact(c * c).map(size).fold(0.0, f64::max);
    let pairs = image.chunks_exact(c * c).zip(blocks.chunks_exact(c * c));
    let pairs = pairs.filter(|(y, q)| size(y) > least || size(q) > least);
    pairs.map(|(y, q)| if c == 1 { ratio(y[0], q[0]) } else { block_ratio(y, q, c) }).fold(0.0, f64::max)
}

fn ratio(y: f64, q: f64) -> f64 {
    if q > 0.0 { y / q } else { f64::INFINITY }
}

/// The largest eigenvalue of `Y` against `Q`, on the range of `Q`.
fn block_ratio(y: &[f64], q: &[f64], c: usize) -> f64 {
    let Some((values, vectors)) = symmetric_eigen(q, c) else { return f64::INFINITY };
    if values[0] < -1e-9 * values[c - 1] {
        return f64::INFINITY;
    }
    let kept: Vec<usize> = (0..c).filter(|k| values[*k] > 1e-9 * values[c - 1]).collect();
    let m = kept.len();
    let mut pencil = vec![0.0; m * m];
    for (a, k) in kept.iter().enumerate() {
        for (b, l) in kept.iter().enumerate() {
            let (u, v) = (&vectors[k * c..][..c], &vectors[l * c..][..c]);
            let image: f64 = (0..c).map(|i| u[i] * dot(&y[i * c..][..c], v)).sum();
            pencil[a * m + b] = image / (values[*k] * values[*l]).sqrt();
        }
    }
    symmetric_eigen(&pencil, m).map_or(f64::INFINITY, |(values, _)| values[m - 1])
}
