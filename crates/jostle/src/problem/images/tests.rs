//! Choice, labels and scale, on images small enough to follow by eye.

use super::*;
use crate::setting::Value;

/// Six training images of 1 x 2 pixels with two channels in three classes; the first value is the image's number.
fn set() -> ImageSet {
    let labels = vec![0, 1, 2, 0, 1, 0];
    let pixels = (0..6).flat_map(|i| [i, 10 * i, 100, 200]).collect();
    let test = Images { pixels: vec![7, 0, 0, 0, 8, 0, 0, 255], labels: vec![2, 0] };
    let classes = ["cat", "dog", "7"].map(str::to_owned).to_vec();
    let shape = ImageShape { channels: 2, height: 1, width: 2 };
    ImageSet { name: "pets".into(), shape, white: 255, classes, train: Images { pixels, labels }, test }
}

fn problem(given: &[(&str, Value)]) -> Result<Problem, String> {
    let settings = Settings::check(&ENTRY, given).map_err(|error| error.to_string())?;
    set().problem(&settings).map_err(|error| error.to_string())
}

fn classes(names: &[&str]) -> (&'static str, Value) {
    ("classes", Value::Names(names.iter().map(ToString::to_string).collect()))
}

fn text(name: &'static str, word: &str) -> (&'static str, Value) {
    (name, Value::Text(word.to_owned()))
}

/// The numbers of the training images of a problem without scaling.
fn numbers(given: &[(&str, Value)]) -> Vec<f64> {
    let problem = problem(&[given, &[text("standardise", "none")]].concat()).unwrap();
    (0..problem.samples()).map(|i| (problem.row(i)[0] * 255.0).round()).collect()
}

#[test]
fn all_classes_have_one_hot_labels() {
    let problem = problem(&[]).unwrap();
    assert_eq!((problem.samples(), problem.outputs(), problem.dim()), (6, 3, 4));
    assert_eq!(problem.y()[..9], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(problem.test().unwrap().y(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert!(problem.is_classification());
    assert_eq!(problem.image(), Some(set().shape));
}

#[test]
fn of_two_classes_the_first_is_plus_one() {
    let dogs = problem(&[classes(&["dog", "cat"])]).unwrap();
    assert_eq!((dogs.outputs(), dogs.y()), (1, &[-1.0, 1.0, -1.0, 1.0, -1.0][..]));
    assert_eq!(dogs.test().unwrap().y(), [-1.0]);
    // A name comes before a number: class 2 is called "7", and there is no class 7.
    assert_eq!(numbers(&[classes(&["0", "7"])]), [0.0, 2.0, 3.0, 5.0]);
    assert_eq!(numbers(&[classes(&["0", "2"])]), [0.0, 2.0, 3.0, 5.0]);
}

#[test]
fn three_classes_have_labels_in_the_order_in_which_they_are_named() {
    let problem = problem(&[classes(&["dog", "7", "cat"])]).unwrap();
    assert_eq!(problem.y()[..9], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn the_first_images_are_those_of_the_files() {
    assert_eq!(numbers(&[("samples", Value::Integer(4))]), [0.0, 1.0, 2.0, 3.0]);
    let given = [("samples", Value::Integer(3)), classes(&["cat", "dog"])];
    assert_eq!(numbers(&given), [0.0, 1.0, 3.0]);
}

#[test]
fn a_random_subset_has_as_many_of_every_class_and_depends_on_the_seed() {
    let random = |seed: u64, count: u64| {
        let given = [("samples", Value::Integer(count)), ("seed", Value::Integer(seed))];
        numbers(&[&given[..], &[classes(&["cat", "dog"]), text("subset", "random")]].concat())
    };
    let subsets: Vec<Vec<f64>> = (0..300).map(|seed| random(seed, 3)).collect();
    assert_eq!(random(5, 3), subsets[5]);
    let labels = set().train.labels;
    let of_class =
        |subset: &[f64], class: u8| subset.iter().filter(|i| labels[**i as usize] == class).count();
    assert!(subsets.iter().all(|s| of_class(s, 0) == 2 && of_class(s, 1) == 1 && s.is_sorted()));
    // Each of the three cats is left out in a third of the subsets: 100 times, give or take 8.2.
    for cat in [0.0, 3.0, 5.0] {
        let out = subsets.iter().filter(|subset| !subset.contains(&cat)).count();
        assert!((68..=132).contains(&out), "cat {cat} is left out {out} times");
    }
}

#[test]
fn images_to_test_on_can_be_left_out() {
    assert!(problem(&[("test_samples", Value::Integer(0))]).unwrap().test().is_none());
    assert!(
        problem(&[classes(&["dog", "7"]), ("test_samples", Value::Integer(1))]).unwrap().test().is_some()
    );
    // No test image is a dog, and one is a 7.
    assert_eq!(
        problem(&[classes(&["dog", "7"])]).unwrap().test().map(crate::problem::TestSet::samples),
        Some(1)
    );
}

#[test]
fn channels_have_mean_zero_and_variance_one_and_test_images_the_same_scale() {
    let problem = problem(&[]).unwrap();
    let first: Vec<f64> = (0..6).flat_map(|i| problem.row(i)[..2].to_vec()).collect();
    assert!(first.iter().sum::<f64>().abs() < 1e-12);
    assert!((first.iter().map(|v| v * v).sum::<f64>() / 12.0 - 1.0).abs() < 1e-12);
    // The values of the first channel are 0, 0, 1, 10, 2, 20, ..., 5, 50.
    let values: Vec<f64> = (0..6).flat_map(|i| [f64::from(i), f64::from(10 * i)]).collect();
    let mean = values.iter().sum::<f64>() / 12.0;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 12.0).sqrt();
    assert!((problem.test().unwrap().x()[0] - (7.0 - mean) / deviation).abs() < 1e-12);
    // The second channel is 100, 200 in every image: mean 150, deviation 50.
    assert!((problem.row(3)[2] + 1.0).abs() < 1e-12 && (problem.row(3)[3] - 1.0).abs() < 1e-12);
}

#[test]
fn pixels_that_do_not_vary_are_not_divided() {
    let problem = problem(&[text("standardise", "pixel")]).unwrap();
    assert_eq!(problem.row(0)[2..], [0.0, 0.0]);
    let test = problem.test().unwrap().x();
    assert!((test[7] - (255.0 - 200.0) / 255.0).abs() < 1e-12, "{}", test[7]);
    let column: Vec<f64> = (0..6).map(|i| problem.row(i)[1]).collect();
    assert!((column.iter().map(|v| v * v).sum::<f64>() / 6.0 - 1.0).abs() < 1e-12);
}

#[test]
fn pixels_left_as_they_are_go_from_0_to_1() {
    let problem = problem(&[text("standardise", "none")]).unwrap();
    assert_eq!(problem.test().unwrap().x()[7], 1.0);
    assert_eq!(problem.row(5)[1], 50.0 / 255.0);
}

#[test]
fn the_most_that_may_be_asked_for_is_what_a_refusal_expects() {
    let most = |given: &[(&str, Value)]| set().most(&Settings::check(&ENTRY, given).unwrap()).unwrap();
    assert_eq!(most(&[]), [6, 2]);
    assert_eq!(most(&[classes(&["0", "7"])]), [4, 2]);
    assert_eq!(most(&[text("subset", "random")]), [5, 1]);
}

#[test]
fn classes_and_counts_that_there_are_not_are_refused() {
    let refusal = |given: &[(&str, Value)]| problem(given).unwrap_err();
    assert_eq!(
        refusal(&[classes(&["cat", "god"])]),
        "problem.classes has \"god\", not a class of \"pets\"; expected a number from 0 to 2 or one of cat, dog, 7"
    );
    assert_eq!(refusal(&[classes(&["cat", "0"])]), "problem.classes has the class 0 (cat) twice");
    assert_eq!(refusal(&[classes(&["cat"])]), "problem.classes has 1 classes; expected at least two");
    assert_eq!(
        refusal(&[("samples", Value::Integer(5)), classes(&["0", "7"])]),
        "problem.samples is 5, but \"pets\" with these classes has 4 training images; expected at most 4"
    );
    assert_eq!(
        refusal(&[("samples", Value::Integer(6)), text("subset", "random")]),
        "problem.samples is 6, but class \"7\" of \"pets\" has 1 training images; expected at most 5"
    );
    assert_eq!(
        refusal(&[("test_samples", Value::Integer(3))]),
        "problem.test_samples is 3, but \"pets\" with these classes has 2 test images; expected at most 2"
    );
}
