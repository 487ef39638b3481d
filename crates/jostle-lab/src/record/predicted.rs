//! What a prediction covers, and how far it can be relied on.

use jostle_report::number::compact;
use serde::{Deserialize, Serialize};

/// What a prediction covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The theory.
    pub by: String,
    /// Observables without a prediction; their values are NaN.
    pub not_predicted: Vec<String>,
    /// The first steps, if they had to be simulated.
    pub simulated: Option<Simulated>,
    /// Data sets and steps from which on there is no prediction, and why.
    pub outside: Vec<Outside>,
    /// What the prediction is an expansion in: the largest values.
    pub expansion: Expansion,
}

/// Steps that were simulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// Their number.
    pub steps: u64,
    /// The replicas.
    pub replicas: u32,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// From where on there is no prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The replica whose data it is about; 0 where replicas share their data.
    pub replica: u32,
    /// The first recorded step without one.
    pub step: u64,
    /// Why.
    pub reason: String,
}

/// What a prediction is an expansion in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expansion {
    /// The step size, in units of the largest stable one.
    pub step_size: f64,
    /// The mean square fluctuation of the coefficients, relative to their own.
    pub variance: f64,
    /// The share of the residuals in the noise of mini-batches that makes them.
    pub feedback: f64,
    /// The relative change of the means within the steps by which momentum and discrete steps make them late.
    #[serde(default)]
    pub inertia: f64,
    /// The mean square, relative to the coefficients' own, of what simulated steps leave different between replicas for good.
    #[serde(default)]
    pub start: f64,
    /// The relative difference of the training loss where theory takes over from simulated steps.
    #[serde(default)]
    pub handover: f64,
    /// By how many powers of `e` theory's training loss falls.
    #[serde(default)]
    pub decay: f64,
    /// By how much losses, errors and norms may be off for all of this, relative to themselves, apart from standard errors;
    /// -1 where an older version did not say.
    #[serde(default = "unknown")]
    pub trust: f64,
}

fn unknown() -> f64 {
    -1.0
}

impl Expansion {
    /// A sentence for all who read the numbers.
    pub fn in_words(&self) -> String {
        let parts = [
            (true, "step size", self.step_size, " of the largest stable one"),
            (true, "mean square fluctuation", self.variance, " of the coefficients"),
            (self.feedback > 0.0, "share", self.feedback, " of the sampling noise made by itself"),
            (self.inertia > 0.0, "change within the memory of momentum or a step", self.inertia, ""),
            (
                self.start > 0.0,
                "lasting differences of simulated replicas",
                self.start,
                " of the coefficients",
            ),
            (self.handover > 0.0, "training loss off", self.handover, " where theory takes over"),
        ];
        let parts = parts.into_iter().filter(|(shown, ..)| *shown);
        let parts: Vec<_> =
            parts.map(|(_, what, value, of)| format!("{what} {}{of}", compact(value))).collect();
        let trust = if self.trust < 0.0 {
            "not known".to_owned()
        } else if self.trust < 1.0 {
            format!("{:.1} %", 100.0 * self.trust)
        } else {
            "100 % and more: do not rely on them".to_owned()
        };
        format!(
            "Expanded to first order in: {}. Losses, errors and norms may be off by {trust}.",
            parts.join("; ")
        )
    }
}
