//! Linear measurements of a matrix of low rank.

use super::LOSS_FACTOR;
use super::generator::{
    DATA_PER_REPLICA, LABEL_NOISE, Law, SAMPLES, SEED, TEST_SAMPLES, linear, shared_draws,
};
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Setting, SettingError, Settings};
use std::sync::Arc;

/// `x = vec(A)` with a Gaussian `A` (m x m) and `y = <A, U U'>`.
#[derive(Debug)]
struct MatrixSensing {
    side: usize,
    symmetric: bool,
    /// `U U'`, row by row (m^2).
    truth: Vec<f64>,
}

impl Law for MatrixSensing {
    fn draw(&self, draws: &Draws<'_>, x: &mut [f64]) {
        draws.normals(Purpose::DESIGN, x);
        if !self.symmetric {
            return;
        }
        let m = self.side;
        for sample in x.chunks_exact_mut(m * m) {
            for (i, j) in (0..m).flat_map(|i| (0..i).map(move |j| (i, j))) {
                let mean = 0.5 * (sample[i * m + j] + sample[j * m + i]);
                (sample[i * m + j], sample[j * m + i]) = (mean, mean);
            }
        }
    }

    fn label(&self, sample: &[f64]) -> f64 {
        linear(sample, &self.truth)
    }

    fn truth(&self) -> Option<&[f64]> {
        Some(&self.truth)
    }
}

/// The law that checked settings describe, unless the rank is above the side.
pub(super) fn build(settings: &Settings) -> Result<Arc<dyn Law>, SettingError> {
    let (m, rank) = (settings.count("side"), settings.count("rank"));
    if rank > m {
        let problem = format!("is {rank}, more than the side of the matrix; expected at most {m}");
        return Err(SettingError::new("rank", problem));
    }
    let mut factor = vec![0.0; m * rank];
    shared_draws(settings).normals(Purpose::TRUTH, &mut factor);
    let row = |i: usize| &factor[i * rank..(i + 1) * rank];
    let entries = (0..m).flat_map(|i| (0..m).map(move |j| (i, j)));
    let truth = entries.map(|(i, j)| linear(row(i), row(j)) / m as f64).collect();
    Ok(Arc::new(MatrixSensing { side: m, symmetric: settings.flag("symmetric"), truth }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "matrix-sensing",
    summary: "linear measurements of a matrix of low rank",
    detail: "Sample i is vec(A_i), row by row, of an m x m matrix with independent N(0, 1) entries, or of its symmetric \
             part; d = m^2. The truth is vec(U U') with U (m x rank) of independent N(0, 1/m) entries, so that its \
             eigenvalues are about 1, the same for all replicas; y_i = <A_i, U U'> + label_noise * N(0, 1).",
    reference: "Gunasekar et al. 2017 (arXiv 1705.09280), section 2",
    settings: &[
        SAMPLES,
        Setting {
            name: "side",
            symbol: "m",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Rows and columns of the matrix.",
        },
        Setting {
            name: "rank",
            symbol: "r",
            kind: Kind::Integer { min: 0 },
            fallback: Fallback::Required,
            doc: "Rank of the truth.",
        },
        Setting {
            name: "symmetric",
            symbol: "",
            kind: Kind::Flag,
            fallback: Fallback::Flag(true),
            doc: "Whether A is replaced by (A + A')/2. The labels are the same.",
        },
        LABEL_NOISE,
        SEED,
        TEST_SAMPLES,
        DATA_PER_REPLICA,
        LOSS_FACTOR,
    ],
};
