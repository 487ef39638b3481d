//! One hidden layer, both layers trained.

use super::activation::{ACTIVATION, Activation};
use super::loss::LOSS;
use super::start::{INIT, INIT_PER_REPLICA, SEED, WIDTH, normal_start};
use super::{Model, Pass, Passes, Tape};
use crate::float::Float;
use crate::random::Draws;
use crate::setting::{Entry, Fallback, Kind, Setting, Settings};
use crate::simd::{View, add_product, product, products_of_rows};

/// `f_o(x) = sum_k a_ok phi(w_k . x + b_k)` with `m` hidden units and `c` outputs.
///
/// Parameters are `W` (d x m, a column for every unit), the biases `b` (m) where there are any, and `a` (c x m).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoLayer {
    dim: usize,
    width: usize,
    outputs: usize,
    activation: Activation,
    has_bias: bool,
    init: f64,
}

impl TwoLayer {
    /// The network that checked settings describe, for samples of dimension `dim` with `outputs` labels.
    pub fn from_settings(settings: &Settings, dim: usize, outputs: usize) -> Self {
        Self {
            dim,
            width: settings.count(WIDTH.name),
            outputs,
            activation: Activation::from_settings(settings),
            has_bias: settings.flag("bias"),
            init: settings.number(INIT.name),
        }
    }

    /// Lengths of `W`, `b` and `a`.
    fn lengths(&self) -> [usize; 3] {
        let [hidden, readout] = [self.dim, self.outputs].map(|count| count.saturating_mul(self.width));
        [hidden, if self.has_bias { self.width } else { 0 }, readout]
    }
}

/// `W`, `b` and `a` within the parameters.
fn parts<F>(theta: &[F], lengths: [usize; 3]) -> [&[F]; 3] {
    let (hidden, rest) = theta.split_at(lengths[0]);
    let (bias, readout) = rest.split_at(lengths[1]);
    [hidden, bias, readout]
}

fn parts_mut<F>(theta: &mut [F], lengths: [usize; 3]) -> [&mut [F]; 3] {
    let (hidden, rest) = theta.split_at_mut(lengths[0]);
    let (bias, readout) = rest.split_at_mut(lengths[1]);
    [hidden, bias, readout]
}

impl<F: Float> Passes<F> for TwoLayer {
    fn forward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, predictions: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let [hidden, bias, readout] = parts(theta, self.lengths());
        let samples = predictions.len() / self.outputs;
        let [units] = tape.arrays(0, [samples * self.width]);
        let inputs = View::new(inputs, self.dim);
        if self.has_bias {
            units.chunks_exact_mut(self.width).for_each(|units| units.copy_from_slice(bias));
            add_product(level, inputs, hidden, units);
        } else {
            product(level, inputs, hidden, units);
        }
        self.activation.apply(level, units);
        products_of_rows(level, self.width, units, readout, predictions);
    }

    fn backward(&self, pass: Pass<'_, F>, tape: &mut Tape<F>, weights: &[F], gradient: &mut [F]) {
        let Pass { level, theta, inputs } = pass;
        let [_, _, readout] = parts(theta, self.lengths());
        let samples = weights.len() / self.outputs;
        let length = samples * self.width;
        let [units, arriving] = tape.arrays(0, [length, length]);
        let [to_hidden, to_bias, to_readout] = parts_mut(gradient, self.lengths());
        product(level, View::transposed(weights, self.outputs), units, to_readout);
        product(level, View::new(weights, self.outputs), readout, arriving);
        self.activation.pull_back(level, units, arriving);
        product(level, View::transposed(inputs, self.dim), arriving, to_hidden);
        if self.has_bias {
            product(level, View::constant(&F::of(1.0), [1, samples]), arriving, to_bias);
        }
    }
}

impl Model for TwoLayer {
    fn dim(&self) -> usize {
        self.dim
    }

    fn num_params(&self) -> usize {
        self.lengths().iter().fold(0, |sum, length| sum.saturating_add(*length))
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn initial(&self, draws: &Draws<'_>) -> Vec<f64> {
        let std = |fan_in: usize| self.init / (fan_in as f64).sqrt();
        let [hidden, bias, readout] = self.lengths();
        normal_start(draws, &[(hidden, std(self.dim)), (bias, 0.0), (readout, std(self.width))])
    }

    fn work_per_sample(&self) -> f64 {
        (self.width * (2 * self.dim + 3 * self.outputs)) as f64
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "two-layer",
    summary: "one hidden layer of ReLU or tanh units, both layers trained",
    detail: "f(x) = sum_k a_k phi(w_k . x + b_k) with width hidden units, and as many outputs as a sample has labels. \
             Started at w ~ init N(0, I/d), a ~ init N(0, I/width), b = 0. Loss (1/2n) sum r^2.",
    reference: "Wu, Wang, Su 2022 (arXiv 2207.02628), section 5",
    settings: &[
        WIDTH,
        ACTIVATION,
        Setting {
            name: "bias",
            symbol: "b",
            kind: Kind::Flag,
            fallback: Fallback::Flag(false),
            doc: "Whether the hidden units have biases.",
        },
        INIT,
        LOSS,
        SEED,
        INIT_PER_REPLICA,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::network_laws::{Oracle, check_model, check_start};
    use crate::setting::Value;
    use crate::simd::Level;
    use num_dual::{Dual64, DualNum};

    fn network(activation: &str, has_bias: bool, outputs: usize) -> TwoLayer {
        let given = [
            ("width", Value::Integer(19)),
            ("activation", Value::Text(activation.to_owned())),
            ("bias", Value::Flag(has_bias)),
            ("init", Value::Number(1.5)),
        ];
        TwoLayer::from_settings(&Settings::check(&ENTRY, &given).unwrap(), 5, outputs)
    }

    impl Oracle for TwoLayer {
        fn predict(&self, theta: &[Dual64], x: &[f64]) -> Vec<Dual64> {
            let [hidden, bias, readout] = parts(theta, self.lengths());
            let unit = |k: usize| {
                let bias = bias.get(k).copied().unwrap_or(Dual64::from(0.0));
                let z = x.iter().enumerate().fold(bias, |z, (j, x)| z + hidden[j * self.width + k] * *x);
                match self.activation {
                    Activation::Tanh => z.tanh(),
                    Activation::Relu => z * if z.re > 0.0 { 1.0 } else { 0.0 },
                }
            };
            readout
                .chunks_exact(self.width)
                .map(|a| a.iter().enumerate().map(|(k, a)| *a * unit(k)).sum())
                .collect()
        }
    }

    #[test]
    fn both_passes_are_those_of_the_formula() {
        for activation in ["relu", "tanh"] {
            for (has_bias, outputs) in [(false, 1), (true, 1), (true, 3)] {
                check_model(&network(activation, has_bias, outputs), 5);
            }
        }
    }

    #[test]
    fn a_unit_that_is_off_for_every_sample_gets_no_gradient() {
        let network = network("relu", false, 1);
        let mut theta = vec![1.0; network.num_params()];
        (0..5).for_each(|j| theta[j * 19] = -1.0);
        let (inputs, mut tape) = ([1.0; 10], Tape::default());
        let (mut predictions, mut gradient) = ([0.0; 2], vec![f64::NAN; theta.len()]);
        for level in Level::available() {
            let pass = Pass { level, theta: &theta, inputs: &inputs };
            network.forward(pass, &mut tape, &mut predictions);
            network.backward(pass, &mut tape, &[1.0, -0.5], &mut gradient);
            assert!((0..5).all(|j| gradient[j * 19] == 0.0 && gradient[j * 19 + 1] != 0.0));
        }
    }

    #[test]
    fn a_start_has_the_variances_of_its_layers() {
        check_start(
            &network("relu", true, 2),
            &[(5 * 19, 1.5 * 1.5 / 5.0), (19, 0.0), (38, 1.5 * 1.5 / 19.0)],
        );
    }
}
