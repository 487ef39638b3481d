//! The definitions, in parameter space: p x p matrices, p^2 x p^2 operators, and every batch that can be drawn.

use super::{BatchMoments, DenseKernel, KernelSource, Point, Sampling};
use crate::linear_algebra::{spectral_radius, symmetric_eigen, symmetric_eigenvalues};

/// A square matrix by its rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub(super) side: usize,
    pub(super) values: Vec<f64>,
}

impl Matrix {
    pub(super) fn zero(side: usize) -> Self {
        Self { side, values: vec![0.0; side * side] }
    }

    pub(super) fn add(&mut self, factor: f64, other: &Self) {
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += factor * b);
    }

    fn add_outer(&mut self, factor: f64, u: &[f64], v: &[f64]) {
        for (i, a) in u.iter().enumerate() {
            for (j, b) in v.iter().enumerate() {
                self.values[i * self.side + j] += factor * a * b;
            }
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut out = Self::zero(self.side);
        for i in 0..self.side {
            for k in 0..self.side {
                for j in 0..self.side {
                    out.values[i * self.side + j] +=
                        self.values[i * self.side + k] * other.values[k * self.side + j];
                }
            }
        }
        out
    }

    pub(super) fn trace(&self) -> f64 {
        (0..self.side).map(|i| self.values[i * self.side + i]).sum()
    }

    pub(super) fn frobenius(&self) -> f64 {
        self.values.iter().map(|v| v * v).sum::<f64>().sqrt()
    }

    pub(super) fn largest_eigenvalue(&self) -> f64 {
        symmetric_eigenvalues(&self.values, self.side).unwrap()[self.side - 1]
    }

    /// The Kronecker product, which maps `S` to `self S other'`.
    fn kronecker(&self, other: &Self) -> Self {
        let (p, side) = (self.side, self.side * self.side);
        let entry = |k: usize| {
            let (row, column) = (k / side, k % side);
            self.values[row / p * p + column / p] * other.values[row % p * p + column % p]
        };
        Self { side, values: (0..side * side).map(entry).collect() }
    }
}

/// `H_i`, `G`, `Sigma_1` and `Sigma`, and `L`.
pub(super) struct Dense {
    pub(super) curvatures: Vec<Matrix>,
    pub(super) curvature: Matrix,
    pub(super) uncentred: Matrix,
    pub(super) centred: Matrix,
    pub(super) gradient: Vec<f64>,
    pub(super) loss: f64,
}

impl Point {
    fn rows(&self, sample: usize) -> impl Iterator<Item = (&[f64], f64)> {
        let rows = sample * self.outputs..(sample + 1) * self.outputs;
        rows.map(|row| (&self.jacobian[row * self.params..][..self.params], self.residuals[row]))
    }

    pub(super) fn dense(&self) -> Dense {
        let (p, n) = (self.params, self.samples as f64);
        let mut curvatures = vec![Matrix::zero(p); self.samples];
        let (mut curvature, mut uncentred) = (Matrix::zero(p), Matrix::zero(p));
        let (mut gradient, mut loss) = (vec![0.0; p], 0.0);
        for i in 0..self.samples {
            let mut g = vec![0.0; p];
            for (row, r) in self.rows(i) {
                curvatures[i].add_outer(1.0, row, row);
                g.iter_mut().zip(row).for_each(|(g, j)| *g += j * r);
                loss += r * r / (2.0 * n);
            }
            curvature.add(1.0 / n, &curvatures[i]);
            uncentred.add_outer(1.0 / n, &g, &g);
            gradient.iter_mut().zip(&g).for_each(|(sum, g)| *sum += g / n);
        }
        let mut centred = uncentred.clone();
        centred.add_outer(-1.0, &gradient, &gradient);
        Dense { curvatures, curvature, uncentred, centred, gradient, loss }
    }

    /// The same point in the coordinates of the range of its curvature: predictions do not depend on the others.
    fn on_range(&self) -> Self {
        let (values, vectors) = symmetric_eigen(&self.dense().curvature.values, self.params).unwrap();
        let kept: Vec<usize> =
            (0..self.params).filter(|k| values[*k] > 1e-12 * values[self.params - 1]).collect();
        let rows = self.jacobian.chunks(self.params);
        let project = |row: &[f64], k: usize| -> f64 {
            row.iter().zip(&vectors[k * self.params..]).map(|(a, b)| a * b).sum()
        };
        let jacobian = rows.flat_map(|row| kept.iter().map(move |k| project(row, *k))).collect();
        Self { jacobian, params: kept.len(), ..self.clone() }
    }

    /// `C` and `D`: `S -> (G S + S G)/2` and `S -> E[H_B S H_B]`, as matrices on the range of `G`; the expectation is
    /// the sum over every batch.
    fn operators(&self, size: usize, sampling: Sampling) -> (Matrix, Matrix) {
        let point = self.on_range();
        let (dense, p) = (point.dense(), point.params);
        let mut identity = Matrix::zero(p);
        (0..p).for_each(|i| identity.values[i * p + i] = 1.0);
        let mut c = Matrix::zero(p * p);
        c.add(0.5, &identity.kronecker(&dense.curvature));
        c.add(0.5, &dense.curvature.kronecker(&identity));
        let mut d = Matrix::zero(p * p);
        for (probability, batch) in batches(self.samples, size, sampling) {
            let mut mean = Matrix::zero(p);
            for i in &batch {
                mean.add(1.0 / size as f64, &dense.curvatures[*i]);
            }
            d.add(probability, &mean.kronecker(&mean));
        }
        (c, d)
    }

    /// `2 / lambda_max(C^+ D)`.
    pub(super) fn dense_threshold(&self, size: usize, sampling: Sampling) -> f64 {
        let (c, d) = self.operators(size, sampling);
        let (values, vectors) = symmetric_eigen(&c.values, c.side).unwrap();
        let mut root = Matrix::zero(c.side);
        for (value, vector) in values.iter().zip(vectors.chunks(c.side)) {
            root.add_outer(1.0 / value.sqrt(), vector, vector);
        }
        2.0 / root.times(&d).times(&root).largest_eigenvalue()
    }

    /// The spectral radius of what the second moments of two successive displacements of the heavy ball are multiplied by at every
    /// step, `E[M (x) M]` with `M = [(1 + b) - eta H_B, -b; 1, 0]`.
    pub(super) fn dense_heavy_ball(&self, eta: f64, momentum: f64, size: usize, sampling: Sampling) -> f64 {
        let point = self.on_range();
        let (dense, p) = (point.dense(), point.params);
        let mut operator = Matrix::zero(4 * p * p);
        for (probability, batch) in batches(self.samples, size, sampling) {
            let mut step = Matrix::zero(2 * p);
            for i in 0..p {
                step.values[i * 2 * p + i] = 1.0 + momentum;
                step.values[i * 2 * p + p + i] = -momentum;
                step.values[(p + i) * 2 * p + i] = 1.0;
            }
            for sample in &batch {
                for k in 0..p * p {
                    step.values[k / p * 2 * p + k % p] -=
                        eta / size as f64 * dense.curvatures[*sample].values[k];
                }
            }
            operator.add(probability, &step.kronecker(&step));
        }
        spectral_radius(&operator.values, operator.side)
    }

    /// `ln rho(1 - 2 eta C + eta^2 D)`.
    pub(super) fn dense_growth_rate(&self, eta: f64, size: usize, sampling: Sampling) -> f64 {
        let (c, d) = self.operators(size, sampling);
        let mut step = Matrix::zero(c.side);
        (0..c.side).for_each(|i| step.values[i * c.side + i] = 1.0);
        step.add(-2.0 * eta, &c);
        step.add(eta * eta, &d);
        step.largest_eigenvalue().ln()
    }
}

/// Every batch with its probability.
fn batches(samples: usize, size: usize, sampling: Sampling) -> Vec<(f64, Vec<usize>)> {
    let sets = (0..1_usize << samples).map(|set| (0..samples).filter(|i| set >> i & 1 == 1).collect());
    let sets: Vec<Vec<usize>> = sets.collect();
    match sampling {
        Sampling::WithReplacement => {
            let count = samples.pow(size as u32);
            let drawn = |k: usize| (0..size).map(|e| k / samples.pow(e as u32) % samples).collect();
            (0..count).map(|k| (1.0 / count as f64, drawn(k))).collect()
        }
        Sampling::WithoutReplacement => {
            let sets: Vec<_> = sets.into_iter().filter(|set| set.len() == size).collect();
            sets.iter().map(|set| (1.0 / sets.len() as f64, set.clone())).collect()
        }
        Sampling::Bernoulli => {
            let share = size as f64 / samples as f64;
            let weight =
                |count: usize| share.powi(count as i32) * (1.0 - share).powi((samples - count) as i32);
            sets.into_iter().map(|set| (weight(set.len()), set)).collect()
        }
    }
}

/// The moment `M = E e e'` of the residuals that linear SGD tends to, of norm one, and the logarithm of the factor by
/// which it then grows: by the plain recursion, symmetrised at every step.
pub(super) fn long_run(kernel: &DenseKernel, eta: f64, moments: BatchMoments) -> (Matrix, f64) {
    let (side, c, n) = (kernel.samples() * kernel.outputs(), kernel.outputs(), kernel.samples() as f64);
    let k = Matrix { side, values: kernel.values().to_vec() };
    let mut m = k.clone();
    let mut rate = 0.0;
    for _ in 0..3000 {
        let km = k.times(&m);
        let mut blocks = Matrix::zero(side);
        for row in 0..side {
            for column in row / c * c..row / c * c + c {
                blocks.values[row * side + column] = m.values[row * side + column];
            }
        }
        let mut next = m.clone();
        next.add(-2.0 * eta / n, &km);
        next.add(eta * eta * moments.full / (n * n), &km.times(&k));
        next.add(eta * eta * moments.single / n, &k.times(&blocks).times(&k));
        for row in 0..side {
            for column in 0..row {
                let (a, b) = (row * side + column, column * side + row);
                let mean = f64::midpoint(next.values[a], next.values[b]);
                next.values[a] = mean;
                next.values[b] = mean;
            }
        }
        let size = next.frobenius();
        rate = (size / m.frobenius()).ln();
        m = next;
        m.values.iter_mut().for_each(|v| *v /= size);
    }
    (m, rate)
}
