//! Generated data follow their laws.

use super::*;
use crate::setting::Value;

fn generator(kind: &str, given: &[(&str, Value)]) -> Result<Generator, String> {
    let (entry, _) = REGISTRY.iter().find(|(entry, _)| entry.kind == kind).unwrap();
    let checked = Settings::check(entry, given).unwrap();
    Generator::from_settings(kind, &checked).map_err(|error| error.to_string())
}

fn generate(kind: &str, given: &[(&str, Value)]) -> Problem {
    generator(kind, given).unwrap().generate(0)
}

fn count(name: &'static str, value: u64) -> (&'static str, Value) {
    (name, Value::Integer(value))
}

fn numbers(name: &'static str, values: &[f64]) -> (&'static str, Value) {
    (name, Value::Numbers(values.to_vec()))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Checks the mean of `n` squares of N(0, variance), whose standard deviation is `variance sqrt(2/n)`.
#[track_caller]
fn check_variance(values: &[f64], variance: f64) {
    let found = mean(values.iter().map(|v| v * v));
    let error = variance * (2.0 / values.len() as f64).sqrt();
    assert!((found - variance).abs() < 4.0 * error, "{found} is not {variance}");
}

/// The smallest settings of every kind, with a few samples to test on.
fn small(kind: &str) -> Vec<(&'static str, Value)> {
    let of_kind = match kind {
        "sparse-regression" => vec![count("dim", 6), count("sparsity", 2)],
        "matrix-sensing" => vec![count("side", 3), count("rank", 1)],
        _ => vec![count("dim", 6)],
    };
    [vec![count("samples", 5), count("test_samples", 4), count("seed", 3)], of_kind].concat()
}

#[test]
fn data_sets_differ_between_indices_and_repeat_for_the_same_index() {
    for (entry, _) in REGISTRY {
        let source = generator(entry.kind, &small(entry.kind)).unwrap();
        assert_eq!(source.generate(1), source.generate(1), "{}", entry.kind);
        assert_ne!(source.generate(1).x(), source.generate(2).x(), "{}", entry.kind);
        assert_eq!(source.generate(1).truth(), source.generate(2).truth(), "{}", entry.kind);
    }
}

#[test]
fn samples_to_test_on_are_others_of_the_same_law_and_leave_the_training_data_as_they_are() {
    for (entry, _) in REGISTRY {
        let with = generator(entry.kind, &small(entry.kind)).unwrap();
        let mut given = small(entry.kind);
        given.retain(|(name, _)| *name != "test_samples");
        let without = generator(entry.kind, &given).unwrap();
        let (problem, alone) = (with.generate(0), without.generate(0));
        let test = problem.test().unwrap();
        assert_eq!((problem.x(), problem.y()), (alone.x(), alone.y()), "{}", entry.kind);
        assert_eq!((test.samples(), alone.test()), (4, None), "{}", entry.kind);
        assert_ne!(test.x()[0], problem.x()[0], "{}", entry.kind);
        let labels: Vec<f64> =
            test.x().chunks_exact(problem.dim()).map(|sample| with.law.label(sample)).collect();
        assert_eq!(test.y(), labels, "{}", entry.kind);
        if let Some(truth) = problem.truth() {
            assert_eq!(problem.y()[0], linear(problem.row(0), truth), "{}", entry.kind);
        }
    }
}

#[test]
fn generators_are_the_same_where_their_settings_are() {
    let [one, same, other] = [3, 3, 4].map(|seed| {
        let given = [count("samples", 2), count("dim", 2), count("seed", seed)];
        generator("gaussian", &given).unwrap()
    });
    assert!(one == same && one != other);
}

#[test]
fn labels_are_the_truths_predictions_plus_noise_of_the_stated_size() {
    for (entry, _) in REGISTRY {
        let mut given = small(entry.kind);
        given[0] = count("samples", 500);
        let clean = generate(entry.kind, &given);
        let noisy = generate(entry.kind, &[given, vec![("label_noise", Value::Number(0.3))]].concat());
        assert_eq!(clean.x(), noisy.x());
        let noise: Vec<f64> = noisy.y().iter().zip(clean.y()).map(|(a, b)| a - b).collect();
        check_variance(&noise, 0.09);
    }
}

#[test]
fn a_sparse_truth_has_the_given_values_first() {
    let given = [count("samples", 20), count("dim", 50), count("sparsity", 3)];
    let values = numbers("truth_value", &[1.0, -2.0, 0.5]);
    let problem = generate("sparse-regression", &[given.to_vec(), vec![values]].concat());
    assert_eq!(&problem.truth().unwrap()[..4], [1.0, -2.0, 0.5, 0.0]);
}

#[test]
fn a_rademacher_design_has_only_signs() {
    let given = [count("samples", 200), count("dim", 50), count("sparsity", 3)];
    let design = ("design", Value::Text("rademacher".into()));
    let problem = generate("sparse-regression", &[given.to_vec(), vec![design]].concat());
    assert!(problem.x().iter().all(|v| v.abs() == 1.0));
    let mean = mean(problem.x().iter().copied());
    assert!(mean.abs() < 4.0 * 0.01, "{mean}");
}

#[test]
fn gaussian_samples_have_the_given_covariance() {
    let given = vec![count("samples", 4000), count("dim", 3)];
    let decay = ("covariance_decay", Value::Number(2.0));
    for (setting, variances) in [
        (None, [1.0, 1.0, 1.0]),
        (Some(decay), [1.0, 0.25, 1.0 / 9.0]),
        (Some(numbers("covariance", &[0.5, 4.0, 2.0])), [0.5, 4.0, 2.0]),
    ] {
        let problem = generate("gaussian", &[given.clone(), setting.into_iter().collect()].concat());
        let column = |j: usize| (0..4000).map(move |i| (i, j));
        for (j, variance) in variances.into_iter().enumerate() {
            let values: Vec<f64> = column(j).map(|(i, j)| problem.row(i)[j]).collect();
            check_variance(&values, variance);
            // A product of independent N(0, a) and N(0, b) has variance ab.
            let next = (j + 1) % 3;
            let covariance = mean((0..4000).map(|i| problem.row(i)[j] * problem.row(i)[next]));
            let error = (variance * variances[next] / 4000.0).sqrt();
            assert!(covariance.abs() < 4.0 * error, "{covariance}");
        }
    }
}

#[test]
fn a_random_truth_is_a_unit_vector_without_a_preferred_direction() {
    let truth = |seed: u64| {
        let given = [count("samples", 1), count("dim", 4), count("seed", seed)];
        generate("gaussian", &given).truth().unwrap().to_vec()
    };
    let truths: Vec<Vec<f64>> = (0..1000).map(truth).collect();
    assert!(truths.iter().all(|t| (linear(t, t) - 1.0).abs() < 1e-12));
    for j in 0..4 {
        // A coordinate of a uniform direction in dimension d has mean 0 and variance 1/d.
        let mean = mean(truths.iter().map(|t| t[j]));
        assert!(mean.abs() < 4.0 * (0.25f64 / 1000.0).sqrt(), "{mean}");
    }
}

#[test]
fn the_labels_of_a_teacher_have_the_variance_of_its_units() {
    // With tanh replaced by its argument, which is small, one label is a sum of units x N(0, scale^2) over teachers.
    let label = |seed: u64, activation: &str| {
        let given = [
            count("samples", 1),
            count("dim", 16),
            count("units", 3),
            count("seed", seed),
            ("activation", Value::Text(activation.into())),
            ("teacher_scale", Value::Number(1e-3)),
        ];
        1e3 * generate("teacher", &given).y()[0]
    };
    let labels: Vec<f64> = (0..2000).map(|seed| label(seed, "tanh")).collect();
    // The square of |x|^2/d has mean 1 + 2/d, which makes the fourth moment of a label 3 (1 + 2/16) of a normal's.
    let mean_square = mean(labels.iter().map(|y| y * y));
    let error = 3.0 * ((3.0 * 1.125 - 1.0) / 2000.0_f64).sqrt();
    assert!((mean_square - 3.0).abs() < 4.0 * error, "{mean_square}");
    // A ReLU passes half of the square.
    let labels: Vec<f64> = (0..2000).map(|seed| label(seed, "relu")).collect();
    let mean_square = mean(labels.iter().map(|y| y * y));
    assert!((mean_square - 1.5).abs() < 4.0 * error, "{mean_square}");
}

#[test]
fn a_teacher_with_one_relu_unit_is_silent_on_one_side() {
    let given = [count("samples", 200), count("dim", 2), count("units", 1)];
    let problem = generate("teacher", &given);
    let (silent, heard): (Vec<f64>, Vec<f64>) = problem.y().iter().partition(|y| **y == 0.0);
    assert!((60..140).contains(&silent.len()), "{}", silent.len());
    assert!(heard.windows(2).all(|pair| pair[0] * pair[1] > 0.0), "one unit has one sign");
    assert_eq!(problem.truth(), None);
}

#[test]
fn a_sensed_matrix_has_the_given_rank_and_eigenvalues_of_about_one() {
    let given = [count("samples", 3), count("side", 40), count("rank", 2)];
    let problem = generate("matrix-sensing", &given);
    let truth = problem.truth().unwrap();
    let (trace, square) = ((0..40).map(|i| truth[41 * i]).sum::<f64>(), linear(truth, truth));
    // The eigenvalues of U'U (2 x 2), from its trace and the trace of its square; each is about 1.
    let (half, root) = (trace / 2.0, (square / 2.0 - trace * trace / 4.0).sqrt());
    assert!(half - root > 0.3 && half + root < 2.0, "{} and {}", half - root, half + root);
    // Rank 2: every minor of order 3 vanishes.
    let at = |i: usize, j: usize| truth[40 * i + j];
    let minor = at(0, 3) * (at(1, 4) * at(2, 5) - at(1, 5) * at(2, 4))
        - at(0, 4) * (at(1, 3) * at(2, 5) - at(1, 5) * at(2, 3))
        + at(0, 5) * (at(1, 3) * at(2, 4) - at(1, 4) * at(2, 3));
    assert!(minor.abs() < 1e-15, "{minor}");
}

#[test]
fn only_the_symmetric_part_of_a_measurement_acts() {
    let given = vec![count("samples", 2000), count("side", 3), count("rank", 1)];
    let symmetric = generate("matrix-sensing", &given);
    let flag = ("symmetric", Value::Flag(false));
    let plain = generate("matrix-sensing", &[given, vec![flag]].concat());
    for i in 0..2000 {
        assert!((symmetric.y()[i] - plain.y()[i]).abs() < 1e-13);
        assert_eq!(symmetric.row(i)[1], symmetric.row(i)[3]);
    }
    let entries = |problem: &Problem, k: usize| (0..2000).map(|i| problem.row(i)[k]).collect::<Vec<_>>();
    check_variance(&entries(&plain, 1), 1.0);
    check_variance(&entries(&symmetric, 1), 0.5);
    check_variance(&entries(&symmetric, 4), 1.0);
}

#[test]
fn settings_that_do_not_fit_the_dimension_are_refused() {
    let refusal = |kind: &str, given: &[(&str, Value)]| generator(kind, given).unwrap_err();
    let sparse = |sparsity| [count("samples", 2), count("dim", 50), count("sparsity", sparsity)];
    assert_eq!(
        refusal("sparse-regression", &sparse(51)),
        "problem.sparsity is 51, more than the dimension; expected at most 50"
    );
    assert_eq!(
        refusal("sparse-regression", &[&sparse(3)[..], &[numbers("truth_value", &[1.0, 2.0])]].concat()),
        "problem.truth_value has 2 values; expected 1 or 3 (the sparsity)"
    );
    let gaussian = |more: &[(&'static str, Value)]| {
        refusal("gaussian", &[&[count("samples", 2), count("dim", 3)][..], more].concat())
    };
    assert_eq!(
        gaussian(&[numbers("covariance", &[1.0, 2.0])]),
        "problem.covariance has 2 values; expected 3 (the dimension)"
    );
    assert_eq!(
        gaussian(&[numbers("covariance", &[1.0, -2.0, 1.0])]),
        "problem.covariance has the variance -2.0; expected numbers, at least 0"
    );
    assert_eq!(
        gaussian(&[numbers("covariance", &[1.0; 3]), ("covariance_decay", Value::Number(1.0))]),
        "problem.covariance stands beside covariance_decay; expected one of them"
    );
    assert_eq!(
        gaussian(&[numbers("truth", &[1.0])]),
        "problem.truth has 1 values; expected 3 (the dimension)"
    );
    assert_eq!(
        refusal("matrix-sensing", &[count("samples", 2), count("side", 3), count("rank", 4)]),
        "problem.rank is 4, more than the side of the matrix; expected at most 3"
    );
}
