//! Products of the kernel with a vector: by the tiles where they are held, else by a pass backwards and one forwards.

use super::NetworkKernel;
use crate::affine::Scratch;
use jostle::Float;
use jostle::geometry::KernelSource;
use jostle::model::{Pass, Passes, Tape};
use jostle::simd::{Level, Vector, dispatch};
use rayon::prelude::*;
use std::ops::Range;

/// Partial sums of a row's product; entry `j` goes to sum `j mod 16`, whatever the width of the vectors.
const STRIPES: usize = 16;

impl<F: Float> NetworkKernel<F> {
    pub(super) fn product_by_tiles(&self, tiles: &[Vec<F>], v: &[f64], out: &mut [f64]) {
        let c = self.outputs();
        let blocks: Vec<Vec<f64>> = (0..self.samples().div_ceil(self.plan.samples_of_a_block))
            .map(|block| {
                let range = self.range(block);
                let v = &v[c * range.start..c * range.end];
                (0..c).flat_map(|a| v[a..].iter().step_by(c).copied()).collect()
            })
            .collect();
        let pairs: Vec<_> = (0..blocks.len()).flat_map(|a| (0..=a).map(move |b| [a, b])).collect();
        let shares = pairs.par_iter().zip(tiles).map(|([a, b], tile)| {
            let mut forth = vec![0.0; blocks[*a].len()];
            let mut back = vec![0.0; blocks[*b].len()];
            multiply(self.level, tile, &blocks[*a], &blocks[*b], &mut forth, &mut back);
            (forth, back)
        });
        let shares: Vec<_> = shares.collect();
        out.fill(0.0);
        let mut add = |block: usize, share: &[f64]| {
            let range = self.range(block);
            let out = &mut out[c * range.start..c * range.end];
            for (k, value) in share.iter().enumerate() {
                out[k % range.len() * c + k / range.len()] += value;
            }
        };
        for ([a, b], (forth, back)) in pairs.iter().zip(&shares) {
            add(*a, forth);
            if a != b {
                add(*b, back);
            }
        }
    }

    /// `J_l (J_l' v)` for some layers in float64: block by block, a pass backwards for `J_l' v`, and one forwards along it.
    pub(super) fn product_by_passes(&self, layers: &Range<usize>, v: &[f64], out: &mut [f64]) {
        let (c, d, p) = (self.outputs(), self.network.input().values(), self.theta.len());
        let blocks: Vec<_> = (0..self.samples().div_ceil(self.plan.samples_of_a_block)).collect();
        let inputs = |block: usize| {
            let range = self.range(block);
            &self.inputs[range.start * d..range.end * d]
        };
        let mapped = self.mapped(v, true);
        let v = mapped.as_deref().unwrap_or(v);
        let pull = |block: &usize| {
            let (range, inputs) = (self.range(*block), inputs(*block));
            let weights = &v[c * range.start..c * range.end];
            let (mut tape, mut gradient) = (Tape::default(), vec![0.0; p]);
            let pass = Pass { level: self.level, theta: &self.theta, inputs };
            self.network.forward(pass, &mut tape, &mut vec![0.0; weights.len()]);
            self.network.backward(pass, &mut tape, weights, &mut gradient);
            gradient
        };
        let mut direction = vec![0.0; p];
        for some in blocks.chunks(rayon::current_num_threads()) {
            let gradients: Vec<_> = some.par_iter().map(pull).collect();
            for gradient in gradients {
                direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d += g);
            }
        }
        let of_others = self.network.ranges().enumerate().filter(|(k, _)| !layers.contains(k));
        of_others.for_each(|(_, range)| direction[range].fill(0.0));
        let push = |block: usize| {
            let scratch = &mut Scratch::default();
            self.network.tangent(self.level, &self.theta, &direction, inputs(block), scratch)
        };
        let pushed: Vec<_> = blocks.into_par_iter().map(push).collect();
        out.iter_mut().zip(pushed.iter().flatten()).for_each(|(out, value)| *out = *value);
        if let Some(mapped) = self.mapped(out, false) {
            out.copy_from_slice(&mapped);
        }
    }

    /// The vector `v_i` (c) of every sample multiplied by its map, or by the transpose; none without maps.
    fn mapped(&self, v: &[f64], is_transposed: bool) -> Option<Vec<f64>> {
        let (c, maps) = (self.outputs(), self.maps.as_deref()?);
        let mut out = vec![0.0; v.len()];
        let of_samples = maps.chunks_exact(c * c).zip(v.chunks_exact(c).zip(out.chunks_exact_mut(c)));
        for (map, (v, out)) in of_samples {
            for (k, out) in out.iter_mut().enumerate() {
                let entry = |l: usize| if is_transposed { map[l * c + k] } else { map[k * c + l] };
                *out = v.iter().enumerate().map(|(l, v)| entry(l) * v).sum();
            }
        }
        Some(out)
    }
}

/// `forth += T right` and `back += T' left` for one tile `T`.
fn multiply<F: Float>(
    level: Level,
    tile: &[F],
    left: &[f64],
    right: &[f64],
    forth: &mut [f64],
    back: &mut [f64],
) {
    multiply_wide::<f64, F>(level, tile, left, right, forth, back);
}

fn multiply_wide<G: Float, F: Float>(
    level: Level,
    tile: &[F],
    left: &[G],
    right: &[G],
    forth: &mut [G],
    back: &mut [G],
) {
    dispatch!(level, multiply_rows, G, [F: Float],
        (tile: &[F], left: &[G], right: &[G], forth: &mut [G], back: &mut [G]));
}

#[inline(always)]
fn multiply_rows<V: Vector, F: Float>(
    tile: &[F],
    left: &[V::Float],
    right: &[V::Float],
    forth: &mut [V::Float],
    back: &mut [V::Float],
) {
    // Rows are filled up to whole stripes, so that no vector is left over.
    let width = right.len().next_multiple_of(STRIPES);
    let zero = <V::Float>::default();
    let filled = |values: &[V::Float]| {
        let mut filled = vec![zero; width];
        filled[..values.len()].copy_from_slice(values);
        filled
    };
    let (right, mut pulled) = (filled(right), filled(back));
    let mut rows = vec![zero; ROWS * width];
    let of_rows = tile.chunks(ROWS * back.len()).zip(left.chunks(ROWS)).zip(forth.chunks_mut(ROWS));
    for ((from, left), forth) in of_rows {
        // What is missing in the last rows counts as zero.
        if left.len() < ROWS {
            rows.fill(zero);
        }
        for (to, from) in rows.chunks_exact_mut(width).zip(from.chunks_exact(back.len())) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = <V::Float>::of((*from).into()));
        }
        let factors = std::array::from_fn(|k| V::splat(left.get(k).copied().unwrap_or_default()));
        let products = multiply_some::<V>(&rows, &right, &factors, &mut pulled);
        forth.iter_mut().zip(products).for_each(|(forth, product)| *forth += product);
    }
    back.copy_from_slice(&pulled[..back.len()]);
}

/// Rows that are multiplied at a time.
const ROWS: usize = 4;

/// The products of rows with `right`; the rows are added to `pulled`, each times its factor.
#[inline(always)]
fn multiply_some<V: Vector>(
    rows: &[V::Float],
    right: &[V::Float],
    factors: &[V; ROWS],
    pulled: &mut [V::Float],
) -> [V::Float; ROWS] {
    let width = right.len();
    let mut stripes = [[<V::Float>::default(); STRIPES]; ROWS];
    for first in (0..STRIPES).step_by(V::WIDTH) {
        let mut sums = [V::from(0.0); ROWS];
        for at in (first..width).step_by(STRIPES) {
            let (right, mut image) = (V::read(&right[at..]), V::read(&pulled[at..]));
            for (k, sum) in sums.iter_mut().enumerate() {
                let entries = V::read(&rows[k * width + at..]);
                *sum = entries.mul_add(right, *sum);
                image = entries.mul_add(factors[k], image);
            }
            image.write(&mut pulled[at..]);
        }
        for (sum, stripes) in sums.iter().zip(&mut stripes) {
            sum.write(&mut stripes[first..]);
        }
    }
    stripes.map(|stripes| stripes.into_iter().sum())
}
