//! The exact identities of multiplicative updates, along long runs of the real kernels.
//!
//! With `h_t = X' w_t` the change of the linear predictor's loss that step `t` sees, batch, noise and all:
//!
//! * `|u_j v_j|(T) = |u_j v_j|(0) prod_t |1 - g^2 h_tj^2|`,
//! * `ln|u_j/v_j|(T) = ln|u_j/v_j|(0) - 2 g sum_t h_tj - sum_t (ln|(1 + g h)/(1 - g h)| - 2 g h)`, the first sum in the
//!   row space of `X`, and `beta_j = 2 |u_j v_j| sinh ln|u_j/v_j|`,
//! * `ln|w_j|(T) = ln|w_j|(0) + sum_t ln|1 - g h_tj|`.
//!
//! The `h_t` are those of the plain reference, which follows the kernels to the bit.

use super::*;
use crate::linear_algebra::{column_space, dot, norm};

/// A sum of many terms, with what rounding lost (Neumaier 1974).
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost +=
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// A kernel and the reference after the same steps, and `g h_t` handed over step by step.
fn replay(task: &Task<'_>, problem: &Problem, kernel: Kernel, mut each: impl FnMut(&[f64])) -> Lane {
    let data = Data::<f64>::new(problem);
    let dim = problem.dim();
    let theta = ModelSpec::new(task.link, 0.7).initial(dim, 0);
    let mut reference = Reference::<f64>::new(task, problem, 3, &theta);
    // The slopes of the squares are twice the parameters: theta <- theta (1 + 2 pulled), so that g h = -2 pulled.
    for _ in 0..task.rule.dynamics.steps {
        reference.advance();
        each(&reference.pulled.iter().map(|pulled| -2.0 * pulled).collect::<Vec<_>>());
    }
    let mut blocks =
        [Block { data: &data, state: State::new(task, &Begin::everywhere(&theta, 1), dim, vec![3]) }];
    advance(task, kernel, &mut blocks, task.rule.dynamics.steps);
    let lane = blocks[0].state.lane(0);
    assert_eq!(lane.theta, reference.parameters(), "the kernel and the reference are on the same path");
    lane
}

/// The largest distance between logarithms; beyond 1e-10 where they are of order one, 1e-10 of them where they are large.
fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    for (j, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error < 1e-10, "{what} of coordinate {j}: {found} against {expected}");
    }
}

fn check(steps: u64) {
    let problem = problem(5, 8);
    let noises = noises(&["label"]);
    for (kernel, batch) in [(Kernel::Single, Batch::Full), (Kernel::Sample, Batch::Size(1))] {
        let dynamics = GradientDescent { batch, ..GradientDescent::new(steps, 0.01) };
        let [square, power] =
            [LinkKind::Square(Square), LinkKind::Power(Power { depth: 2 })].map(|link| Task {
                link,
                rule: Rule {
                    loss: Loss::Square,
                    loss_factor: link.loss_factor(),
                    dynamics: &dynamics,
                    noises: &noises,
                    average_from: None,
                    seed: 5,
                    level: Level::detect(),
                },
            });

        let mut moved = [Sum::default(); 8];
        let lane = replay(&square, &problem, kernel, |gh| {
            moved.iter_mut().zip(gh).for_each(|(sum, gh)| sum.add((-gh).ln_1p()));
        });
        let expected: Vec<f64> = moved.iter().map(|sum| 0.7_f64.ln() + sum.value()).collect();
        assert_close("ln|w|", &lane.log_abs_theta, &expected);

        let [mut product, mut span, mut rest] = [[Sum::default(); 8]; 3];
        let lane = replay(&power, &problem, kernel, |gh| {
            for (j, gh) in gh.iter().enumerate() {
                product[j].add((-gh * gh).ln_1p());
                span[j].add(-2.0 * gh);
                rest[j].add(2.0 * (gh - gh.atanh()));
            }
        });
        let (u, v) = lane.log_abs_theta.split_at(8);
        let products: Vec<f64> = u.iter().zip(v).map(|(u, v)| u + v).collect();
        let expected: Vec<f64> = product.iter().map(|sum| 2.0 * 0.7_f64.ln() + sum.value()).collect();
        assert_close("ln|u v|", &products, &expected);
        let ratios: Vec<f64> = u.iter().zip(v).map(|(u, v)| u - v).collect();
        let expected: Vec<f64> = span.iter().zip(&rest).map(|(a, b)| a.value() + b.value()).collect();
        assert_close("ln|u/v|", &ratios, &expected);
        // The beta of the kernel against the two logarithms.
        let beta: Vec<f64> = products.iter().zip(&ratios).map(|(p, r)| 2.0 * p.exp() * r.sinh()).collect();
        for (beta, found) in beta.iter().zip(&lane.beta) {
            assert!((beta - found).abs() < 1e-10 * found.abs().max(1e-3), "{beta} against {found}");
        }
        // What the rows of X do not span of the first sum is nothing.
        let transposed: Vec<f64> = (0..40).map(|k| problem.row(k % 5)[k / 5]).collect();
        let rows = column_space(&transposed, 5);
        let mut left: Vec<f64> = span.iter().map(|sum| sum.value()).collect();
        let size = norm(&left);
        for q in rows.chunks_exact(8) {
            let along = dot(q, &left);
            left.iter_mut().zip(q).for_each(|(l, q)| *l -= along * q);
        }
        assert!(size > 0.1 && norm(&left) < 1e-10 * size, "{} of {size}", norm(&left));
    }
}

#[test]
fn the_identities_of_multiplicative_updates_hold_along_twenty_thousand_steps() {
    check(20_000);
}

#[test]
#[ignore = "slow: run by cargo xtask slow"]
fn the_identities_of_multiplicative_updates_hold_along_a_million_steps() {
    check(1_000_000);
}
