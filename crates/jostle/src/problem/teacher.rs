//! Gaussian samples with the labels of a random two-layer network.

use super::LOSS_FACTOR;
use super::generator::{
    DATA_PER_REPLICA, DIM, LABEL_NOISE, Law, SAMPLES, SEED, TEST_SAMPLES, linear, shared_draws,
};
use crate::random::{Draws, Purpose};
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};
use std::sync::Arc;

/// What a hidden unit makes of its input.
#[derive(Debug, Clone, Copy)]
enum Activation {
    Relu,
    Tanh,
}

/// `x ~ N(0, I)` and `y = sum_k a_k phi(w_k . x)`.
#[derive(Debug)]
struct Teacher {
    dim: usize,
    activation: Activation,
    /// The hidden weights `w` (units x d).
    hidden: Vec<f64>,
    /// The weights `a` of the output, +1 or -1.
    output: Vec<f64>,
}

impl Law for Teacher {
    fn draw(&self, draws: &Draws<'_>, x: &mut [f64]) {
        draws.normals(Purpose::DESIGN, x);
    }

    fn label(&self, sample: &[f64]) -> f64 {
        let unit = |(w, a): (&[f64], &f64)| {
            let input = linear(sample, w);
            a * match self.activation {
                Activation::Relu => input.max(0.0),
                // Not the platform's: every machine draws the same data.
                Activation::Tanh => libm::tanh(input),
            }
        };
        self.hidden.chunks_exact(self.dim).zip(&self.output).map(unit).sum()
    }
}

/// The law that checked settings describe.
#[expect(clippy::unnecessary_wraps, reason = "what every law of the registry returns")]
pub(super) fn build(settings: &Settings) -> Result<Arc<dyn Law>, SettingError> {
    let (dim, units) = (settings.count("dim"), settings.count("units"));
    let draws = shared_draws(settings);
    let (mut hidden, mut output) = (vec![0.0; units * dim], vec![0.0; units]);
    draws.normals(Purpose::TRUTH, &mut hidden);
    draws.at_step(1).signs(Purpose::TRUTH, &mut output);
    let scale = settings.number("teacher_scale") / (dim as f64).sqrt();
    for w in &mut hidden {
        *w *= scale;
    }
    let activation = match settings.text("activation") {
        "tanh" => Activation::Tanh,
        _ => Activation::Relu,
    };
    Ok(Arc::new(Teacher { dim, activation, hidden, output }))
}

pub(super) const ENTRY: Entry = Entry {
    kind: "teacher",
    summary: "Gaussian samples with the labels of a random two-layer network",
    detail: "Samples are N(0, I); y = sum_k a_k phi(w_k . x) + label_noise * N(0, 1) over the hidden units of a \
             teacher, with w_k drawn from N(0, teacher_scale^2 I / d) and a_k from +1 and -1 with equal probability. \
             Replicas share the teacher.",
    reference: "",
    settings: &[
        SAMPLES,
        DIM,
        Setting {
            name: "units",
            symbol: "",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Integer(3),
            doc: "Hidden units of the teacher.",
        },
        Setting {
            name: "activation",
            symbol: "phi",
            kind: Kind::Choice(&["relu", "tanh"]),
            fallback: Fallback::Text("relu"),
            doc: "What a hidden unit of the teacher makes of its input.",
        },
        Setting {
            name: "teacher_scale",
            symbol: "",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Number(1.0),
            doc: "Standard deviation of the input of a hidden unit of the teacher.",
        },
        LABEL_NOISE,
        SEED,
        TEST_SAMPLES,
        DATA_PER_REPLICA,
        LOSS_FACTOR,
    ],
};
