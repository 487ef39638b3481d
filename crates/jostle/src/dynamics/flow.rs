//! Gradient descent in continuous time: gradient flow, and the stochastic differential equation of label noise.
//!
//! `d theta = -grad L(theta) dt + J(theta)' diag(2 c s) dB` with one Brownian motion a sample. The noise of gradient
//! descent with step size `gamma`, whose weights have the variances `C_ii`, is that of `s_i^2 = gamma C_ii / 4 c^2`;
//! for one perturbed label a step `s^2 = gamma delta^2 / n` (Pillaud-Vivien et al. 2022). `steps` of size `gamma` take
//! the time `gamma steps`.

use super::{Schedule, Scheme};
use crate::error::InputError;
use crate::model::{LinkKind, ModelSpec, Power};
use crate::noise::{Needs, Noise};
use crate::schedule::SCHEDULES;
use crate::setting::{Entry, Fallback, Kind, Range, Setting, SettingError, Settings};

/// Gradient descent in continuous time.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Number of steps of the integration.
    pub steps: u64,
    /// The time `h` of one step.
    pub time_step: f64,
    /// The step size `gamma` of the gradient descent whose noise the flow has; none is needed without noise.
    pub learning_rate: Option<Schedule>,
    /// The scheme of integration.
    pub scheme: Scheme,
    /// Without noise, a replica stops early once its parameters are known to move no further than this times their
    /// norm; 0 for never.
    pub tolerance: f64,
}

impl Flow {
    /// Gradient flow, with the noise of no step size.
    pub fn new(steps: u64, time_step: f64) -> Self {
        let (scheme, tolerance) = (Scheme::Sra1, super::TOLERANCE);
        Self { steps, time_step, learning_rate: None, scheme, tolerance }
    }

    /// The flow that checked settings of its entry in [`ENTRIES`](super::ENTRIES) describe.
    ///
    /// # Panics
    /// If the scheme is not one of [`Scheme::NAMES`].
    pub fn from_settings(settings: &Settings) -> Self {
        let scheme = settings.text("scheme");
        Self {
            steps: settings.integer("steps"),
            time_step: settings.number("time_step"),
            learning_rate: settings
                .has("learning_rate")
                .then(|| Schedule::from_table(settings.table("learning_rate"))),
            scheme: Scheme::named(scheme).unwrap_or_else(|| panic!("{scheme:?} is not a scheme")),
            tolerance: settings.number("tolerance"),
        }
    }

    /// The tolerance of early exits.
    pub(super) fn early_exit(&self) -> Option<f64> {
        (self.tolerance > 0.0).then_some(self.tolerance)
    }

    /// `gamma` in a step; 0 without one.
    pub(crate) fn rate_at(&self, step: u64) -> f64 {
        self.learning_rate.as_ref().map_or(0.0, |rate| rate.at(step))
    }

    /// `int gamma dt` over so many steps.
    pub(crate) fn rate_integral(&self, steps: u64) -> f64 {
        self.time_step * self.learning_rate.as_ref().map_or(0.0, |rate| rate.sum(steps))
    }

    /// Checks that a model and noises have a flow that we can integrate.
    ///
    /// # Errors
    /// A depth other than 2; noise other than of the labels; noise without a step size.
    pub(super) fn check(&self, model: &ModelSpec, noises: &[Noise]) -> Result<(), InputError> {
        let refuse = |section: String, name: &str, problem: String| {
            Err(InputError::in_section(section)(SettingError::new(name, problem)))
        };
        let Some(link) = model.link() else {
            let problem = "has no flow; expected \"quadratic\", \"hadamard\" or \"linear\" with dynamics.kind = \"flow\"";
            return refuse("model".to_string(), "kind", problem.to_string());
        };
        if let LinkKind::Power(Power { depth }) = link
            && depth != 2
        {
            let problem = format!("is {depth}; expected 2 with dynamics.kind = \"flow\"");
            return refuse("model".to_string(), "depth", problem);
        }
        for (k, noise) in noises.iter().enumerate() {
            let is_of_labels =
                matches!(noise, Noise::Sample(noise) if !noise.needs().contains(Needs::RESIDUALS));
            if !is_of_labels {
                let problem = "is not noise of the labels alone; expected \"label\", or \"covariance\" with \
                               of = \"label\" and shape = \"full\", with dynamics.kind = \"flow\"";
                return refuse(format!("noise.{k}"), "kind", problem.to_string());
            }
        }
        if self.learning_rate.is_none() && !noises.is_empty() {
            let problem = format!(
                "is missing; expected {}: noise is as strong as in gradient descent of that step size",
                SCHEDULES.expected
            );
            return refuse("dynamics".to_string(), "learning_rate", problem);
        }
        Ok(())
    }
}

pub(super) const ENTRY: Entry = Entry {
    kind: "flow",
    summary: "gradient descent in continuous time, with label noise as a stochastic differential equation",
    detail: "d theta = -grad L(theta) dt, and with label noise + J(theta)' diag(2 c s) dB with s^2 = learning_rate \
             std^2 / n (1/n of that when all labels are perturbed): the limit of gradient descent for small steps, of \
             which time / learning_rate take the time. Recorded step k is the time k * time_step. Parameters are kept \
             as logarithms, in which the noise is additive and nothing reaches zero. A step must be below 2 divided by \
             the largest curvature of the loss (2.78 with \"runge-kutta\"), as in gradient descent. For models of \
             depth 2 and the linear one; noise of the labels only, whatever its distribution.",
    reference: "Pillaud-Vivien et al. 2022 (arXiv 2206.09841); Roessler 2010, SIAM J. Numer. Anal. 48, 922-952",
    settings: &[
        Setting {
            name: "steps",
            symbol: "",
            kind: Kind::Integer { min: 1 },
            fallback: Fallback::Required,
            doc: "Number of steps of the integration.",
        },
        Setting {
            name: "time_step",
            symbol: "h",
            kind: Kind::Number(Range::Positive),
            fallback: Fallback::Required,
            doc: "Time of one step.",
        },
        Setting {
            name: "learning_rate",
            symbol: "gamma",
            kind: Kind::Table(&SCHEDULES),
            fallback: Fallback::Absent,
            doc: "Step size of the gradient descent whose noise the flow has; required where there is noise, and \
                  without effect elsewhere. Drops are at steps of the integration.",
        },
        Setting {
            name: "scheme",
            symbol: "",
            kind: Kind::Choice(Scheme::NAMES),
            fallback: Fallback::Text("sra1"),
            doc: "Strong and weak order, and order without noise: 3/2, 2 and 2 (sra1); 3/2, 2 and 4 (runge-kutta); \
                  1, 1 and 1 (euler-maruyama), with 2, 4 and 1 evaluations of the gradient a step.",
        },
        Setting {
            name: "tolerance",
            symbol: "",
            kind: Kind::Number(Range::NonNegative),
            fallback: Fallback::Number(super::TOLERANCE),
            doc: "Without noise, a replica stops once its parameters will move no further than this times their norm \
                  (in f32 at least 2e-6); 0: never.",
        },
    ],
};

#[cfg(test)]
mod tests;
