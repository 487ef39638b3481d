//! A model with its start and its loss, as an experiment describes it.

use super::{
    LinearPredictor, LinkKind, Loss, Model, Power, Product, Square, Tensor, Unit, network_from_settings,
};
use crate::error::InputError;
use crate::random::Draws;
use crate::setting::{SettingError, Settings};
use std::sync::Arc;

/// The form of a model.
#[derive(Debug, Clone)]
pub enum Form {
    /// A reparametrised linear predictor.
    Link {
        /// The parametrisation.
        link: LinkKind,
        /// The scale of the start: one value for all coordinates, or one each (d).
        init: Vec<f64>,
    },
    /// A network, started at random.
    Network {
        /// The network.
        network: Arc<dyn Model>,
        /// Seed of the start.
        seed: u64,
        /// Whether every replica has a start of its own.
        init_per_replica: bool,
    },
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Link { link: LinkKind::Square(_), .. } => f.write_str("quadratic"),
            Form::Link { link: LinkKind::Power(Power { depth }), .. } => {
                write!(f, "hadamard of depth {depth}")
            }
            Form::Link { link: LinkKind::Product(_), .. } => f.write_str("hadamard in product form"),
            Form::Link { link: LinkKind::Unit(_), .. } => f.write_str("linear"),
            Form::Network { network, .. } => write!(f, "{network:?}"),
        }
    }
}

/// A model with its start and its loss: what an experiment's `[model]` table says.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    /// The model and its start.
    pub form: Form,
    /// The loss.
    pub loss: Loss,
    /// The loss factor `c`.
    pub loss_factor: f64,
}

impl ModelSpec {
    /// A parametrisation started at the same scale everywhere, with the loss factor of the papers.
    pub fn new(link: impl Into<LinkKind>, init: f64) -> Self {
        Self::with_init(link.into(), vec![init])
    }

    /// A parametrisation whose start has one scale for all coordinates, or one for each (d).
    pub fn with_init(link: LinkKind, init: Vec<f64>) -> Self {
        Self { form: Form::Link { link, init }, loss: Loss::Square, loss_factor: link.loss_factor() }
    }

    /// A network, whose replicas start at the same random point; the loss is `(1/2n) sum_i |r_i|^2`.
    pub fn of_network(network: Arc<dyn Model>, seed: u64) -> Self {
        let form = Form::Network { network, seed, init_per_replica: false };
        Self { form, loss: Loss::Square, loss_factor: 0.5 }
    }

    /// The parametrisation, of a reparametrised linear predictor.
    pub fn link(&self) -> Option<LinkKind> {
        match &self.form {
            Form::Link { link, .. } => Some(*link),
            Form::Network { .. } => None,
        }
    }

    /// The model for samples of dimension `dim`.
    pub fn model(&self, dim: usize) -> Arc<dyn Model> {
        match &self.form {
            Form::Link { link, .. } => Arc::new(LinearPredictor { link: *link, dim }),
            Form::Network { network, .. } => network.clone(),
        }
    }

    /// The named tensors that the parameters are made of, one after the other; none where they have no names.
    pub fn tensors(&self) -> Vec<Tensor> {
        match &self.form {
            Form::Link { .. } => Vec::new(),
            Form::Network { network, .. } => network.tensors(),
        }
    }

    /// Whether every replica has a start of its own.
    pub fn init_per_replica(&self) -> bool {
        matches!(self.form, Form::Network { init_per_replica: true, .. })
    }

    /// The model that checked settings describe, for samples of dimension `dim` with `outputs` labels; `kind` is one of
    /// [`ENTRIES`](super::ENTRIES). The kind `random-features` is the linear model on [other data](super::RandomFeatures::design).
    ///
    /// # Errors
    /// A product form with another depth than 2; samples that do not fit a network.
    ///
    /// # Panics
    /// If `kind` is not one of the entries.
    pub fn from_settings(
        kind: &str,
        settings: &Settings,
        dim: usize,
        outputs: usize,
    ) -> Result<Self, InputError> {
        let link = match kind {
            "quadratic" => LinkKind::Square(Square),
            "linear" | "random-features" => LinkKind::Unit(Unit),
            "hadamard" if settings.text("form") == "product" => match settings.integer("depth") {
                2 => LinkKind::Product(Product),
                depth => {
                    let problem = format!("is {depth}; expected 2 with form = \"product\"");
                    return Err(InputError::in_section("model")(SettingError::new("depth", problem)));
                }
            },
            "hadamard" => LinkKind::Power(Power { depth: settings.integer("depth") as u32 }),
            other => {
                let network = network_from_settings(other, settings, dim, outputs)
                    .unwrap_or_else(|| panic!("{other:?} is not a kind of model"))?;
                return Ok(Self::with_settings(network, settings));
            }
        };
        Ok(Self::with_init(link, settings.numbers("init").to_vec()))
    }

    /// A network with the start that checked settings describe.
    pub fn with_settings(network: Arc<dyn Model>, settings: &Settings) -> Self {
        let (seed, init_per_replica) = (settings.integer("seed"), settings.flag("init_per_replica"));
        let loss = Loss::from_settings(settings);
        Self { form: Form::Network { network, seed, init_per_replica }, loss, loss_factor: 0.5 }
    }

    /// The rate `m` of gradient flow, `d ln |w_j| = -m [X' r]_j / n dt`: `4 c` for `w^2` and `u^2 - v^2`, `2 c` for
    /// `a * b`. For the linear model the `2 c` of `d beta_j = -m [X' r]_j / n dt`. None for other depths.
    pub fn rate(&self) -> Option<f64> {
        let multiple = match self.link()? {
            LinkKind::Square(_) | LinkKind::Power(Power { depth: 2 }) => 4.0,
            LinkKind::Product(_) | LinkKind::Unit(_) => 2.0,
            LinkKind::Power(_) => return None,
        };
        Some(multiple * self.loss_factor)
    }

    /// Checks that there is one initial value, or one for each coordinate of dimension `dim`.
    ///
    /// # Errors
    /// A list of initial values whose length is neither 1 nor the dimension.
    pub fn check_initial(&self, dim: usize) -> Result<(), InputError> {
        let Form::Link { init, .. } = &self.form else { return Ok(()) };
        if init.len() == 1 || init.len() == dim {
            return Ok(());
        }
        let problem = format!("has {} values; expected 1 or {dim} (the dimension)", init.len());
        Err(InputError::in_section("model")(SettingError::new("init", problem)))
    }

    /// The start theta_0 (p) of a replica in dimension `dim`; initial values that are [too few](Self::check_initial) are
    /// repeated.
    pub fn initial(&self, dim: usize, replica: u32) -> Vec<f64> {
        match &self.form {
            Form::Link { link, init } => LinearPredictor { link: *link, dim }.start(init),
            Form::Network { network, seed, init_per_replica } => {
                let replicas = [if *init_per_replica { replica } else { 0 }];
                network.initial(&Draws::new(*seed, &replicas, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_form_starts_at_the_same_point_as_the_power_form() {
        for link in [LinkKind::Power(Power { depth: 2 }), LinkKind::Product(Product)] {
            let spec = ModelSpec::new(link, 0.3);
            let theta = spec.initial(2, 0);
            let (u, v) = match link {
                LinkKind::Product(_) => {
                    (f64::midpoint(theta[0], theta[2]), f64::midpoint(theta[0], -theta[2]))
                }
                _ => (theta[0], theta[2]),
            };
            assert_eq!((u, v), (0.3, 0.3));
        }
    }

    #[test]
    fn initial_values_are_one_or_one_for_each_coordinate() {
        let spec = ModelSpec::with_init(LinkKind::Square(Square), vec![1.0, 2.0]);
        assert_eq!(spec.initial(2, 0), [1.0, 2.0]);
        assert!(
            spec.check_initial(3)
                .unwrap_err()
                .to_string()
                .contains("model.init has 2 values; expected 1 or 3")
        );
    }
}
