//! Step sizes that drop at given steps.

use super::SettingError;

/// A piecewise constant step size: `initial`, multiplied by `factor` from `step` on, for every drop in turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    initial: f64,
    drops: Vec<(u64, f64)>,
}

impl Schedule {
    /// The same step size at every step.
    pub fn constant(learning_rate: f64) -> Self {
        Self { initial: learning_rate, drops: Vec::new() }
    }

    /// A step size that is multiplied by `factor` at each `(step, factor)`.
    ///
    /// # Errors
    /// A step size or a factor that is not above 0, or drops whose steps do not increase.
    pub fn with_drops(initial: f64, drops: Vec<(u64, f64)>) -> Result<Self, SettingError> {
        if !(initial.is_finite() && initial > 0.0) {
            return Err(SettingError::new("initial", format!("is {initial:?}; expected a number above 0")));
        }
        for (k, (step, factor)) in drops.iter().enumerate() {
            if !(factor.is_finite() && *factor > 0.0) {
                let problem = format!("has the factor {factor:?} at step {step}; expected a number above 0");
                return Err(SettingError::new("drops", problem));
            }
            if k > 0 && drops[k - 1].0 >= *step {
                let before = drops[k - 1].0;
                return Err(SettingError::new(
                    "drops",
                    format!("go from step {before} to step {step}; expected increasing steps"),
                ));
            }
        }
        Ok(Self { initial, drops })
    }

    /// The same with every step size multiplied by a factor above 0.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { initial: self.initial * factor, drops: self.drops.clone() }
    }

    /// The step size before any drop.
    pub fn initial(&self) -> f64 {
        self.initial
    }

    /// The drops, `(step, factor)`.
    pub fn drops(&self) -> &[(u64, f64)] {
        &self.drops
    }

    /// The step size of step `t` (the update that leads from state `t` to state `t + 1`).
    pub fn at(&self, step: u64) -> f64 {
        self.drops.iter().take_while(|(from, _)| *from <= step).fold(self.initial, |rate, (_, f)| rate * f)
    }

    /// The sum of the step sizes of the first `steps` steps.
    pub fn sum(&self, steps: u64) -> f64 {
        let (mut sum, mut rate, mut from) = (0.0, self.initial, 0);
        for (step, factor) in self.drops.iter().take_while(|(step, _)| *step < steps) {
            sum += rate * (step - from) as f64;
            (rate, from) = (rate * factor, *step);
        }
        sum + rate * (steps - from) as f64
    }

    /// The first step after `step` at which the step size changes, if there is one.
    pub fn next_change(&self, step: u64) -> Option<u64> {
        self.drops.iter().map(|(from, _)| *from).find(|from| *from > step)
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.drops.is_empty() {
            return write!(f, "{:?}", self.initial);
        }
        write!(f, "{{ initial = {:?}, drops = [", self.initial)?;
        for (k, (step, factor)) in self.drops.iter().enumerate() {
            write!(f, "{}[{step}, {factor:?}]", if k > 0 { ", " } else { "" })?;
        }
        write!(f, "] }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drop_multiplies_the_step_size_from_its_step_on() {
        let schedule = Schedule::with_drops(0.01, vec![(100, 0.1), (200, 0.5)]).unwrap();
        assert_eq!(schedule.at(99), 0.01);
        assert_eq!(schedule.at(100), 0.01 * 0.1);
        assert_eq!(schedule.at(200), 0.01 * 0.1 * 0.5);
        assert_eq!(schedule.next_change(0), Some(100));
        assert_eq!(schedule.next_change(100), Some(200));
        assert_eq!(schedule.next_change(200), None);
    }

    #[test]
    fn the_sum_is_that_of_every_step() {
        let schedule = Schedule::with_drops(0.5, vec![(3, 0.5), (5, 4.0)]).unwrap();
        for steps in 0..9 {
            assert_eq!(schedule.sum(steps), (0..steps).map(|step| schedule.at(step)).sum::<f64>(), "{steps}");
        }
    }

    #[test]
    fn drops_must_increase_and_factors_be_positive() {
        assert!(Schedule::with_drops(0.1, vec![(5, 0.1), (5, 0.1)]).is_err());
        assert!(Schedule::with_drops(0.1, vec![(5, 0.0)]).is_err());
        assert!(Schedule::with_drops(-0.1, vec![]).is_err());
    }
}
