use super::super::predicted_lasso;
use super::super::tests::{HADAMARD, QUADRATIC, cell, label, of, variants};
use super::*;
use crate::dynamics::{Batch, Flow, GradientDescent, RateUnit, Sampling, Schedule};
use crate::ensemble::setup::Setup;
use crate::model::{LinkKind, Unit as Linear};
use crate::noise::{IsotropicNoise, LabelDistribution};
use crate::problem::Problem;
use crate::process::Source;
use crate::theory::lasso::tests::noisy;

fn asking(lambda: f64, labels: Labels) -> Noise {
    let distribution = LabelDistribution::Gaussian;
    Noise::sample(LabelNoise { std: f64::NAN, lambda: Some(lambda), labels, distribution })
}

/// The mean of the predicted `lambda_j`.
fn strength_of(process: &Process, problem: &Problem) -> f64 {
    mean(&predicted_lasso(process, problem).unwrap().lambda)
}

fn label_noise(process: &Process, k: usize) -> Option<LabelNoise> {
    process.noises[k].label_noise().copied()
}

#[test]
fn a_lambda_gives_the_standard_deviation_that_gives_the_lambda() {
    let problem = noisy(1, 20, 30, 3, 0.5);
    let mut tried = 0;
    for (what, link, dynamics, noises) in variants(20, 100) {
        let problem = of(link, &problem);
        let given = cell(&problem, link, dynamics, noises);
        let lambda = strength_of(&given.process(), &problem);
        for k in 0..given.noises.len() {
            let Some(noise) = label_noise(&given.process(), k) else { continue };
            let mut asking = given.clone();
            asking.noises[k] = Noise::sample(LabelNoise { std: f64::NAN, lambda: Some(lambda), ..noise });
            let found = asking.check().unwrap();
            let std = label_noise(found.process(), k).unwrap().std;
            assert!(
                (std / noise.std - 1.0).abs() < 1e-8,
                "{what}, noise {k}: {std} instead of {}",
                noise.std
            );
            tried += 1;
        }
    }
    assert_eq!(tried, 12);
}

#[test]
fn the_standard_deviation_is_that_of_the_formula_by_hand() {
    // lambda = eta/(1 - b) delta^2/2 |X_j|^2/n / n with all n = 2 labels perturbed, and |X_j|^2 = n.
    let problem = Problem::new(vec![1.0, -1.0, 1.0, 1.0], vec![2.0, 1.0], None).unwrap();
    let dynamics = GradientDescent { momentum: 0.5, ..GradientDescent::new(10, 0.1) };
    let cell = cell(&problem, QUADRATIC, dynamics, vec![asking(0.2, Labels::Batch)]).check().unwrap();
    assert_eq!(label_noise(cell.process(), 0).unwrap().std, 2.0);
    assert_eq!(
        stds_of_lambdas(cell.process())[0].to_string(),
        "noise.0.lambda = 0.2: std = 2, for |X beta - y|^2 / 2n + lambda |beta|_1, at step size 0.1, momentum 0.5, \
         loss factor 0.25, all 2 labels of a step perturbed"
    );
}

#[test]
fn the_predicted_lasso_has_the_lambda_that_was_asked_for() {
    let problem = noisy(2, 12, 20, 3, 0.5);
    let plain = GradientDescent::new(100, 0.01);
    let drops = Schedule::with_drops(0.02, vec![(10, 0.5), (99, 0.25)]).unwrap();
    let flow = Flow { learning_rate: Some(Schedule::constant(0.02)), ..Flow::new(100, 0.1) };
    let batch =
        GradientDescent { batch: Batch::Size(3), sampling: Sampling::WITHOUT_REPLACEMENT, ..plain.clone() };
    let one = |lambda| vec![asking(lambda, Labels::One)];
    let all = |lambda| vec![asking(lambda, Labels::Batch)];
    let mut cells = vec![
        cell(&problem, HADAMARD, plain.clone(), one(0.1)),
        cell(&problem, HADAMARD, plain.clone(), all(1e-6)),
        cell(&problem, HADAMARD, GradientDescent { learning_rate: drops, ..plain.clone() }, one(0.05)),
        cell(&problem, HADAMARD, batch.clone(), one(0.1)),
        cell(&problem, HADAMARD, batch, all(0.1)),
        cell(&problem, HADAMARD, plain.clone(), vec![label(0.5, Labels::One), asking(0.1, Labels::One)]),
    ];
    let mut other_loss = cells[0].clone();
    other_loss.model.loss_factor = 0.8;
    let mut in_time = cells[0].clone();
    in_time.dynamics = flow.into();
    cells.extend([other_loss, in_time]);
    for (k, cell) in cells.into_iter().enumerate() {
        let asked = cell.noises.iter().find_map(Noise::of_lambda).unwrap().1;
        let found = strength_of(cell.checked().process(), &problem);
        assert!((found / asked - 1.0).abs() < 1e-9, "cell {k}: {found} instead of {asked}");
    }
}

#[test]
fn a_lambda_that_cannot_be_had_is_refused_with_the_reason() {
    let problem = noisy(1, 10, 30, 3, 0.0);
    let plain = GradientDescent::new(100, 0.01);
    let one = || vec![asking(0.1, Labels::One)];
    let refusal = |cell: Setup| match cell.check() {
        Ok(_) => panic!("not refused"),
        Err(error) => error.to_string(),
    };
    let linear = cell(&problem, LinkKind::Unit(Linear), plain.clone(), one());
    assert_eq!(
        refusal(linear),
        "noise.0.lambda is 0.1, but the l1 strength of label noise holds for beta = w^2, u^2 - v^2 and a * b; the model \
         is linear; expected std in its place"
    );
    let isotropic = Noise::parameter(IsotropicNoise { std: 1.0, bypasses_momentum: false });
    let both = cell(&problem, HADAMARD, plain.clone(), vec![asking(0.1, Labels::One), isotropic]);
    assert_eq!(
        refusal(both),
        "noise.0.lambda is 0.1, but no Lasso is known for noise.1: acts on the parameters, not on the labels or the \
         samples; expected std in its place"
    );
    let twice = vec![asking(0.1, Labels::One), asking(0.1, Labels::One)];
    assert_eq!(
        refusal(cell(&problem, HADAMARD, plain.clone(), twice)),
        "noise.1.lambda is 0.1, which another noise has as well; expected std"
    );
    // The other noise alone makes eta delta^2/2 times the mean square of the design.
    let too_much = vec![label(10.0, Labels::One), asking(0.1, Labels::One)];
    let squares: f64 = problem.x().iter().map(|x| x * x).sum::<f64>() / problem.x().len() as f64;
    assert_eq!(
        refusal(cell(&problem, HADAMARD, plain.clone(), too_much)),
        format!(
            "noise.1.lambda is 0.1, but mini-batches and the other noises make a lambda of {:.3e} already; expected more \
             than that",
            0.5 * squares
        )
    );
    let counted = GradientDescent { unit: RateUnit::Threshold, ..plain.clone() };
    assert_eq!(
        refusal(cell(&problem, HADAMARD, counted, one())),
        "noise.0.lambda is 0.1, which needs dynamics.learning_rate_unit = \"one\"; expected std in its place"
    );
    let mut own = cell(&problem, HADAMARD, plain, one());
    let settings = crate::setting::Settings::check(
        crate::problem::ENTRIES.iter().find(|entry| entry.kind == "sparse-regression").unwrap(),
        &[
            ("samples", crate::setting::Value::Integer(10)),
            ("dim", crate::setting::Value::Integer(30)),
            ("sparsity", crate::setting::Value::Integer(3)),
            ("data_per_replica", crate::setting::Value::Flag(true)),
        ],
    )
    .unwrap();
    own.source =
        Source::PerReplica(crate::problem::Generator::from_settings("sparse-regression", &settings).unwrap());
    assert_eq!(
        refusal(own),
        "noise.0.lambda is 0.1, which needs problem.data_per_replica = false; expected std in its place"
    );
}
