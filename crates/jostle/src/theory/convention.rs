//! What a printed strength means: its factors, in words.

/// One factor of a strength.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// What it is due to.
    pub what: &'static str,
    /// Its value in these settings.
    pub value: f64,
    /// In words.
    pub sentence: String,
}

/// Everything that a `lambda` depends on, spelled out: without it, a printed `lambda` is ambiguous by powers of two, by
/// the number of samples and more.
#[derive(Debug, Clone, PartialEq)]
pub struct Convention {
    /// The objective that `lambda` goes with.
    pub objective: &'static str,
    /// How `lambda_j` is made of the factors.
    pub formula: &'static str,
    /// The factors, in the order of the formula.
    pub factors: Vec<Factor>,
}

impl std::fmt::Display for Convention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "lambda goes with {}", self.objective)?;
        write!(f, "{}", self.formula)?;
        for factor in &self.factors {
            write!(f, "\n  {:<13} {:<10} {}", factor.what, shortened(factor.value), factor.sentence)?;
        }
        Ok(())
    }
}

/// Four digits that matter.
pub(crate) fn shortened(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shortened_to_what_matters() {
        let shown = [0.0, 0.25, 1.0 / 3.0, 12345.678, 1.0, 2.5e-7].map(shortened);
        assert_eq!(shown, ["0", "0.25", "0.3333", "12350", "1", "2.5e-7"]);
    }
}
