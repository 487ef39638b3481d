//! Schemes for stochastic differential equations with additive noise, as arrays of numbers.
//!
//! A step of `d eta = f(eta, t) dt + dN` evaluates the drift at stages `eta_k = eta + h sum_l a_kl f_l + b_k J` and
//! times `t + c_k h`, and ends at `eta + h sum_k alpha_k f_k + N`. `N` is the increment of the noise over the step, and
//! `J` the mean over the step of what has come of it, `(1/h) int (N_s - N_t) ds`.
//!
//! With `alpha.1 = 1`, `alpha.b = 1`, `alpha.b^2 = 3/2` and `alpha.A1 = 1/2` such a scheme has the strong order 3/2
//! (Roessler 2010, SIAM J. Numer. Anal. 48, 922-952, the conditions of his schemes for additive noise).

/// A scheme of numerical integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// One evaluation a step; strong and weak order 1, as additive noise allows.
    EulerMaruyama,
    /// Roessler's SRA1: two evaluations; strong order 3/2, weak order 2, order 2 without noise.
    Sra1,
    /// The classical method of Runge and Kutta with noise in its two middle stages: four evaluations; strong order
    /// 3/2, weak order 2, order 4 without noise.
    RungeKutta,
}

impl Scheme {
    /// The names that an experiment file uses, the default first.
    pub const NAMES: &'static [&'static str] = &["sra1", "runge-kutta", "euler-maruyama"];

    /// The scheme of one of [`Scheme::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sra1" => Some(Self::Sra1),
            "runge-kutta" => Some(Self::RungeKutta),
            "euler-maruyama" => Some(Self::EulerMaruyama),
            _ => None,
        }
    }

    /// The scheme's numbers.
    pub(crate) fn tableau(self) -> &'static Tableau {
        match self {
            Self::EulerMaruyama => &EULER_MARUYAMA,
            Self::Sra1 => &SRA1,
            Self::RungeKutta => &RUNGE_KUTTA,
        }
    }
}

/// The numbers of a scheme.
#[derive(Debug)]
pub(crate) struct Tableau {
    /// The stages after the first, which is the step's own start.
    pub(crate) later: &'static [Stage],
    /// `alpha_k`, of all stages.
    pub(crate) weights: &'static [f64],
}

/// Where the drift is evaluated.
#[derive(Debug)]
pub(crate) struct Stage {
    /// `a_kl`, of the stages before this one.
    pub(crate) drifts: &'static [f64],
    /// `b_k`.
    pub(crate) noise: f64,
    /// `c_k`.
    pub(crate) time: f64,
}

impl Tableau {
    /// Evaluations of the drift in a step.
    pub(crate) fn stages(&self) -> usize {
        self.weights.len()
    }

    /// Whether stages use the mean `J` of the noise.
    pub(crate) fn uses_mean(&self) -> bool {
        self.later.iter().any(|stage| stage.noise != 0.0)
    }
}

const EULER_MARUYAMA: Tableau = Tableau { later: &[], weights: &[1.0] };

const SRA1: Tableau =
    Tableau { later: &[Stage { drifts: &[0.75], noise: 1.5, time: 0.75 }], weights: &[1.0 / 3.0, 2.0 / 3.0] };

const RUNGE_KUTTA: Tableau = Tableau {
    later: &[
        Stage { drifts: &[0.5], noise: 1.5, time: 0.5 },
        Stage { drifts: &[0.0, 0.5], noise: 1.5, time: 0.5 },
        Stage { drifts: &[0.0, 0.0, 1.0], noise: 0.0, time: 1.0 },
    ],
    weights: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
};

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Scheme; 3] = [Scheme::EulerMaruyama, Scheme::Sra1, Scheme::RungeKutta];

    /// `sum_k alpha_k g(stage k)` over all stages.
    fn weighted(tableau: &Tableau, g: impl Fn(&Stage) -> f64) -> f64 {
        let first = Stage { drifts: &[], noise: 0.0, time: 0.0 };
        let stages = std::iter::once(&first).chain(tableau.later);
        stages.zip(tableau.weights).map(|(stage, weight)| weight * g(stage)).sum()
    }

    fn is(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-15
    }

    #[test]
    fn every_scheme_meets_the_conditions_of_its_order() {
        for scheme in ALL {
            let tableau = scheme.tableau();
            assert_eq!(tableau.stages(), tableau.later.len() + 1);
            assert!(is(weighted(tableau, |_| 1.0), 1.0), "{scheme:?}");
            for (k, stage) in tableau.later.iter().enumerate() {
                assert_eq!(stage.drifts.len(), k + 1, "{scheme:?}");
                assert!(is(stage.drifts.iter().sum(), stage.time), "{scheme:?}");
            }
            if scheme == Scheme::EulerMaruyama {
                continue;
            }
            assert!(is(weighted(tableau, |stage| stage.time), 0.5), "{scheme:?}");
            assert!(is(weighted(tableau, |stage| stage.noise), 1.0), "{scheme:?}");
            assert!(is(weighted(tableau, |stage| stage.noise.powi(2)), 1.5), "{scheme:?}");
        }
        // Of the eight conditions of order 4, the quadratures; the classical method is known to meet the others.
        let classical = Scheme::RungeKutta.tableau();
        assert!(is(weighted(classical, |stage| stage.time.powi(2)), 1.0 / 3.0));
        assert!(is(weighted(classical, |stage| stage.time.powi(3)), 0.25));
    }

    #[test]
    fn every_scheme_has_a_name() {
        let named: Vec<_> = Scheme::NAMES.iter().map(|name| Scheme::named(name).unwrap()).collect();
        assert!(ALL.iter().all(|scheme| named.contains(scheme)) && named.len() == ALL.len());
        assert_eq!(Scheme::named("heun"), None);
    }
}
