//! When stochastic gradient descent is stable near a minimum, and how fast its loss grows where it is not.

use super::mean_square::{Resolvent, solve};
use super::spectrum::Gathered;
use super::{BatchMoments, Batches, GeometryError, KernelSource, Spectrum, Watched, range};
use crate::interruption::unless_stopped;
use crate::watch::Watch;

/// The largest learning rate at which stochastic gradient descent is stable in the mean square.
///
/// The dynamics are the linear ones near a minimum of zero loss, `delta <- delta - (eta/B) sum_{i in batch} H_i delta`, or
/// the heavy ball's, which adds `b` times the last change; stable means that `E L` stays bounded. The typical path decays up to somewhat larger learning rates: just above
/// the threshold the mean is carried by few runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// `eta*`: never below the true one but for rounding, and within about 1e-9 of it.
    pub learning_rate: f64,
    /// A certified lower bound of `eta*`.
    pub lower_bound: f64,
}

/// The threshold: `z = 1/eta` and, with the momentum `b`,
///
/// ```text
/// phi_ij = (single/n) / (z (1 - b)(w_i + w_j) - bent w_i w_j + spread (w_i - w_j)^2)
/// bent = full - 2b/(1 + b),     spread = b/(1 - b^2)
/// ```
///
/// At the threshold the second moments of the heavy ball stand still. In the eigenbasis of `G`, with `a_i = 1 + b - eta w_i`, those of
/// two successive displacements are then `E d_i d_j^- = (a_i - b a_j) S_ij / (1 - b^2)`, which leaves an equation in `S_ij` alone.
struct AtThreshold<'a> {
    values: &'a [f64],
    strength: f64,
    /// `1 - b`.
    slope: f64,
    bent: f64,
    spread: f64,
    /// `w_i` at which `bent w_i / 2` is largest.
    pole: f64,
}

impl<'a> AtThreshold<'a> {
    fn new(spectrum: &'a Spectrum, BatchMoments { full, single }: BatchMoments, momentum: f64) -> Self {
        let bent = full - 2.0 * momentum / (1.0 + momentum);
        let values = &spectrum.values[..];
        Self {
            values,
            strength: single / spectrum.samples as f64,
            slope: 1.0 - momentum,
            bent,
            spread: momentum / (1.0 - momentum * momentum),
            pole: if bent < 0.0 { values[values.len() - 1] } else { values[0] },
        }
    }

    /// The largest `z` with a `phi_ij` that is infinite.
    fn pole(&self) -> f64 {
        0.5 * self.bent * self.pole / self.slope
    }

    /// A lower bound of `z` at which the spectral radius of `T` is one from a `z` at which it is at most `ratio`: from there on all
    /// `phi_ij` have shrunk by that ratio.
    fn certain(&self, z: f64, ratio: f64) -> f64 {
        if ratio <= 1.0 {
            return z;
        }
        let least = (self.spread + 0.5 * (-self.bent).max(0.0)) * self.values[0] / self.slope;
        if least > 0.0 { z * ratio + (ratio - 1.0) * least } else { z * ratio }
    }
}

impl Resolvent for AtThreshold<'_> {
    fn strength(&self) -> f64 {
        self.strength
    }

    fn mass(&self, i: usize, j: usize) -> f64 {
        self.slope * (self.values[i] + self.values[j])
    }

    fn excess(&self, i: usize, j: usize) -> f64 {
        let (a, b) = (self.values[i], self.values[j]);
        self.bent * (0.5 * self.pole * (a + b) - a * b) + self.spread * ((a - b) * (a - b))
    }
}

/// The growth: `z` is the factor by which `E L` grows, `phi_ij = (eta^2 single/n) / (z - a_ij)` with
/// `a_ij = 1 - eta (w_i + w_j) + eta^2 full w_i w_j`, largest on the diagonal at the largest or the smallest `w`.
struct AtLearningRate<'a> {
    values: &'a [f64],
    strength: f64,
    learning_rate: f64,
    full: f64,
    /// The `w_i` at which `a_ii` is largest.
    pole: f64,
}

impl AtLearningRate<'_> {
    /// `a_ij - 1` for two eigenvalues.
    fn level(&self, a: f64, b: f64) -> f64 {
        let eta = self.learning_rate;
        eta * eta * self.full * (a * b) - eta * (a + b)
    }
}

impl Resolvent for AtLearningRate<'_> {
    fn strength(&self) -> f64 {
        self.strength
    }

    fn mass(&self, _: usize, _: usize) -> f64 {
        1.0
    }

    fn excess(&self, i: usize, j: usize) -> f64 {
        (self.level(self.pole, self.pole) - self.level(self.values[i], self.values[j])).max(0.0)
    }
}

impl Threshold {
    /// [`Spectrum::heavy_ball_threshold`] of a kernel, decomposition and all, given up as soon as `watch` asks to stop.
    ///
    /// # Errors
    /// As [`Spectrum::new`] and [`Spectrum::heavy_ball_threshold`]; [`GeometryError::Stopped`].
    pub fn of_kernel(
        source: &(impl KernelSource + ?Sized),
        batches: Batches,
        momentum: f64,
        watch: &dyn Watch,
    ) -> Result<Self, GeometryError> {
        let gathered = Gathered::of(&Watched::new(Box::new(source), watch));
        let work = gathered.work();
        let threshold = move || gathered.spectrum()?.heavy_ball_threshold(batches, momentum);
        unless_stopped(work, &|| watch.should_stop(), threshold).unwrap_or(Err(GeometryError::Stopped))
    }
}

impl Spectrum {
    /// The largest learning rate at which batches of this kind are stable in the mean square: the smallest `eta` for
    /// which a symmetric `S` solves
    ///
    /// ```text
    /// G S + S G = eta ( full G S G + single (1/n) sum_i H_i S H_i )
    /// ```
    ///
    /// (Mulayoff, Michaeli 2024, theorem on linear dynamics, there with p^2 x p^2 matrices.) Each iteration costs two
    /// products of nc x r with r x r; a handful suffices.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn max_stable_learning_rate(&self, batches: Batches) -> Result<Threshold, GeometryError> {
        Ok(self.max_stable_learning_rates(&[batches])?[0])
    }

    /// The same for several kinds of batches, each iteration beginning where the last one ended.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn max_stable_learning_rates(&self, batches: &[Batches]) -> Result<Vec<Threshold>, GeometryError> {
        Ok(self.thresholds(batches)?.collect())
    }

    /// The same one after the other.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn thresholds<'a>(
        &'a self,
        batches: &[Batches],
    ) -> Result<impl Iterator<Item = Threshold> + use<'a>, GeometryError> {
        let moments: Result<Vec<_>, _> = batches.iter().map(|b| b.moments(self.samples)).collect();
        let mut blocks = None;
        Ok(moments?.into_iter().map(move |moments| self.threshold(moments, 0.0, &mut blocks)))
    }

    /// The same for the heavy ball with momentum `b`, `delta <- delta - eta H_B delta + b (delta - delta^-)` with the
    /// displacement `delta^-` a step before. For full batches it is `2 (1 + b) / lambda_max`.
    ///
    /// # Errors
    /// A momentum outside [0, 1), a batch of no sample, or of more than there are.
    pub fn heavy_ball_threshold(&self, batches: Batches, momentum: f64) -> Result<Threshold, GeometryError> {
        if !(0.0..1.0).contains(&momentum) {
            return Err(GeometryError::Momentum { found: momentum });
        }
        Ok(self.threshold(batches.moments(self.samples)?, momentum, &mut None))
    }

    fn threshold(&self, moments: BatchMoments, momentum: f64, blocks: &mut Option<Vec<f64>>) -> Threshold {
        let resolvent = AtThreshold::new(self, moments, momentum);
        let (mut z, mut ratio) = (resolvent.pole(), 1.0);
        if moments.single > 0.0 {
            let solution = solve(&self.features, &resolvent, &self.start(blocks.as_deref()));
            *blocks = Some(solution.blocks);
            z += solution.above_pole;
            ratio = solution.ratio;
        }
        let rate = |z: f64| range::times(1.0 / z, -self.exponent);
        Threshold { learning_rate: rate(z), lower_bound: rate(resolvent.certain(z, ratio)) }
    }

    /// The logarithm of the factor by which `E L` grows at every step in the long run, at a learning rate `eta`: below 0
    /// where it shrinks. It is `ln rho` of the largest eigenvalue `rho` of
    ///
    /// ```text
    /// S -> S - eta (G S + S G) + eta^2 ( full G S G + single (1/n) sum_i H_i S H_i ).
    /// ```
    ///
    /// # Errors
    /// A learning rate that is not above 0, a batch of no sample, or of more than there are.
    pub fn growth_rate(&self, learning_rate: f64, batches: Batches) -> Result<f64, GeometryError> {
        let both: Vec<_> = self.stability(learning_rate, &[batches])?.collect();
        Ok(both[0].1)
    }

    /// [`max_stable_learning_rate`](Self::max_stable_learning_rate) and [`growth_rate`](Self::growth_rate) for several
    /// kinds of batches, one after the other.
    ///
    /// # Errors
    /// A learning rate that is not above 0, a batch of no sample, or of more than there are.
    pub fn stability<'a>(
        &'a self,
        learning_rate: f64,
        batches: &[Batches],
    ) -> Result<impl Iterator<Item = (Threshold, f64)> + use<'a>, GeometryError> {
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return Err(GeometryError::LearningRate { found: learning_rate });
        }
        let moments: Result<Vec<_>, _> = batches.iter().map(|b| b.moments(self.samples)).collect();
        let mut blocks = None;
        Ok(moments?.into_iter().map(move |moments| {
            let threshold = self.threshold(moments, 0.0, &mut blocks);
            (threshold, self.growth(learning_rate, moments, blocks.as_deref()))
        }))
    }

    /// The growth rate, begun with the blocks of the threshold: the loss that grows there is the one that grows beside
    /// it, while blocks of no particular kind may first find the slowest decay.
    fn growth(&self, learning_rate: f64, moments: BatchMoments, blocks: Option<&[f64]>) -> f64 {
        let BatchMoments { full, single } = moments;
        let learning_rate = range::times(learning_rate, self.exponent);
        let strength = learning_rate * learning_rate * single / self.samples as f64;
        let (first, last) = (self.values[0], self.values[self.values.len() - 1]);
        let mut resolvent =
            AtLearningRate { values: &self.values, strength, learning_rate, full, pole: first };
        if resolvent.level(last, last) > resolvent.level(first, first) {
            resolvent.pole = last;
        }
        let pole = resolvent.level(resolvent.pole, resolvent.pole);
        let above_pole = match single {
            0.0 => 0.0,
            _ => solve(&self.features, &resolvent, &self.start(blocks)).above_pole,
        };
        // A loss that vanishes in one step does so but for rounding.
        (pole + above_pole).max(-1.0).ln_1p()
    }

    /// The learning rate at which noise that is perfectly aligned, `Sigma = 2 L G`, would be at the edge of stability:
    /// the root of `single sum_i eta w_i / (2 - eta w_i) = 1`. Not a bound: what the spectrum alone would say.
    ///
    /// # Errors
    /// A batch of no sample, or of more than there are.
    pub fn aligned_learning_rate(&self, batches: Batches) -> Result<f64, GeometryError> {
        let BatchMoments { single, .. } = batches.moments(self.samples)?;
        let (mut low, mut high) = (0.0, 2.0 / self.values[0]);
        let unstable =
            |eta: f64| single * self.values.iter().map(|w| eta * w / (2.0 - eta * w)).sum::<f64>() >= 1.0;
        // Halving ends when no number is left between the two.
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return Ok(range::times(high, -self.exponent));
            }
            *(if unstable(middle) { &mut high } else { &mut low }) = middle;
        }
    }

    /// Blocks to begin with: those of `S = 1`, which are positive wherever any are, and a share of where the last
    /// iteration ended.
    fn start(&self, last: Option<&[f64]>) -> Vec<f64> {
        const NEW: f64 = 1e-3;
        let mut blocks = self.features.blocks(&vec![1.0; self.values.len()]);
        if let Some(last) = last {
            let size = blocks.iter().map(|b| b * b).sum::<f64>().sqrt();
            blocks.iter_mut().zip(last).for_each(|(b, l)| *b = NEW * *b / size + l);
        }
        blocks
    }
}
