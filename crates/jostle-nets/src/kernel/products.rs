//! Products of the kernel with a vector: by the tiles where they are held, else by a pass backwards and one forwards.

use super::NetworkKernel;
use crate::affine::Scratch;
use jostle::Float;
use jostle::geometry::KernelSource;
use jostle::model::{Network, Tape};
use jostle::simd::{Level, Vector, dispatch};
use rayon::prelude::*;

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

    /// `J (J' v)`: block by block, a pass backwards for `J' v`, and one forwards along it.
    pub(super) fn product_by_passes(&self, v: &[f64], out: &mut [f64]) {
        let (c, d, p) = (self.outputs(), self.network.input().values(), self.theta.len());
        let blocks: Vec<_> = (0..self.samples().div_ceil(self.plan.samples_of_a_block)).collect();
        let pull = |block: &usize| {
            let range = self.range(*block);
            let inputs = &self.inputs[range.start * d..range.end * d];
            let weights: Vec<F> = v[c * range.start..c * range.end].iter().map(|v| F::of(*v)).collect();
            let (mut tape, mut gradient) = (Tape::default(), vec![F::default(); p]);
            self.network.forward(
                self.level,
                &self.theta,
                inputs,
                &mut tape,
                &mut vec![F::default(); weights.len()],
            );
            self.network.backward(self.level, &self.theta, inputs, &mut tape, &weights, &mut gradient);
            gradient
        };
        let mut direction = vec![0.0; p];
        for some in blocks.chunks(rayon::current_num_threads()) {
            let gradients: Vec<_> = some.par_iter().map(pull).collect();
            for gradient in gradients {
                direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d += (*g).into());
            }
        }
        let direction: Vec<F> = direction.iter().map(|d| F::of(*d)).collect();
        let push = |block: usize| {
            let range = self.range(block);
            let inputs = &self.inputs[range.start * d..range.end * d];
            self.network.tangent(self.level, &self.theta, &direction, inputs, &mut Scratch::default())
        };
        let pushed: Vec<_> = blocks.into_par_iter().map(push).collect();
        out.iter_mut().zip(pushed.iter().flatten()).for_each(|(out, value)| *out = (*value).into());
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
    let (right, mut pulled, mut row) = (filled(right), filled(back), vec![zero; width]);
    for ((from, left), forth) in tile.chunks_exact(back.len()).zip(left).zip(forth) {
        row.iter_mut().zip(from).for_each(|(to, from)| *to = <V::Float>::of((*from).into()));
        let left = V::splat(*left);
        let mut sums = [V::from(0.0); STRIPES];
        for at in (0..width).step_by(STRIPES) {
            for (k, sum) in sums.iter_mut().enumerate().take(STRIPES / V::WIDTH) {
                let at = at + k * V::WIDTH;
                let entries = V::read(&row[at..]);
                *sum = entries.mul_add(V::read(&right[at..]), *sum);
                entries.mul_add(left, V::read(&pulled[at..])).write(&mut pulled[at..]);
            }
        }
        let mut stripes = [zero; STRIPES];
        for (sum, to) in sums.iter().zip(stripes.chunks_exact_mut(V::WIDTH)) {
            sum.write(to);
        }
        *forth += stripes.into_iter().sum();
    }
    back.copy_from_slice(&pulled[..back.len()]);
}
