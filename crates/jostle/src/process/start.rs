//! Where replicas begin: at the model's own start, at a minimum, or at a given point.

use crate::dynamics::RateUnit;
use crate::error::InputError;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};
use std::sync::Arc;

/// Where replicas begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The point.
    pub origin: Origin,
    /// Standard deviation of a Gaussian that is added to every parameter, drawn independently for each replica.
    pub perturbation: f64,
    /// Whether the model is replaced by its linearisation there, before any perturbation.
    pub linearise: bool,
}

/// The point at which replicas begin, but for a perturbation.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The model's own start.
    Init,
    /// Where gradient descent without noise, with full batches, leads from the model's own start.
    Minimum {
        /// Its step size, in its unit.
        learning_rate: f64,
        /// What the step size counts, at the model's own start.
        unit: RateUnit,
        /// Its steps, at most.
        steps: u64,
        /// It ends once the training loss is as small as this.
        loss: f64,
    },
    /// Given parameters (p): the same for all replicas, or one for each.
    Points(Vec<Arc<[f64]>>),
}

impl Default for Start {
    fn default() -> Self {
        Self { origin: Origin::Init, perturbation: 0.0, linearise: false }
    }
}

impl Start {
    /// The start that checked settings describe; `points` are the rows of the file where it names one.
    ///
    /// # Panics
    /// If `kind` is not one of [`START_ENTRIES`].
    pub fn from_settings(kind: &str, settings: &Settings, points: Vec<Vec<f64>>) -> Self {
        let origin = match kind {
            "init" => Origin::Init,
            "minimum" => Origin::Minimum {
                learning_rate: settings.number("learning_rate"),
                unit: RateUnit::named(settings.text("learning_rate_unit")),
                steps: settings.integer("steps"),
                loss: settings.number("loss"),
            },
            "file" => Origin::Points(points.into_iter().map(Arc::from).collect()),
            other => panic!("{other:?} is not a kind of start"),
        };
        Self { origin, perturbation: settings.number("perturbation"), linearise: settings.flag("linearise") }
    }

    /// Whether every replica begins where the model itself does.
    pub fn is_init(&self) -> bool {
        *self == Self::default()
    }

    /// Whether replicas begin at different points even without a perturbation.
    pub(super) fn differs(&self) -> bool {
        matches!(&self.origin, Origin::Points(points) if points.len() > 1)
    }

    /// Checks that given points fit the model.
    pub(super) fn check(&self, params: usize) -> Result<(), InputError> {
        let Origin::Points(points) = &self.origin else { return Ok(()) };
        let refuse = |problem| Err(InputError::in_section("start")(SettingError::new("path", problem)));
        if let Some(point) = points.iter().find(|point| point.len() != params) {
            let problem = format!(
                "has points of {} numbers; expected {params}, the parameters of the model",
                point.len()
            );
            return refuse(problem);
        }
        if let Some(k) = points.iter().position(|point| point.iter().any(|t| !t.is_finite())) {
            return refuse(format!("has a point, number {k}, that is not finite"));
        }
        Ok(())
    }

    /// Checks that given points are enough for the number of replicas.
    pub(crate) fn check_replicas(&self, replicas: u32) -> Result<(), InputError> {
        let Origin::Points(points) = &self.origin else { return Ok(()) };
        if points.len() == 1 || points.len() >= replicas as usize {
            return Ok(());
        }
        let problem = format!("has {} points; expected 1, or {replicas}, one a replica", points.len());
        Err(InputError::in_section("start")(SettingError::new("path", problem)))
    }
}

const PERTURBATION: Setting = Setting {
    name: "perturbation",
    symbol: "",
    kind: Kind::Number(Range::NonNegative),
    fallback: Fallback::Number(0.0),
    doc: "Standard deviation of a Gaussian that is added to every parameter, drawn independently for each replica.",
};

const LINEARISE: Setting = Setting {
    name: "linearise",
    symbol: "",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    doc: "Replaces the model by f(theta_0) + J(theta_0) (theta - theta_0), in n coordinates with the same kernel: the \
          linear stability of a minimum, at a small cost a step. final.npz then holds these coordinates.",
};

/// The kinds of start that a file may name.
pub const START_ENTRIES: &[Entry] = &[
    Entry {
        kind: "init",
        summary: "the model's own start",
        detail: "Replicas begin at the start that [model] describes.",
        reference: "",
        settings: &[PERTURBATION, LINEARISE],
    },
    Entry {
        kind: "minimum",
        summary: "where gradient descent leads from the model's own start",
        detail: "Before step 0, gradient descent with full batches and without noise runs from the start that [model] \
                 describes until the training loss is small enough: the minimum from which SGD may escape.",
        reference: "Wu, Wang, Su 2022 (arXiv 2207.02628)",
        settings: &[
            Setting {
                name: "learning_rate",
                symbol: "",
                kind: Kind::Number(Range::Positive),
                fallback: Fallback::Required,
                doc: "Step size of this gradient descent.",
            },
            Setting {
                name: "learning_rate_unit",
                symbol: "",
                kind: Kind::Choice(&["one", "gd-limit"]),
                fallback: Fallback::Text("one"),
                doc: "What it counts: itself, or gradient descent's limit 2/lambda_max at the model's own start.",
            },
            Setting {
                name: "steps",
                symbol: "",
                kind: Kind::Integer { min: 1 },
                fallback: Fallback::Required,
                doc: "Its steps, at most.",
            },
            Setting {
                name: "loss",
                symbol: "",
                kind: Kind::Number(Range::NonNegative),
                fallback: Fallback::Number(1e-20),
                doc: "It ends once the training loss is as small as this.",
            },
            PERTURBATION,
            LINEARISE,
        ],
    },
    Entry {
        kind: "file",
        summary: "given parameters",
        detail: "Parameters from an npz file, such as the final.npz of a run: an array of p numbers for all replicas, or \
                 of one row a replica. For mlp, cnn and vgg also a safetensors file: a checkpoint of a run, or the \
                 state_dict of a PyTorch module with the same layers.",
        reference: "",
        settings: &[
            Setting {
                name: "path",
                symbol: "",
                kind: Kind::Text,
                fallback: Fallback::Required,
                doc: "The file, relative to the experiment file.",
            },
            Setting {
                name: "array",
                symbol: "",
                kind: Kind::Text,
                fallback: Fallback::Text("theta_0"),
                doc: "The name of the array.",
            },
            PERTURBATION,
            LINEARISE,
        ],
    },
];
