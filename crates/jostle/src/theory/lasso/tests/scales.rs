//! Columns and penalties of any scale: a right solution is found, and its gap is what its rounded coefficients allow.

use super::*;

/// A problem whose columns are scaled.
fn scaled(problem: &Problem, scales: &[f64]) -> Problem {
    let d = problem.dim();
    let x = problem.x().iter().enumerate().map(|(k, x)| x * scales[k % d]).collect();
    Problem::new(x, problem.y().to_vec(), None).unwrap()
}

/// The gap that coefficients rounded to doubles can be held to, in units of `|y|^2 / 2n`.
fn attainable(problem: &Problem, beta: &[f64]) -> f64 {
    let norms = weighted_squares(problem.x(), problem.dim(), &vec![1.0; problem.samples()]);
    let parts: f64 = norms.iter().zip(beta).map(|(square, b)| square.sqrt() * b.abs()).sum();
    10.0 * problem.samples() as f64 * f64::EPSILON * (1.0 + parts / norm(problem.y()))
}

proptest! {
    /// Scaling column j by s and its penalty with it divides its coefficient by s and changes nothing else.
    #[test]
    fn the_solution_follows_the_scales_of_columns_and_of_the_penalty(
        seed in 0..1000_u64, n in 2..20_usize, d in 1..30_usize, signed in any::<bool>(),
        strength in -8.0..0.0_f64, width in 0.0..8.0_f64, labels in -8.0..8.0_f64,
    ) {
        let sign = SIGNS[usize::from(!signed)];
        let problem = noisy(seed, n, d, 3.min(d), 0.3);
        let top = crate::theory::lasso_scale_max(&problem, &[1.0], sign).unwrap();
        let lambda = vec![10_f64.powf(strength) * top; d];
        let plain = lasso(&problem, &lambda, sign).unwrap();
        let mut scales = vec![0.0; d];
        Draws::new(seed, &[3], 0).normals(Purpose::LABELS, &mut scales);
        for scale in &mut scales {
            *scale = 10_f64.powf((width * *scale / 2.0).clamp(-8.0, 8.0));
        }
        let unit = 10_f64.powf(labels);
        let y = problem.y().iter().map(|y| unit * y).collect();
        let other = Problem::new(scaled(&problem, &scales).x().to_vec(), y, None).unwrap();
        let penalties: Vec<f64> = scales.iter().zip(&lambda).map(|(s, l)| unit * s * l).collect();
        let found = lasso(&other, &penalties, sign).unwrap();
        let back: Vec<f64> = found.beta.iter().zip(&scales).map(|(b, s)| b * s / unit).collect();
        let (gap, limit) = (found.certificate.relative_gap, TOLERANCE.max(attainable(&other, &found.beta)));
        prop_assert!(gap <= limit, "gap {gap:.1e}, attainable {limit:.1e}");
        if plain.is_unique {
            let predictions = |beta: &[f64]| product(problem.x(), d, beta);
            let missed = distance(&predictions(&back), &predictions(&plain.beta));
            prop_assert!(missed < 1e-7 || norm(&plain.beta) == 0.0, "{missed:.1e}");
        }
    }
}

#[test]
fn a_penalty_that_is_tiny_beside_the_labels_gives_least_squares() {
    // Columns of scales 1e-4 to 1e4, labels of 1e5 with much noise, and a lambda that cancels in every correlation.
    let problem = noisy(4, 60, 8, 4, 2.0);
    let scales: Vec<f64> = (0..8).map(|j| 10_f64.powi(j % 3 * 4 - 4)).collect();
    let y = problem.y().iter().map(|y| 1e5 * y).collect();
    let dollars = Problem::new(scaled(&problem, &scales).x().to_vec(), y, None).unwrap();
    let squares = lasso(&dollars, &[0.0], Sign::Signed).unwrap();
    for lambda in [5e-8, 1e-12, 1e-16] {
        let penalties: Vec<f64> = scales.iter().map(|s| lambda * s).collect();
        let found = lasso(&dollars, &penalties, Sign::Signed).unwrap();
        assert!(found.is_unique);
        assert!(found.certificate.relative_gap < 1e-12, "{lambda}: {:?}", found.certificate);
        let coefficients =
            |beta: &[f64]| -> Vec<f64> { beta.iter().zip(&scales).map(|(b, s)| b * s).collect() };
        assert!(distance(&coefficients(&found.beta), &coefficients(&squares.beta)) < 1e-10);
    }
}

/// A number of twice the digits: the sum of two doubles (Dekker 1971).
#[derive(Clone, Copy)]
struct Twice(f64, f64);

impl Twice {
    fn sum(a: f64, b: f64) -> Self {
        let s = a + b;
        let part = s - a;
        Self(s, (a - (s - part)) + (b - part))
    }
    fn plus(self, other: Self) -> Self {
        let Self(s, e) = Self::sum(self.0, other.0);
        Self::sum(s, e + self.1 + other.1)
    }
    fn times(self, other: Self) -> Self {
        let p = self.0 * other.0;
        let e = self.0.mul_add(other.0, -p);
        Self::sum(p, e + self.0 * other.1 + self.1 * other.0)
    }
    fn minus(self, other: Self) -> Self {
        self.plus(Self(-other.0, -other.1))
    }
    fn over(self, other: Self) -> Self {
        let first = self.0 / other.0;
        let left = self.minus(other.times(Self(first, 0.0)));
        let second = left.0 / other.0;
        let left = left.minus(other.times(Self(second, 0.0)));
        Self::sum(first, second).plus(Self(left.0 / other.0, 0.0))
    }
}

/// The objective in twice the digits.
fn objective(problem: &Problem, lambda: &[f64], beta: &[Twice]) -> Twice {
    let n = problem.samples();
    let mut total = Twice(0.0, 0.0);
    for i in 0..n {
        let mut residual = Twice(problem.y()[i], 0.0);
        for (x, b) in problem.row(i).iter().zip(beta) {
            residual = residual.minus(Twice(*x, 0.0).times(*b));
        }
        total = total.plus(residual.times(residual).over(Twice(2.0 * n as f64, 0.0)));
    }
    for (l, b) in lambda.iter().zip(beta) {
        let absolute = if b.0 < 0.0 { Twice(-b.0, -b.1) } else { *b };
        total = total.plus(Twice(*l, 0.0).times(absolute));
    }
    total
}

/// The minimiser over the support of coefficients, at their signs, by elimination in twice the digits.
fn refined(problem: &Problem, lambda: &[f64], beta: &[f64]) -> Vec<Twice> {
    let (n, d) = (problem.samples(), problem.dim());
    let support: Vec<usize> = (0..d).filter(|j| beta[*j] != 0.0).collect();
    let zero = Twice(0.0, 0.0);
    let entry = |i: usize, j: usize| Twice(problem.row(i)[j], 0.0);
    let mut rows: Vec<Vec<Twice>> = support
        .iter()
        .map(|j| {
            let with = |k: &usize| (0..n).fold(zero, |sum, i| sum.plus(entry(i, *j).times(entry(i, *k))));
            let mut row: Vec<Twice> = support.iter().map(with).collect();
            let labels = (0..n).fold(zero, |sum, i| sum.plus(entry(i, *j).times(Twice(problem.y()[i], 0.0))));
            let penalty = Twice(n as f64, 0.0).times(Twice(lambda[*j] * beta[*j].signum(), 0.0));
            row.push(labels.minus(penalty));
            row
        })
        .collect();
    let count = support.len();
    for k in 0..count {
        for i in 0..count {
            if i != k {
                let factor = rows[i][k].over(rows[k][k]);
                for c in k..=count {
                    rows[i][c] = rows[i][c].minus(factor.times(rows[k][c]));
                }
            }
        }
    }
    let mut solution = vec![zero; d];
    for (k, j) in support.iter().enumerate() {
        solution[*j] = rows[k][count].over(rows[k][k]);
    }
    solution
}

#[test]
fn a_badly_scaled_solution_is_the_one_of_twice_the_digits_and_its_gap_bounds_what_it_misses() {
    for seed in 0..20 {
        for (strength, unit) in [(1e-3, 1.0), (1e-6, 1e5), (1e-12, 1e5)] {
            let problem = noisy(seed, 12, 6, 3, 1.0);
            let scales: Vec<f64> = (0..6).map(|j| 10_f64.powi([-4, 0, 4, -2, 2, 1][j])).collect();
            let y = problem.y().iter().map(|y| unit * y).collect();
            let problem = Problem::new(scaled(&problem, &scales).x().to_vec(), y, None).unwrap();
            let lambda: Vec<f64> = scales.iter().map(|s| strength * unit * s).collect();
            let found = lasso(&problem, &lambda, Sign::Signed).unwrap();
            let exact = refined(&problem, &lambda, &found.beta);
            for (b, e) in found.beta.iter().zip(&exact) {
                assert!((b - e.0).abs() <= 1e-11 * e.0.abs(), "{b} against {}", e.0);
            }
            let rounded: Vec<Twice> = found.beta.iter().map(|b| Twice(*b, 0.0)).collect();
            let worse = objective(&problem, &lambda, &rounded).minus(objective(&problem, &lambda, &exact)).0;
            let certificate = found.certificate;
            assert!(worse <= certificate.gap, "{worse:.1e} against {:.1e}", certificate.gap);
            assert!(certificate.relative_gap < TOLERANCE, "{:.1e}", certificate.relative_gap);
        }
    }
}
