//! A problem: training data with what is known of it.

use super::numbers::{Numbers, SharedNumbers};
use super::preparation::Scaling;
use super::samples::{ImageShape, TestSet};
use crate::error::InputError;

/// Training data `X` (n x d, row major), labels `y` (n x c, row major), and what there is besides: the ground truth (d),
/// samples to test on, whether the labels are classes, the shape of images, the names of the features, and what was done
/// to the data before.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub(super) x: Numbers,
    pub(super) y: Numbers,
    dim: usize,
    outputs: usize,
    pub(super) truth: Option<Vec<f64>>,
    pub(super) test: Option<TestSet>,
    image: Option<ImageShape>,
    is_classification: bool,
    feature_names: Option<Vec<String>>,
    pub(super) scaling: Option<Scaling>,
    pub(super) test_rows: Vec<usize>,
}

impl Problem {
    /// Takes over training data with one label each, after checking it.
    ///
    /// # Errors
    /// No samples or no dimension, arrays whose lengths disagree, or a value that is NaN or infinite (named by row and
    /// column).
    pub fn new(x: Vec<f64>, y: Vec<f64>, truth: Option<Vec<f64>>) -> Result<Self, InputError> {
        let dim = truth.as_ref().map_or(x.len() / y.len().max(1), Vec::len);
        check(["X", "y"], &x, &y, dim, 1)?;
        if let Some((k, value)) = first_not_finite(truth.as_deref().unwrap_or_default()) {
            return Err(InputError::NotFinite { array: "truth", position: k.to_string(), value });
        }
        Ok(Self { truth, ..Self::of(x, y, dim, 1) })
    }

    /// Takes over training data with `outputs` labels each: `X` (n x d) and `y` (n x c), after checking it.
    ///
    /// # Errors
    /// As [`Problem::new`].
    pub fn with_outputs(x: Vec<f64>, y: Vec<f64>, outputs: usize) -> Result<Self, InputError> {
        let samples = y.len() / outputs.max(1);
        let dim = x.len() / samples.max(1);
        check(["X", "y"], &x, &y, dim, outputs)?;
        Ok(Self::of(x, y, dim, outputs))
    }

    /// Reads training data with `outputs` labels each where they are, without a copy: `X` (n x d) and `y` (n x c), after
    /// checking them. A change of the data, such as standardising them, copies them first.
    ///
    /// # Errors
    /// As [`Problem::new`].
    pub fn over(x: SharedNumbers, y: SharedNumbers, outputs: usize) -> Result<Self, InputError> {
        let (of_x, of_y) = ((*x).as_ref(), (*y).as_ref());
        let samples = of_y.len() / outputs.max(1);
        let dim = of_x.len() / samples.max(1);
        check(["X", "y"], of_x, of_y, dim, outputs)?;
        Ok(Self::of(x, y, dim, outputs))
    }

    /// Adds samples to test on: `x` (m x d) and `y` (m x c).
    ///
    /// # Errors
    /// As [`Problem::new`], and labels that are no classes where those of the training data are.
    pub fn with_test(mut self, x: Vec<f64>, y: Vec<f64>) -> Result<Self, InputError> {
        let test = TestSet::new(x, y, self.dim, self.outputs)?;
        if self.is_classification {
            check_classes("y_test", test.y(), self.outputs)?;
        }
        self.test = Some(test);
        Ok(self)
    }

    /// Says that the labels are classes: +1 or -1 with one output, one-hot with several.
    ///
    /// # Errors
    /// Labels that are not of this form.
    pub fn with_classes(mut self) -> Result<Self, InputError> {
        check_classes("y", &self.y, self.outputs)?;
        check_classes("y_test", self.test.as_ref().map_or(&[], TestSet::y), self.outputs)?;
        self.is_classification = true;
        Ok(self)
    }

    /// Says that the samples are images.
    ///
    /// # Errors
    /// A shape that has not as many values as a sample.
    pub fn with_image(mut self, image: ImageShape) -> Result<Self, InputError> {
        if image.values() != self.dim {
            let reason = "channels times height times width";
            let (found, expected) = (self.dim, image.values());
            return Err(InputError::Length { array: "a row of X", found, expected, reason });
        }
        self.image = Some(image);
        Ok(self)
    }

    /// Gives the features their names (d).
    ///
    /// # Errors
    /// Not as many names as features.
    pub fn with_feature_names(mut self, names: Vec<String>) -> Result<Self, InputError> {
        if names.len() != self.dim {
            let (array, reason) = ("the list of feature names", "one for every column of X");
            return Err(InputError::Length { array, found: names.len(), expected: self.dim, reason });
        }
        self.feature_names = Some(names);
        Ok(self)
    }

    /// Data that are known to be in order, or known not to be.
    pub(crate) fn of(x: impl Into<Numbers>, y: impl Into<Numbers>, dim: usize, outputs: usize) -> Self {
        Self {
            x: x.into(),
            y: y.into(),
            dim,
            outputs,
            truth: None,
            test: None,
            image: None,
            is_classification: false,
            feature_names: None,
            scaling: None,
            test_rows: Vec::new(),
        }
    }

    /// The same data with a ground truth that is known to be in order.
    pub(super) fn with_truth(self, truth: Vec<f64>) -> Self {
        Self { truth: Some(truth), ..self }
    }

    /// The same data with samples to test on that are known to be in order.
    pub(super) fn with_test_of(self, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { test: Some(TestSet::of(x, y, self.outputs)), ..self }
    }

    /// The same labels with the design `[X, -X]`, on which signed coefficients are differences of non-negative ones.
    pub(crate) fn doubled(&self) -> Self {
        let row = |row: &[f64]| [row.to_vec(), row.iter().map(|x| -x).collect()].concat();
        let x: Vec<f64> = self.x.chunks_exact(self.dim).flat_map(row).collect();
        Self::of(x, self.y.clone(), 2 * self.dim, self.outputs)
    }

    /// Number of samples `n`.
    pub fn samples(&self) -> usize {
        self.y.len() / self.outputs
    }

    /// Dimension `d` of a sample.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Labels `c` of a sample: what a model has to predict.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `X`, row major (n x d).
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Sample `i` (d).
    pub fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.dim..(i + 1) * self.dim]
    }

    /// The labels, row major (n x c).
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// The ground truth (d), when there is one.
    pub fn truth(&self) -> Option<&[f64]> {
        self.truth.as_deref()
    }

    /// The samples to test on, when there are any.
    pub fn test(&self) -> Option<&TestSet> {
        self.test.as_ref()
    }

    /// Whether labels are classes: the sign with one output, the place of the largest with several.
    pub fn is_classification(&self) -> bool {
        self.is_classification
    }

    /// The names of the features (d), when they have any.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.feature_names.as_deref()
    }

    /// What was subtracted from features and labels and by what features were divided, when anything was.
    pub fn scaling(&self) -> Option<&Scaling> {
        self.scaling.as_ref()
    }

    /// The rows of the original data, counted from 0, that were put aside to test on; empty when none were.
    pub fn test_rows(&self) -> &[usize] {
        &self.test_rows
    }

    /// The shape of a sample, when samples are images.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }
}

/// The number of samples in `x` (n x d) and `y` (n x c), after checking lengths and values.
pub(super) fn check(
    [of_x, of_y]: [&'static str; 2],
    x: &[f64],
    y: &[f64],
    dim: usize,
    outputs: usize,
) -> Result<usize, InputError> {
    if y.is_empty() || x.is_empty() || outputs == 0 {
        return Err(InputError::Empty { samples: y.len() / outputs.max(1), dim: 0 });
    }
    let samples = y.len() / outputs;
    if y.len() != samples * outputs || samples == 0 {
        let (found, expected) = (y.len(), samples.max(1) * outputs);
        return Err(InputError::Length { array: of_y, found, expected, reason: "samples times outputs" });
    }
    if x.len() != samples * dim || dim == 0 {
        let (found, expected) = (x.len(), samples * dim);
        return Err(InputError::Length { array: of_x, found, expected, reason: "samples times dimension" });
    }
    for (array, values, columns) in [(of_x, x, dim), (of_y, y, outputs)] {
        if let Some((k, value)) = first_not_finite(values) {
            let position = match columns {
                1 if array == of_y => k.to_string(),
                _ => format!("row {}, column {}", k / columns, k % columns),
            };
            return Err(InputError::NotFinite { array, position, value });
        }
    }
    Ok(samples)
}

fn first_not_finite(values: &[f64]) -> Option<(usize, f64)> {
    values.iter().copied().enumerate().find(|(_, value)| !value.is_finite())
}

/// Refuses labels that are no classes.
fn check_classes(array: &'static str, y: &[f64], outputs: usize) -> Result<(), InputError> {
    let is_class = |label: &[f64]| match label {
        [sign] => sign.abs() == 1.0,
        many => {
            many.iter().all(|v| *v == 0.0 || *v == 1.0) && many.iter().filter(|v| **v == 1.0).count() == 1
        }
    };
    match y.chunks_exact(outputs).position(|label| !is_class(label)) {
        Some(sample) => {
            let label = y[sample * outputs..(sample + 1) * outputs].to_vec();
            Err(InputError::NoClass { array, sample, label })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_nan_in_the_data_is_named_by_row_and_column() {
        let mut x = vec![0.0; 12];
        x[7] = f64::NAN;
        let error = Problem::new(x, vec![0.0; 3], None).unwrap_err();
        assert_eq!(error.to_string(), "X[row 1, column 3] is NaN; expected a finite number");
        let error = Problem::new(vec![0.0; 4], vec![0.0, f64::INFINITY], None).unwrap_err();
        assert_eq!(error.to_string(), "y[1] is inf; expected a finite number");
        let error = Problem::with_outputs(vec![0.0; 4], vec![0.0, 1.0, f64::NAN, 0.0], 2).unwrap_err();
        assert_eq!(error.to_string(), "y[row 1, column 0] is NaN; expected a finite number");
    }

    #[test]
    fn shared_numbers_are_read_where_they_are_and_copied_before_they_change() {
        let (x, y) = (Arc::new(vec![1.0, 2.0, 3.0, 4.0]), Arc::new(vec![0.5, -0.5]));
        let mut problem = Problem::over(x.clone(), y.clone(), 1).unwrap();
        assert_eq!((problem.samples(), problem.dim(), problem.row(1)), (2, 2, &[3.0, 4.0][..]));
        assert_eq!((problem.x().as_ptr(), problem.clone().y().as_ptr()), (x.as_ptr(), y.as_ptr()));
        assert_eq!(problem, Problem::new(x.to_vec(), y.to_vec(), None).unwrap());
        problem.x.own()[0] = 7.0;
        assert_eq!((problem.x()[0], x[0]), (7.0, 1.0));
        let error = Problem::over(Arc::new(vec![f64::NAN]), Arc::new([1.0]), 1).unwrap_err();
        assert_eq!(error.to_string(), "X[row 0, column 0] is NaN; expected a finite number");
    }

    #[test]
    fn arrays_that_disagree_are_refused() {
        assert!(Problem::new(vec![0.0; 7], vec![0.0; 3], None).is_err());
        assert!(Problem::new(vec![0.0; 6], vec![0.0; 3], Some(vec![0.0; 3])).is_err());
        assert!(Problem::new(vec![], vec![], None).is_err());
        assert!(Problem::with_outputs(vec![0.0; 6], vec![0.0; 3], 0).is_err());
        assert!(Problem::with_outputs(vec![0.0; 6], vec![0.0; 3], 4).is_err());
        let error = Problem::with_outputs(vec![0.0; 6], vec![0.0; 3], 2).unwrap_err();
        assert_eq!(error.to_string(), "y has 3 values; expected 2 (samples times outputs)");
    }

    #[test]
    fn labels_of_several_outputs_stand_sample_after_sample() {
        let problem = Problem::with_outputs(vec![0.0; 6], vec![1.0, 2.0, 3.0, 4.0], 2).unwrap();
        assert_eq!((problem.samples(), problem.dim(), problem.outputs()), (2, 3, 2));
        assert_eq!(problem.y(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(Problem::new(vec![0.0; 6], vec![0.0; 3], None).unwrap().outputs(), 1);
    }

    #[test]
    fn test_samples_have_the_shape_of_the_training_samples() {
        let problem = Problem::with_outputs(vec![0.0; 6], vec![0.0; 4], 2).unwrap();
        let error = problem.clone().with_test(vec![0.0; 4], vec![0.0; 4]).unwrap_err();
        assert_eq!(error.to_string(), "X_test has 4 values; expected 6 (samples times dimension)");
        let problem = problem.with_test(vec![0.0; 9], vec![0.0; 6]).unwrap();
        assert_eq!(problem.test().map(TestSet::samples), Some(3));
    }

    #[test]
    fn classes_are_signs_or_one_hot() {
        let two = |y: [f64; 2]| Problem::new(vec![0.0; 2], y.to_vec(), None).unwrap();
        assert!(!two([1.0, -1.0]).is_classification());
        assert!(two([1.0, -1.0]).with_classes().unwrap().is_classification());
        assert_eq!(
            two([1.0, 0.0]).with_classes().unwrap_err().to_string(),
            "y of sample 1 is 0.0, not a class; expected 1 or -1"
        );
        let many = Problem::with_outputs(vec![0.0; 2], vec![0.0, 1.0, 1.0, 0.0], 2).unwrap();
        let many = many.with_classes().unwrap();
        let error = many.with_test(vec![0.0], vec![1.0, 1.0]).unwrap_err().to_string();
        assert_eq!(
            error,
            "y_test of sample 0 is [1.0, 1.0], not a class; expected one 1 among 2 values, and 0 otherwise"
        );
    }

    #[test]
    fn features_have_as_many_names_as_there_are() {
        let problem = Problem::new(vec![0.0; 6], vec![0.0; 3], None).unwrap();
        assert_eq!(problem.feature_names(), None);
        let names = ["age", "dose"].map(str::to_owned);
        let named = problem.clone().with_feature_names(names.to_vec()).unwrap();
        assert_eq!(named.feature_names(), Some(&names[..]));
        assert_eq!(
            problem.with_feature_names(names[..1].to_vec()).unwrap_err().to_string(),
            "the list of feature names has 1 values; expected 2 (one for every column of X)"
        );
    }

    #[test]
    fn images_have_as_many_values_as_samples() {
        let problem = Problem::new(vec![0.0; 24], vec![0.0; 2], None).unwrap();
        let shape = ImageShape { channels: 3, height: 2, width: 2 };
        assert_eq!(problem.clone().with_image(shape).unwrap().image(), Some(shape));
        let error = problem.with_image(ImageShape { channels: 1, ..shape }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a row of X has 12 values; expected 4 (channels times height times width)"
        );
    }
}
