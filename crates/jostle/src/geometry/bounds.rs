//! Inequalities for the largest stable learning rate: what the papers prove, beside the exact threshold.

use super::quantities::start;
use super::{BatchMoments, Batches, Curvature, GeometryError, KernelSource, Threshold, range};
use crate::linear_algebra::{TopEigenpair, top_eigenpair};

/// Upper bounds of the largest learning rate `eta*` at which stochastic gradient descent is stable in the mean square,
/// for one kind of batches. An infinite bound says nothing.
///
/// `full` and `single` are the [`BatchMoments`]: `1 - 1/B'` and `1/B'`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// (G) `2 / lambda_max`: the threshold of gradient descent, which is that of `B = n` without replacement.
    pub gd_limit: f64,
    /// (T) `2 Tr G / (full |G|_F^2 + single (1/n) sum_i |H_i|_F^2)`; at most `2 c B' / Tr G` (Mulayoff, Michaeli 2024).
    pub trace_bound: f64,
    /// `2 lambda_max / (lambda_max^2 + single Var_i(v' H_i v))` with the top eigenvector `v` (Mulayoff, Michaeli 2024).
    pub variance_bound: f64,
    /// `sqrt(c / (full single)) / |G|_F`: the form of (F) that needs no alignment, since (T) implies it; with one output
    /// `sqrt(B') / sqrt(1 - 1/B') / |G|_F`.
    pub alignment_free_bound: f64,
}

impl Bounds {
    /// The bounds that follow from the curvature alone.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn new(curvature: &Curvature, batches: Batches) -> Result<Self, GeometryError> {
        let moments = batches.moments(curvature.samples)?;
        let BatchMoments { full, single } = moments;
        let (frobenius, lambda) = (curvature.frobenius, curvature.lambda_max);
        Ok(Self {
            gd_limit: 2.0 / lambda,
            trace_bound: 2.0
                / (full / curvature.effective_rank + single * curvature.mean_square_ratio)
                / curvature.trace,
            variance_bound: 2.0 / (lambda * (full + single * curvature.top_concentration)),
            alignment_free_bound: (curvature.outputs as f64 / (full * single)).sqrt() / frobenius,
        })
    }

    /// The smallest of them: an upper bound of `eta*`.
    pub fn smallest(&self) -> f64 {
        self.gd_limit.min(self.trace_bound).min(self.variance_bound).min(self.alignment_free_bound)
    }
}

impl Curvature {
    /// (F) `sqrt(B'/mu) / |G|_F`: where the alignment is `mu` along the whole path, no larger learning rate is stable
    /// (Wu, Wang, Su 2022, theorem on linear stability). Infinite where `mu` is zero, NaN where it is NaN.
    ///
    /// A theorem only with the *centred* alignment, in its worst direction: see
    /// [`Spectrum::worst_alignment`](super::Spectrum::worst_alignment). For Bernoulli batches the uncentred one will do.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn frobenius_bound(&self, batches: Batches, alignment: f64) -> Result<f64, GeometryError> {
        let BatchMoments { single, .. } = batches.moments(self.samples)?;
        Ok(1.0 / ((single * alignment).sqrt() * self.frobenius))
    }
}

/// The square root of the coherence of the curvatures of single samples, which is the spectral radius of `Q -> (K_ik Q_k K_ki
/// summed over k)_i` on symmetric blocks (n blocks c x c); with one output the largest eigenvalue of the matrix of `K_ik^2`.
///
/// `eta* <= sqrt(n / (full single)) / root`: no learning rate above is stable, whatever the residuals, since in
/// residual space the noise of one sample reaches the others through `K_ik^2`. Derived here; the idea of a coherence is that
/// of Dexter et al. 2024, whose condition is for Bernoulli batches and of another form. It is never above the alignment-free
/// bound.
/// Needs a few tens of passes over the kernel.
pub fn root_coherence(source: &impl KernelSource) -> f64 {
    let (n, c) = (source.samples(), source.outputs());
    let step = source.samples_of_a_block();
    let mut block = Vec::new();
    let identity: Vec<f64> = (0..n * c * c).map(|k| if k / c % c == k % c { 1.0 } else { 0.0 }).collect();
    let TopEigenpair { value, .. } = top_eigenpair(&identity, |q, out| {
        out.fill(0.0);
        for first in (0..n).step_by(step) {
            let rows = first..n.min(first + step);
            for start in (0..n).step_by(step) {
                let columns = start..n.min(start + step);
                let width = c * columns.len();
                block.resize(c * rows.len() * width, 0.0);
                source.block(rows.clone(), columns.clone(), &mut block);
                for (i, block) in rows.clone().zip(block.chunks_exact(c * width)) {
                    let out = &mut out[c * c * i..][..c * c];
                    for k in 0..columns.len() {
                        let q = &q[c * c * (columns.start + k)..][..c * c];
                        add_sandwich(|a, e| block[a * width + c * k + e], q, out, c);
                    }
                }
            }
        }
    });
    range::times(value.sqrt(), source.exponent())
}

/// `out += A Q A'` for c x c matrices.
fn add_sandwich(a: impl Fn(usize, usize) -> f64, q: &[f64], out: &mut [f64], c: usize) {
    for row in 0..c {
        for e in 0..c {
            let image: f64 = (0..c).map(|f| a(row, f) * q[f * c + e]).sum();
            for column in 0..c {
                out[row * c + column] += image * a(column, e);
            }
        }
    }
}

impl Batches {
    /// `sqrt(n / (full single)) / root`: the bound by the [`root_coherence`] of `n` samples. For Bernoulli batches,
    /// `n / sqrt(n/B - 1) / root`.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn coherence_bound(self, samples: usize, root_coherence: f64) -> Result<f64, GeometryError> {
        let BatchMoments { full, single } = self.moments(samples)?;
        Ok((samples as f64 / (full * single)).sqrt() / root_coherence)
    }
}

/// A learning rate that is certainly stable, `2 / lambda_max(full K/n + single diag(K_ii))` with the c x c blocks of the
/// diagonal: up to it, `E |theta - theta*|^2` never grows.
///
/// Needs products with the kernel only, and so bounds `eta*` from below where it cannot be computed.
///
/// # Errors
/// A batch of no sample, or of more than there are.
pub fn safe_learning_rate(source: &impl KernelSource, batches: Batches) -> Result<f64, GeometryError> {
    let (n, c) = (source.samples(), source.outputs());
    let BatchMoments { full, single } = batches.moments(n)?;
    let mut diagonal = vec![0.0; n * c * c];
    for (i, block) in diagonal.chunks_exact_mut(c * c).enumerate() {
        source.block(i..i + 1, i..i + 1, block);
    }
    let TopEigenpair { value, residual, .. } = top_eigenpair(&start(n * c), |v, out| {
        source.product(v, out);
        for (i, out) in out.chunks_exact_mut(c).enumerate() {
            let v = &v[c * i..][..c];
            for (a, o) in out.iter_mut().enumerate() {
                let row = &diagonal[c * c * i + c * a..][..c];
                let local: f64 = row.iter().zip(v).map(|(k, v)| k * v).sum();
                *o = full * *o / n as f64 + single * local;
            }
        }
    });
    Ok(range::times(2.0 / (value + residual), -source.exponent()))
}

impl Threshold {
    /// What is known of the threshold without an eigen-decomposition: it lies between [`safe_learning_rate`] and the
    /// smallest of the [`Bounds`]. For kernels too large for a [`Spectrum`](super::Spectrum).
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn from_bounds(
        source: &impl KernelSource,
        curvature: &Curvature,
        batches: Batches,
    ) -> Result<Self, GeometryError> {
        let learning_rate = Bounds::new(curvature, batches)?.smallest();
        Ok(Self { learning_rate, lower_bound: safe_learning_rate(source, batches)? })
    }
}
