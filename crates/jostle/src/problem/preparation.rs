//! What is done to data before training: samples put aside to test on, features and labels scaled, samples weighted.

use super::samples::TestSet;
use super::{Problem, data::check};
use crate::error::InputError;
use crate::random::{Draws, Purpose};
use crate::setting::{SettingError, Settings};

/// What is to be done to data, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Preparation {
    /// The share of the samples that is put aside to test on, rounded up to whole samples.
    pub test_fraction: Option<f64>,
    /// The seed by which these are drawn.
    pub split_seed: u64,
    /// Whether every feature gets mean 0 and standard deviation 1 over the training samples.
    pub standardise: bool,
    /// Whether features and labels get mean 0 over the training samples.
    pub centre: bool,
}

/// What was subtracted from features and labels, and by what features were divided: sample `x` became
/// `(x_j - mean_j) / scale_j`, and label `y` became `y - label_mean`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// The means of the features (d).
    pub feature_means: Vec<f64>,
    /// The standard deviations of the features (d); all 1 where features were only centred.
    pub feature_scales: Vec<f64>,
    /// The means of the labels (c); all 0 where labels were not centred.
    pub label_means: Vec<f64>,
}

impl Scaling {
    /// The coefficients (d) of the features as they were: `beta_j / scale_j`.
    pub fn original_coefficients(&self, beta: &[f64]) -> Vec<f64> {
        beta.iter().zip(&self.feature_scales).map(|(beta, scale)| beta / scale).collect()
    }

    /// The intercept that belongs to [`Scaling::original_coefficients`]: `label_mean - sum_j beta_j mean_j / scale_j`.
    pub fn intercept(&self, beta: &[f64]) -> f64 {
        let moved = self.original_coefficients(beta).into_iter().zip(&self.feature_means);
        self.label_means[0] - moved.map(|(beta, mean)| beta * mean).sum::<f64>()
    }
}

impl Preparation {
    /// What the settings of a problem ask for.
    pub fn from_settings(settings: &Settings) -> Self {
        Self {
            test_fraction: settings
                .has("test_fraction")
                .then(|| settings.number("test_fraction"))
                .filter(|fraction| *fraction > 0.0),
            split_seed: settings.integer("split_seed"),
            standardise: settings.flag("standardise"),
            centre: settings.flag("centre"),
        }
    }

    /// The problem with all this done; `weights` (n) are those of its samples.
    ///
    /// With weights, means and standard deviations are weighted, and then row and label of training sample `i` are
    /// multiplied by `sqrt(w_i n / sum_k w_k)`, so that the loss of a model that is linear in its samples is
    /// `a/n sum_i (w_i n / sum_k w_k) r_i^2`. Samples to test on are not weighted. A truth is brought to the scale of the
    /// features.
    ///
    /// # Errors
    /// A fraction that leaves no sample to train or to test on, a feature without variance that is to be standardised,
    /// weights that are negative, not finite or all 0, centred or weighted labels that are classes.
    pub fn apply(&self, problem: Problem, weights: Option<Vec<f64>>) -> Result<Problem, InputError> {
        let refuse = |setting: &str, reason: String| {
            Err(InputError::in_section("problem")(SettingError::new(setting, reason)))
        };
        if problem.is_classification() {
            let numbers = "goes with labels = \"numbers\", because classes are not to be changed";
            if self.centre {
                return refuse("centre", numbers.to_owned());
            }
            if weights.is_some() {
                return refuse("sample_weight", numbers.to_owned());
            }
        }
        if let Some(weights) = &weights {
            check(["the list of weights", "y"], weights, &vec![0.0; problem.samples()], 1, 1)?;
            if let Some(sample) = weights.iter().position(|weight| *weight < 0.0) {
                let reason = format!("has {:?} for sample {sample}; expected at least 0", weights[sample]);
                return refuse("sample_weight", reason);
            }
        }
        let (mut problem, weights) = self.split(problem, weights)?;
        if weights.as_ref().is_some_and(|weights| weights.iter().all(|weight| *weight == 0.0)) {
            return refuse("sample_weight", "is 0 for every training sample".to_owned());
        }
        if self.standardise || self.centre {
            let scaling = self.scaling(&problem, weights.as_deref())?;
            scaling.apply(&mut problem);
        }
        if let Some(weights) = weights {
            weigh(&mut problem, &weights);
        }
        Ok(problem)
    }

    /// Puts samples aside to test on: those drawn with this seed, whatever the machine.
    fn split(
        &self,
        mut problem: Problem,
        weights: Option<Vec<f64>>,
    ) -> Result<(Problem, Option<Vec<f64>>), InputError> {
        let Some(fraction) = self.test_fraction else { return Ok((problem, weights)) };
        let (samples, dim, outputs) = (problem.samples(), problem.dim(), problem.outputs());
        let count = (fraction * samples as f64).ceil() as usize;
        if problem.test().is_some() || count == 0 || count >= samples {
            let reason = match problem.test() {
                Some(_) => "stands beside data that have samples to test on".to_owned(),
                None => format!("puts {count} of {samples} samples aside; expected at least 1, and 1 left"),
            };
            return Err(InputError::in_section("problem")(SettingError::new("test_fraction", reason)));
        }
        let mut words = vec![0; count];
        Draws::new(self.split_seed, &[0], 0).bits(Purpose::SPLIT, &mut words);
        let (mut rows, mut is_test) = (vec![0; count], Vec::new());
        Draws::subset(words.into_iter(), samples, &mut rows, &mut is_test);
        rows.sort_unstable();
        let part = |values: &[f64], width: usize, of_test: bool| -> Vec<f64> {
            let rows = values.chunks_exact(width).zip(&is_test).filter(|(_, test)| **test == of_test);
            rows.flat_map(|(row, _)| row.iter().copied()).collect()
        };
        let test = (part(&problem.x, dim, true), part(&problem.y, outputs, true));
        problem.x = part(&problem.x, dim, false).into();
        problem.y = part(&problem.y, outputs, false).into();
        problem.test = Some(TestSet::of(test.0, test.1, outputs));
        problem.test_rows = rows;
        Ok((problem, weights.map(|weights| part(&weights, 1, false))))
    }

    fn scaling(&self, problem: &Problem, weights: Option<&[f64]>) -> Result<Scaling, InputError> {
        let (dim, outputs) = (problem.dim(), problem.outputs());
        let feature_means = means(problem.x(), dim, weights);
        let mut feature_scales = vec![1.0; dim];
        if self.standardise {
            if let Some(j) = first_constant(problem.x(), dim, weights) {
                let feature = match problem.feature_names() {
                    Some(names) => format!("feature {:?}", names[j]),
                    None => format!("feature {j} (counted from 0)"),
                };
                let value = problem.x()[j];
                let reason = format!(
                    "is true, but {feature} is {value:?} in every training sample, and has no standard deviation to be \
                     divided by; leave it out"
                );
                return Err(InputError::in_section("problem")(SettingError::new("standardise", reason)));
            }
            let squares: Vec<f64> = problem
                .x()
                .chunks_exact(dim)
                .flat_map(|row| row.iter().zip(&feature_means).map(|(x, mean)| (x - mean) * (x - mean)))
                .collect();
            feature_scales = means(&squares, dim, weights).into_iter().map(f64::sqrt).collect();
        }
        let label_means = if self.centre { means(problem.y(), outputs, weights) } else { vec![0.0; outputs] };
        Ok(Scaling { feature_means, feature_scales, label_means })
    }
}

impl Scaling {
    fn apply(self, problem: &mut Problem) {
        self.scale(problem.x.own(), problem.y.own());
        if let Some(test) = problem.test.take() {
            let (mut x, mut y) = (test.x().to_vec(), test.y().to_vec());
            self.scale(&mut x, &mut y);
            problem.test = Some(TestSet::of(x, y, self.label_means.len()));
        }
        if let Some(truth) = &mut problem.truth {
            truth.iter_mut().zip(&self.feature_scales).for_each(|(beta, scale)| *beta *= scale);
        }
        problem.scaling = Some(self);
    }

    fn scale(&self, x: &mut [f64], y: &mut [f64]) {
        for row in x.chunks_exact_mut(self.feature_means.len()) {
            for ((x, mean), scale) in row.iter_mut().zip(&self.feature_means).zip(&self.feature_scales) {
                *x = (*x - mean) / scale;
            }
        }
        for label in y.chunks_exact_mut(self.label_means.len()) {
            label.iter_mut().zip(&self.label_means).for_each(|(y, mean)| *y -= mean);
        }
    }
}

/// Multiplies row and label of every training sample by `sqrt(w_i n / sum_k w_k)`.
fn weigh(problem: &mut Problem, weights: &[f64]) {
    let (dim, outputs) = (problem.dim(), problem.outputs());
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    for (i, weight) in weights.iter().enumerate() {
        let factor = (weight / mean).sqrt();
        problem.x.own()[i * dim..(i + 1) * dim].iter_mut().for_each(|x| *x *= factor);
        problem.y.own()[i * outputs..(i + 1) * outputs].iter_mut().for_each(|y| *y *= factor);
    }
}

/// The (weighted) mean of every column; the second pass takes off what the first lost to rounding.
fn means(values: &[f64], columns: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
    let total: f64 = (0..values.len() / columns).map(weight).sum();
    let mut means = vec![0.0; columns];
    for _ in 0..2 {
        let mut sums = vec![0.0; columns];
        for (i, row) in values.chunks_exact(columns).enumerate() {
            for ((sum, value), mean) in sums.iter_mut().zip(row).zip(&means) {
                *sum += weight(i) * (value - mean);
            }
        }
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean += sum / total);
    }
    means
}

/// The first column that has one value in all samples with a weight.
fn first_constant(values: &[f64], columns: usize, weights: Option<&[f64]>) -> Option<usize> {
    let mut rows = values
        .chunks_exact(columns)
        .enumerate()
        .filter(|(i, _)| weights.is_none_or(|weights| weights[*i] > 0.0))
        .map(|(_, row)| row);
    let first = rows.next()?;
    let mut constant = vec![true; columns];
    for row in rows {
        constant.iter_mut().zip(row.iter().zip(first)).for_each(|(same, (a, b))| *same &= a == b);
    }
    constant.iter().position(|same| *same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        // Four samples of two features.
        let x = vec![1.0, 10.0, 2.0, 20.0, 3.0, 60.0, 6.0, 30.0];
        let problem = Problem::new(x, vec![1.0, 2.0, 4.0, 5.0], Some(vec![1.0, -2.0])).unwrap();
        problem.with_feature_names(vec!["age".to_owned(), "dose".to_owned()]).unwrap()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{found} is not {expected}");
        }
    }

    fn refused(preparation: Preparation, problem: Problem, weights: Option<Vec<f64>>) -> String {
        preparation.apply(problem, weights).unwrap_err().to_string()
    }

    #[test]
    fn standardised_features_have_mean_0_and_standard_deviation_1() {
        let standardise = Preparation { standardise: true, ..Preparation::default() };
        let prepared = standardise.apply(problem(), None).unwrap();
        // Means 3 and 30; variances (4 + 1 + 0 + 9)/4 and (400 + 100 + 900 + 0)/4.
        let scales = [3.5_f64.sqrt(), 350_f64.sqrt()];
        let scaling = prepared.scaling().unwrap();
        close(&scaling.feature_means, &[3.0, 30.0]);
        close(&scaling.feature_scales, &scales);
        assert_eq!(scaling.label_means, [0.0]);
        close(prepared.row(1), &[-1.0 / scales[0], -10.0 / scales[1]]);
        assert_eq!(prepared.y(), problem().y(), "labels stay as they are");
        close(prepared.truth().unwrap(), &[scales[0], -2.0 * scales[1]]);
    }

    #[test]
    fn a_centred_problem_has_the_predictions_of_one_with_an_intercept() {
        let centre = Preparation { centre: true, standardise: true, ..Preparation::default() };
        let original = problem().with_test(vec![7.0, 8.0], vec![9.0]).unwrap();
        let prepared = centre.apply(original.clone(), None).unwrap();
        close(prepared.y(), &[-2.0, -1.0, 1.0, 2.0]);
        let (scaling, beta) = (prepared.scaling().unwrap(), [0.3, -0.7]);
        let (coefficients, intercept) = (scaling.original_coefficients(&beta), scaling.intercept(&beta));
        let dot = |x: &[f64], beta: &[f64]| x.iter().zip(beta).map(|(x, beta)| x * beta).sum::<f64>();
        for i in 0..4 {
            let here = dot(prepared.row(i), &beta) + 3.0;
            close(&[here], &[intercept + dot(original.row(i), &coefficients)]);
        }
        let (test, before) = (prepared.test().unwrap(), original.test().unwrap());
        close(&[dot(test.x(), &beta) + 3.0], &[intercept + dot(before.x(), &coefficients)]);
        close(test.y(), &[6.0]);
    }

    #[test]
    fn weights_scale_the_loss_of_samples() {
        let weights = vec![1.0, 0.0, 2.0, 5.0];
        let prepared = Preparation::default().apply(problem(), Some(weights.clone())).unwrap();
        let beta = [0.5, 0.1];
        let loss = |problem: &Problem, weight: &dyn Fn(usize) -> f64| -> f64 {
            let residual = |i: usize| {
                problem.row(i).iter().zip(beta).map(|(x, beta)| x * beta).sum::<f64>() - problem.y()[i]
            };
            (0..4).map(|i| weight(i) * residual(i).powi(2)).sum::<f64>() / 8.0
        };
        let expected = loss(&problem(), &|i| weights[i] / 2.0);
        close(&[loss(&prepared, &|_| 1.0)], &[expected]);
    }

    #[test]
    fn means_are_those_of_the_weighted_samples() {
        let centre = Preparation { centre: true, ..Preparation::default() };
        let prepared = centre.apply(problem(), Some(vec![1.0, 0.0, 2.0, 5.0])).unwrap();
        let scaling = prepared.scaling().unwrap();
        close(&scaling.feature_means, &[37.0 / 8.0, 280.0 / 8.0]);
        close(&scaling.label_means, &[34.0 / 8.0]);
        assert_eq!(scaling.feature_scales, [1.0, 1.0]);
    }

    #[test]
    fn the_samples_to_test_on_are_drawn_by_their_seed_and_keep_their_order() {
        let samples = 100;
        let x: Vec<f64> = (0..samples).map(f64::from).collect();
        let whole = Problem::new(x.clone(), x, None).unwrap();
        let with_seed = |split_seed| {
            let split = Preparation { test_fraction: Some(0.201), split_seed, ..Preparation::default() };
            split.apply(whole.clone(), None).unwrap()
        };
        let split = with_seed(1);
        assert_eq!((split.samples(), split.test().unwrap().samples()), (79, 21));
        let rows: Vec<f64> = split.test_rows().iter().map(|row| *row as f64).collect();
        assert_eq!(split.test().unwrap().x(), rows);
        assert!(rows.is_sorted() && split.x().is_sorted());
        assert!(split.x().iter().all(|x| !rows.contains(x)));
        assert_eq!(with_seed(1), split);
        assert_ne!(with_seed(2).test_rows(), split.test_rows());
    }

    #[test]
    fn every_sample_is_equally_often_put_aside() {
        let whole = Problem::new(vec![0.0; 10], vec![0.0; 10], None).unwrap();
        let mut counts = [0.0; 10];
        for split_seed in 0..2_000 {
            let split = Preparation { test_fraction: Some(0.3), split_seed, ..Preparation::default() };
            for row in split.apply(whole.clone(), None).unwrap().test_rows() {
                counts[*row] += 1.0;
            }
        }
        // 600 each, with a standard deviation of sqrt(2000 * 0.3 * 0.7) = 20.5; 4.5 of them.
        assert!(counts.iter().all(|count| (count - 600.0_f64).abs() < 92.0), "{counts:?}");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let default = Preparation::default();
        let standardise = Preparation { standardise: true, ..default };
        let constant = Problem::new(vec![1.0, 2.0, 1.0, 3.0], vec![0.0; 2], None).unwrap();
        let refusal = refused(standardise, constant, None);
        assert!(
            refusal
                .starts_with("problem.standardise is true, but feature 0 (counted from 0) is 1.0 in every")
        );
        let fraction = Preparation { test_fraction: Some(0.9), ..default };
        assert_eq!(
            refused(fraction, problem(), None),
            "problem.test_fraction puts 4 of 4 samples aside; expected at least 1, and 1 left"
        );
        assert_eq!(
            refused(default, problem(), Some(vec![1.0, -1.0, 1.0, 1.0])),
            "problem.sample_weight has -1.0 for sample 1; expected at least 0"
        );
        assert_eq!(
            refused(default, problem(), Some(vec![0.0; 4])),
            "problem.sample_weight is 0 for every training sample"
        );
        let classes = Problem::new(vec![0.0; 2], vec![1.0, -1.0], None).unwrap().with_classes().unwrap();
        let centre = Preparation { centre: true, ..default };
        assert_eq!(
            refused(centre, classes, None),
            "problem.centre goes with labels = \"numbers\", because classes are not to be changed"
        );
    }
}
