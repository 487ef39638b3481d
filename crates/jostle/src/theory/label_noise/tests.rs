use super::*;
use crate::dynamics::{Batch, GradientDescent, Schedule};
use crate::model::{Power, Product, Square, Unit};
use crate::noise::{LabelDistribution, Labels};
use proptest::prelude::*;

fn problem() -> Problem {
    let x = vec![1.0, -2.0, 0.5, 3.0, 0.0, 1.0, 2.0, -1.0, 1.5, 0.25, -0.5, 4.0];
    Problem::new(x, vec![1.0, 2.0, -1.0], None).unwrap()
}

fn noise(std: f64, labels: Labels) -> LabelNoise {
    LabelNoise { std, lambda: None, labels, distribution: LabelDistribution::Gaussian }
}

fn squares(problem: &Problem) -> Vec<f64> {
    (0..problem.dim()).map(|j| (0..problem.samples()).map(|i| problem.row(i)[j].powi(2)).sum()).collect()
}

const MODELS: [LinkKind; 3] =
    [LinkKind::Square(Square), LinkKind::Power(Power { depth: 2 }), LinkKind::Product(Product)];

#[test]
fn one_label_gives_half_of_step_size_times_variance_times_the_mean_squared_column() {
    let problem = problem();
    let dynamics = GradientDescent::new(1, 0.01);
    for link in MODELS {
        let found = label_noise_strength(
            &problem,
            &ModelSpec::new(link, 1.0),
            &dynamics,
            &noise(2.0, Labels::One),
            0,
        )
        .unwrap();
        for (lambda, square) in found.lambda.iter().zip(squares(&problem)) {
            assert!((lambda - 0.01 * 4.0 / 2.0 * square / 3.0).abs() < 1e-16);
        }
        assert_eq!(found.rate, 0.01);
    }
}

#[test]
fn batch_labels_momentum_and_loss_factor_change_the_strength_as_the_table_says() {
    let problem = problem();
    let spec = ModelSpec::new(LinkKind::Square(Square), 1.0);
    let plain = GradientDescent::new(1, 0.01);
    let strength = |spec: &ModelSpec, dynamics: &GradientDescent, labels| {
        label_noise_strength(&problem, spec, dynamics, &noise(1.0, labels), 0).unwrap().lambda[0]
    };
    let one = strength(&spec, &plain, Labels::One);
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} against {b}");
    close(strength(&spec, &plain, Labels::Batch), one / 3.0);
    let batch = GradientDescent { batch: Batch::Size(2), ..plain.clone() };
    close(strength(&spec, &batch, Labels::Batch), one / 2.0);
    close(strength(&spec, &batch, Labels::One), one);
    close(strength(&spec, &GradientDescent { momentum: 0.9, ..plain.clone() }, Labels::One), 10.0 * one);
    close(strength(&ModelSpec { loss_factor: 0.5, ..spec.clone() }, &plain, Labels::One), 2.0 * one);
    let drops = Schedule::with_drops(0.01, vec![(10, 0.1)]).unwrap();
    let decayed = GradientDescent { learning_rate: drops, ..plain };
    let late = label_noise_strength(&problem, &spec, &decayed, &noise(1.0, Labels::One), 10).unwrap();
    close(late.lambda[0], 0.1 * one);
}

proptest! {
    /// The drift of `ln |parameter|` by Ito's formula, from the covariance that the noise itself states.
    #[test]
    fn the_strength_is_the_ito_drift_of_the_stated_covariance(
        k in 0..3_usize, c in 0.1..2.0_f64, eta in 0.001..0.1_f64, std in 0.1..5.0_f64,
        batch in 1..4_usize, all in any::<bool>(),
    ) {
        let problem = problem();
        let spec = ModelSpec { loss_factor: c, ..ModelSpec::new(MODELS[k], 1.0) };
        let dynamics = GradientDescent { batch: Batch::Size(batch), ..GradientDescent::new(1, eta) };
        let noise = noise(std, if all { Labels::Batch } else { Labels::One });
        let found = label_noise_strength(&problem, &spec, &dynamics, &noise, 0).unwrap();

        let theta = vec![1.0; spec.model(4).num_params()];
        let residuals = [0.3, -0.7, 0.2];
        let model = spec.model(4);
        let point = Point {
            problem: &problem,
            model: &*model,
            theta: &theta,
            residuals: &residuals,
            loss_factor: c,
            batch,
            replacement: true,
            step: 0,
        };
        let sampling = SampleCovariance::of_mini_batch(&residuals, 1, c, dynamics.effective_batch(3));
        let squared: Vec<f64> = residuals.iter().map(|r| r * r).collect();
        let added = sampling_strength(&problem, &spec, &dynamics, &squared, 0).unwrap();
        // A change of ln|w| by -s x_ij per unit of sample weight: s = 2 for the squares, 1 for the product form.
        let slope = if k == 2 { 1.0 } else { 2.0 };
        for (covariance, lambda) in [(noise.covariance(&point), &found.lambda), (sampling, &added)] {
            for (j, lambda) in lambda.iter().enumerate() {
                let variance: f64 =
                    (0..3).map(|i| problem.row(i)[j].powi(2) * covariance.blocks[i]).sum();
                let drift = (eta * slope).powi(2) * variance / 2.0;
                prop_assert!((found.rate * lambda - drift).abs() <= 1e-12 * drift);
            }
        }
    }
}

#[test]
fn a_scalar_run_without_a_signal_contracts_in_the_predicted_time() {
    // w <- w (1 + eta delta s) with a random sign s: ln w falls by ln(1 - (eta delta)^2)/2 a step on average.
    let problem = Problem::new(vec![1.0], vec![0.0], None).unwrap();
    let spec = ModelSpec::new(LinkKind::Square(Square), 1.0);
    let found =
        label_noise_strength(&problem, &spec, &GradientDescent::new(1, 0.01), &noise(3.0, Labels::One), 0);
    let steps = found.unwrap().contraction_steps(1e-3).unwrap()[0];
    assert!((steps - 2.0 * 1e3_f64.ln() / (0.03_f64 * 0.03)).abs() < 1e-6);
    let exact = 1e-3_f64.ln() / (0.5 * (-0.03_f64 * 0.03).ln_1p());
    assert!((steps / exact - 1.0).abs() < 1e-3);
}

#[test]
fn full_batches_add_no_sampling_noise() {
    let spec = ModelSpec::new(LinkKind::Square(Square), 1.0);
    let added = sampling_strength(&problem(), &spec, &GradientDescent::new(1, 0.1), &[1.0; 3], 0).unwrap();
    assert_eq!(added, vec![0.0; 4]);
}

#[test]
fn other_models_and_impossible_ratios_are_refused() {
    let dynamics = GradientDescent::new(1, 0.1);
    for link in [LinkKind::Unit(Unit), LinkKind::Power(Power { depth: 3 })] {
        let spec = ModelSpec::new(link, 1.0);
        let error =
            label_noise_strength(&problem(), &spec, &dynamics, &noise(1.0, Labels::One), 0).unwrap_err();
        assert!(error.to_string().contains("holds for beta = w^2, u^2 - v^2 and a * b"), "{error}");
    }
    let spec = ModelSpec::new(LinkKind::Square(Square), 1.0);
    let strength = label_noise_strength(&problem(), &spec, &dynamics, &noise(1.0, Labels::One), 0).unwrap();
    for ratio in [0.0, 1.0, f64::NAN] {
        assert!(matches!(strength.contraction_steps(ratio), Err(TheoryError::Fraction { .. })));
    }
    let error = sampling_strength(&problem(), &spec, &dynamics, &[1.0; 2], 0).unwrap_err();
    assert_eq!(error.to_string(), "mean_squared_residuals has 2 values; expected 3 (the number of samples)");
}
