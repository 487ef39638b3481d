//! The growth rate, against simulated stochastic gradient descent.

use super::*;
use crate::linear_algebra::symmetric_eigen;
use crate::random::laws::{Estimate, check_estimates};

/// The mean loss of many runs of linear SGD at some steps, with its standard error, and the mean of its logarithm.
struct Losses {
    mean: f64,
    standard_error: f64,
    mean_logarithm: f64,
}

/// Simulates `e <- e - (eta/B) sum_{i in batch} K_{:,i} e_i` from residuals `e ~ N(0, start)`.
fn simulate(
    kernel: &DenseKernel,
    start: &oracle::Matrix,
    eta: f64,
    batches: Batches,
    steps: &[u64],
) -> Vec<Losses> {
    const RUNS: u32 = 20_000;
    let (n, c) = (kernel.samples(), kernel.outputs());
    let side = n * c;
    let (values, vectors) = symmetric_eigen(&start.values, side).unwrap();
    let mut z = vec![0.0; side];
    let last = steps[steps.len() - 1];
    let mut losses = vec![Vec::new(); steps.len()];
    let (mut words, mut chosen, mut marks) = (vec![0; batches.size], vec![0; batches.size], Vec::new());
    for run in 0..RUNS {
        Draws::new(17, &[run], 0).normals(Purpose::DESIGN, &mut z);
        let mut e = vec![0.0; side];
        for ((value, vector), z) in values.iter().zip(vectors.chunks(side)).zip(&z) {
            e.iter_mut().zip(vector).for_each(|(e, v)| *e += value.max(0.0).sqrt() * z * v);
        }
        for step in 1..=last {
            Draws::new(17, &[run], step).bits(Purpose::BATCH, &mut words);
            match batches.sampling {
                Sampling::WithoutReplacement => {
                    Draws::subset(words.iter().copied(), n, &mut chosen, &mut marks);
                }
                _ => chosen.iter_mut().zip(&words).for_each(|(i, w)| *i = Draws::index(*w, n)),
            }
            let before = e.clone();
            for i in &chosen {
                for row in c * i..c * (i + 1) {
                    let factor = eta / batches.size as f64 * before[row];
                    let column = &kernel.values()[row * side..][..side];
                    e.iter_mut().zip(column).for_each(|(e, k)| *e -= factor * k);
                }
            }
            if let Some(k) = steps.iter().position(|s| *s == step) {
                losses[k].push(e.iter().map(|e| e * e).sum::<f64>() / (2.0 * n as f64));
            }
        }
    }
    let summary = |losses: &Vec<f64>| {
        let count = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / count;
        let variance = losses.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let mean_logarithm = losses.iter().map(|l| l.ln()).sum::<f64>() / count;
        Losses { mean, standard_error: (variance / count).sqrt(), mean_logarithm }
    };
    losses.iter().map(summary).collect()
}

#[test]
fn the_mean_loss_of_many_runs_grows_as_predicted() {
    for (outputs, batches, share) in [
        (1, Batches::with_replacement(2), 0.8),
        (1, Batches::without_replacement(3), 1.1),
        (2, Batches::without_replacement(4), 1.05),
    ] {
        let point = Point::normal(33, 6, outputs, 16);
        let (kernel, spectrum) = (point.kernel(), point.spectrum());
        let eta = share * spectrum.max_stable_learning_rate(batches).unwrap().learning_rate;
        let rate = spectrum.growth_rate(eta, batches).unwrap();
        // Begun in the long run, the mean grows at this rate from the first step.
        let (start, _) = oracle::long_run(&kernel, eta, batches.moments(6).unwrap());
        let steps = [4, 8];
        let found = simulate(&kernel, &start, eta, batches, &steps);
        let (initial, estimates) = (start.trace() / 12.0, found.iter().zip(steps));
        let estimates: Vec<_> = estimates
            .map(|(losses, step)| Estimate {
                value: (losses.mean / initial).ln() / step as f64,
                expected: rate,
                standard_error: losses.standard_error / losses.mean / step as f64,
                unit: 1.0,
            })
            .collect();
        check_estimates("slope of the logarithm of the mean loss", 0.15, &estimates);
        // The typical path lies below the mean.
        let typical = (found[1].mean_logarithm - found[0].mean_logarithm) / 4.0;
        assert!(typical < rate - 0.01, "{typical} {rate}");
    }
}
