//! Which steps of a trajectory are recorded.

/// The steps at which observables are recorded; step 0 and the last step always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// About this many steps, evenly spaced in the logarithm.
    Log(u64),
    /// Every so many steps.
    Every(u64),
}

impl Recording {
    /// The recorded steps of a run of `steps` steps: increasing, from 0 to `steps`.
    pub fn steps(self, steps: u64) -> Vec<u64> {
        let mut at = vec![0];
        match self {
            // So many are nowhere more than one step apart.
            Recording::Log(count) if count as f64 > 2.0 + steps as f64 * (steps as f64).ln() => {
                at.extend(1..=steps);
            }
            Recording::Log(count) => {
                let last = (count.max(2) - 1) as f64;
                for k in 0..count {
                    let step = (steps as f64).powf(k as f64 / last).round() as u64;
                    if at.last().is_some_and(|before| *before < step) && step < steps {
                        at.push(step);
                    }
                }
            }
            Recording::Every(stride) => at.extend((1..=steps / stride).map(|k| k * stride)),
        }
        at.push(steps);
        at.dedup();
        at
    }

    /// How many steps are recorded at most, without listing them.
    pub fn count(self, steps: u64) -> u64 {
        match self {
            Recording::Log(count) => count.min(steps) + 2,
            Recording::Every(stride) => steps / stride + 2,
        }
    }
}

impl std::fmt::Display for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Recording::Log(count) => write!(f, "{{ log = {count} }}"),
            Recording::Every(stride) => write!(f, "{{ every = {stride} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_step_are_always_recorded() {
        for recording in
            [Recording::Log(2), Recording::Log(200), Recording::Every(7), Recording::Every(10_000)]
        {
            let at = recording.steps(1000);
            assert_eq!((at[0], *at.last().unwrap()), (0, 1000), "{recording}");
            assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "{recording}");
            assert!(at.len() as u64 <= recording.count(1000), "{recording}");
        }
    }

    #[test]
    fn more_recorded_steps_than_there_are_steps_are_all_of_them() {
        let all: Vec<u64> = (0..=100).collect();
        for count in [1000, u64::MAX] {
            assert_eq!(Recording::Log(count).steps(100), all);
        }
        assert_eq!(Recording::Log(u64::MAX).steps(1), [0, 1]);
    }

    #[test]
    fn log_spaced_steps_have_a_constant_ratio() {
        let at = Recording::Log(5).steps(10_000);
        assert_eq!(at, [0, 1, 10, 100, 1000, 10_000]);
    }
}
