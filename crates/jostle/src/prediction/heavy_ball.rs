//! One direction of the heavy ball without noise, and pairs of them: `v <- b v - pull z`, `z <- z + v`.

/// How positions and velocities of one direction move in some steps: `(z, v) -> (zz z + zv v, vz z + vv v)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    zz: f64,
    zv: f64,
    vz: f64,
    vv: f64,
}

/// Second moments of two directions `a` and `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    /// `E z_a z_b`.
    pub(super) positions: f64,
    /// `E z_a v_b`.
    pub(super) ahead: f64,
    /// `E v_a z_b`.
    pub(super) behind: f64,
    /// `E v_a v_b`.
    pub(super) velocities: f64,
}

/// The smallest difference of the two roots that is told from none.
const APART: f64 = 1e-9;

impl Motion {
    /// So many steps, which need not be whole, with the curvature `pull` of one step and momentum `b`.
    pub(super) fn new(pull: f64, b: f64, steps: f64) -> Self {
        if steps == 0.0 {
            return Self { zz: 1.0, zv: 0.0, vz: 0.0, vv: 1.0 };
        }
        if b == 0.0 {
            return Self { zz: power(1.0 - pull, steps), zv: 0.0, vz: 0.0, vv: 0.0 };
        }
        // By the theorem of Cayley and Hamilton: the power of the matrix of one step is `now` times it less `b before`.
        let half = 0.5 * (1.0 + b - pull);
        let square = half * half - b;
        let (now, before) = if square < 0.0 {
            let (root, angle) = (b.sqrt(), (half / b.sqrt()).acos());
            let of = |t: f64| root.powf(t - 1.0) * (t * angle).sin() / angle.sin().max(APART);
            (of(steps), of(steps - 1.0))
        } else {
            let apart = square.sqrt().max(APART);
            let of = |t: f64| (power(half + apart, t) - power(half - apart, t)) / (2.0 * apart);
            (of(steps), of(steps - 1.0))
        };
        Self { zz: now * (1.0 - pull) - b * before, zv: now * b, vz: -pull * now, vv: b * (now - before) }
    }

    /// The moments of this direction and another one after their motions.
    pub(super) fn pair(&self, other: &Self, m: &Moments) -> Moments {
        let (a, b) = (self, other);
        let position = |z: f64, v: f64| b.zz * z + b.zv * v;
        let velocity = |z: f64, v: f64| b.vz * z + b.vv * v;
        Moments {
            positions: a.zz * position(m.positions, m.ahead) + a.zv * position(m.behind, m.velocities),
            ahead: a.zz * velocity(m.positions, m.ahead) + a.zv * velocity(m.behind, m.velocities),
            behind: a.vz * position(m.positions, m.ahead) + a.vv * position(m.behind, m.velocities),
            velocities: a.vz * velocity(m.positions, m.ahead) + a.vv * velocity(m.behind, m.velocities),
        }
    }
}

impl Moments {
    /// The stationary moments of two directions of these curvatures, driven by noise that is white, for positions of this
    /// moment.
    pub(super) fn stationary(positions: f64, [first, other]: [f64; 2], b: f64) -> Self {
        let velocities = (first + other) / (1.0 + b) * positions;
        Self {
            positions,
            ahead: (velocities - other * positions) / (1.0 - b),
            behind: (velocities - first * positions) / (1.0 - b),
            velocities,
        }
    }
}

/// A power with an exponent that need not be whole; of what is negative, its real part.
fn power(of: f64, exponent: f64) -> f64 {
    if of < 0.0 { (-of).powf(exponent) * (std::f64::consts::PI * exponent).cos() } else { of.powf(exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULLS: [f64; 6] = [0.0, 1e-4, 0.0025, 0.02, 0.5, 3.2];

    #[test]
    fn many_steps_are_one_after_the_other() {
        for b in [0.0, 0.5, 0.9] {
            for pull in PULLS.into_iter().filter(|pull| *pull < 2.0 * (1.0 + b)) {
                let (mut z, mut v) = (0.7, 0.0);
                for _ in 0..37 {
                    v = b * v - pull * z;
                    z += v;
                }
                let motion = Motion::new(pull, b, 37.0);
                assert!((motion.zz * 0.7 - z).abs() < 1e-9, "{b}, {pull}: {} and {z}", motion.zz * 0.7);
                let half = Motion::new(pull, b, 18.5);
                let twice = half.zz * half.zz + half.zv * half.vz;
                assert!(b == 0.0 || pull > 1.0 || (twice - motion.zz).abs() < 1e-9, "{b}, {pull}");
            }
        }
    }

    #[test]
    fn moments_with_noise_tend_to_the_stationary_ones_as_the_recursion_does() {
        let (b, pulls, noise) = (0.8, [0.3, 0.05], 0.7);
        let step = pulls.map(|pull| Motion::new(pull, b, 1.0));
        let mut found = Moments { positions: 0.0, ahead: 0.0, behind: 0.0, velocities: 0.0 };
        let after = |count: usize, found: &mut Moments| {
            for _ in 0..count {
                // Noise enters the velocity, and with it the position.
                let Moments { positions, ahead, behind, velocities } = step[0].pair(&step[1], found);
                let kick = pulls[0] * pulls[1] * noise;
                *found = Moments {
                    positions: positions + kick,
                    ahead: ahead + kick,
                    behind: behind + kick,
                    velocities: velocities + kick,
                };
            }
        };
        after(11, &mut found);
        let early = found;
        after(2000, &mut found);
        let expected = Moments::stationary(found.positions, pulls, b);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(expected.ahead, found.ahead) && close(expected.behind, found.behind));
        assert!(close(expected.velocities, found.velocities));
        let motions = pulls.map(|pull| Motion::new(pull, b, 11.0));
        let left = motions[0].pair(&motions[1], &expected);
        assert!(close(found.positions - left.positions, early.positions));
        assert!(close(found.velocities - left.velocities, early.velocities));
    }
}
