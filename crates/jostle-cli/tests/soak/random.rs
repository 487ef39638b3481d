//! Random choices, a pure function of a seed.

/// A stream of random numbers (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.word()) * n as u128) >> 64) as usize
    }

    /// One of some things.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A number between two others, uniform in its logarithm.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        let exponent = low.log10() + self.unit() * (high.log10() - low.log10());
        10f64.powf(exponent).clamp(low, high)
    }

    /// A whole number between two others, small ones more often.
    pub(crate) fn count(&mut self, low: u64, high: u64) -> u64 {
        low + (self.between(1.0, (high - low + 2) as f64) as u64 - 1).min(high - low)
    }

    /// A number as people write them, now and then of an extreme size.
    pub(crate) fn size(&mut self) -> f64 {
        let size = if self.chance(0.04) { self.between(1e-300, 1e300) } else { self.between(1e-3, 10.0) };
        // Three digits, so that a case can be read.
        format!("{size:.2e}").parse().expect("a number that was just written")
    }

    /// A number from about the normal law.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
