//! The general path against a plain loop in float64: every rule, point and way of sampling, on every schedule, in links and
//! networks.

use super::*;
use crate::dynamics::rule::{AnyRule, ENTRIES as RULES};
use crate::dynamics::sampling::{Scratch, Steps};
use crate::dynamics::{DecayEnters, GradientAt};
use crate::model::{Product, SharedLinear, Unit};
use crate::random::{Draws, Purpose};
use crate::schedule::{ENTRIES as SCHEDULES, SCHEDULES as TABLES};
use crate::setting::{Kind, Table};

const STEPS: u64 = 25;

/// Classes, so that every noise finds what it needs.
fn problem() -> Problem {
    let draws = Draws::new(31, &[0], 0);
    let mut x = vec![0.0; 9 * 4];
    draws.normals(Purpose::DESIGN, &mut x);
    let y = (0..9).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    Problem::new(x, y, None).unwrap().with_classes().unwrap()
}

fn with(model: ModelSpec, dynamics: GradientDescent, noises: Vec<Noise>) -> Setup {
    let cell = cell(Source::Shared(Arc::new(problem())), Batch::Full, 2);
    let (quantities, recording) = (vec![quantity("train_loss")], Recording::Every(10));
    Setup { model, dynamics: dynamics.into(), noises, quantities, recording, average_from: None, ..cell }
}

fn run(cell: Setup) -> Vec<Replica> {
    let cell = cell.check().unwrap();
    units(&cell)
        .into_iter()
        .flat_map(|unit| run_unit(&cell, &unit, Level::detect(), &()).unwrap().replicas)
        .collect()
}

fn models() -> Vec<ModelSpec> {
    let links = [
        LinkKind::Square(Square),
        LinkKind::Power(Power { depth: 3 }),
        LinkKind::Product(Product),
        LinkKind::Unit(Unit),
    ];
    let init = vec![0.5, 0.4, 0.6, 0.3];
    let network = |settings: &[(&str, Value)]| {
        let entry = crate::model::NETWORK_ENTRIES.iter().find(|entry| entry.kind == "two-layer").unwrap();
        let settings = Settings::check(entry, settings).unwrap();
        ModelSpec::from_settings("two-layer", &settings, 4, 1).unwrap()
    };
    let links = links.into_iter().map(|link| ModelSpec::with_init(link, init.clone()));
    links.chain([network(&[("width", Value::Integer(3))])]).collect()
}

/// A schedule of every kind, with rates of at most 0.03.
fn schedules() -> Vec<Schedule> {
    let value = |name: &str, kind: Kind| match kind {
        Kind::Number(_) if ["initial", "low"].contains(&name) => Value::Number(0.03),
        Kind::Number(_) => Value::Number(0.02),
        Kind::Integer { .. } => Value::Integer(7),
        Kind::Pairs(_) => Value::Pairs(vec![(0, 0.02), (11, 0.01)]),
        Kind::Choice(choices) => Value::Text(choices[0].to_owned()),
        other => panic!("{other}"),
    };
    let of = |entry: &crate::setting::Entry| {
        let given: Vec<_> =
            entry.settings.iter().map(|setting| (setting.name, value(setting.name, setting.kind))).collect();
        Schedule::from_table(&Table::of(&TABLES, entry, Settings::check(entry, &given).unwrap()).unwrap())
    };
    SCHEDULES.iter().map(of).collect()
}

/// A rule of every kind, with its update written plainly: from the gradient, the memory and the step to the move.
type Plain = fn(f64, &mut f64) -> f64;

fn rules() -> Vec<(AnyRule, Plain)> {
    fn heavy_ball(g: f64, m: &mut f64) -> f64 {
        *m = 0.8 * *m + g;
        *m
    }
    fn nesterov(g: f64, m: &mut f64) -> f64 {
        *m = 0.8 * *m + g;
        g + 0.8 * *m
    }
    fn sign(g: f64, _: &mut f64) -> f64 {
        g / (g.abs() + 0.1)
    }
    let rule = |kind: &str, settings: &[(&str, Value)]| {
        let entry = RULES.iter().find(|entry| entry.kind == kind).unwrap();
        let settings = Settings::check(entry, settings).unwrap();
        AnyRule::from_table(&Table::of(&crate::dynamics::rule::RULES, entry, settings).unwrap())
    };
    let momentum = ("momentum", Value::Number(0.8));
    vec![
        (rule("heavy-ball", std::slice::from_ref(&momentum)), heavy_ball as Plain),
        (rule("nesterov", &[momentum]), nesterov),
        (rule("sign", &[("epsilon", Value::Number(0.1))]), sign),
    ]
}

#[test]
fn every_rule_is_tested_here() {
    for entry in RULES {
        assert!(rules().iter().any(|(rule, _)| rule.kind() == entry.kind), "{}", entry.kind);
    }
}

/// The parameters of a replica after all steps.
fn plainly(cell: &Setup, moves: Plain, replica: u32) -> Vec<f64> {
    let Dynamics::GradientDescent(dynamics) = &cell.dynamics else { panic!("the cell flows") };
    let problem = cell.source.problem(replica);
    let (n, dim) = (problem.samples(), problem.dim());
    let model = cell.model.model(dim);
    let mut theta = cell.model.initial(dim, replica);
    let mut memory = vec![0.0; theta.len()];
    for step in 0..dynamics.steps {
        let members: Vec<usize> = match dynamics.batch {
            Batch::Full => (0..n).collect(),
            Batch::Size(size) => {
                let draws = Draws::new(cell.seed, std::slice::from_ref(&replica), step);
                let mut members = vec![0; size];
                let steps = Steps { draws, first: step, count: 1, samples: n, size };
                dynamics.sampling.draw(&steps, &mut Scratch::default(), &mut members);
                members
            }
        };
        let x: Vec<f64> = members.iter().flat_map(|i| problem.row(*i).to_vec()).collect();
        let y: Vec<f64> = members.iter().map(|i| problem.y()[*i]).collect();
        let rate = dynamics.learning_rate.at(step);
        let mut point = theta.clone();
        if dynamics.gradient_at == GradientAt::LOOK_AHEAD {
            // Where the memory alone, with a coefficient of 0.8, leads.
            point.iter_mut().zip(&memory).for_each(|(p, m)| *p -= rate * 0.8 * m);
        }
        let factor = 2.0 * cell.model.loss_factor / members.len() as f64;
        let predictions = model.predict(&point, &x);
        let weights: Vec<f64> = predictions.iter().zip(&y).map(|(f, y)| factor * (f - y)).collect();
        let mut gradient = vec![0.0; theta.len()];
        model.pull_back(&point, &Problem::new(x, y, None).unwrap(), &weights, &mut gradient);
        for ((t, m), g) in theta.iter_mut().zip(&mut memory).zip(gradient) {
            let decay = dynamics.weight_decay * *t;
            *t -= match dynamics.decay_enters {
                DecayEnters::Gradient => rate * moves(g + decay, m),
                DecayEnters::Step => rate * (decay + moves(g, m)),
            };
        }
    }
    theta
}

fn check(cell: &Setup, moves: Plain, what: &str) {
    let expected: Vec<Vec<f64>> = (0..2).map(|replica| plainly(cell, moves, replica)).collect();
    for (precision, tolerance) in [(Precision::F64, 1e-10), (Precision::F32, 2e-4)] {
        let found = run(Setup { precision, ..cell.clone() });
        for (found, expected) in found.iter().zip(&expected) {
            for (a, b) in found.theta.iter().zip(expected) {
                let error = (a - b).abs() / (1.0 + b.abs());
                assert!(error < tolerance, "{what} in {precision}: {a} instead of {b}");
            }
        }
    }
}

#[test]
fn every_rule_point_and_sampling_is_that_of_a_plain_loop_in_every_model() {
    let decays = [(0.0, DecayEnters::Gradient), (0.3, DecayEnters::Gradient), (0.3, DecayEnters::Step)];
    for model in models() {
        for (rule, moves) in rules() {
            for (weight_decay, decay_enters) in decays {
                for gradient_at in GradientAt::all() {
                    if gradient_at.refuses(&*rule).is_some() {
                        continue;
                    }
                    for (batch, sampling) in std::iter::once((Batch::Full, Sampling::WITH_REPLACEMENT))
                        .chain(Sampling::all().map(|sampling| (Batch::Size(2), sampling)))
                    {
                        let dynamics = GradientDescent {
                            batch,
                            sampling,
                            rule: Some(rule.clone()),
                            weight_decay,
                            decay_enters,
                            gradient_at,
                            ..GradientDescent::new(STEPS, 0.02)
                        };
                        let what = format!("{} with {dynamics:?}", model.form);
                        check(&with(model.clone(), dynamics, Vec::new()), moves, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn every_schedule_and_sampling_is_that_of_a_plain_loop_on_every_path() {
    fn descent(g: f64, _: &mut f64) -> f64 {
        g
    }
    for model in models() {
        for learning_rate in schedules() {
            for batch in [Batch::Full, Batch::Size(1), Batch::Size(2)] {
                for sampling in Sampling::all() {
                    let dynamics = GradientDescent {
                        batch,
                        sampling,
                        learning_rate: learning_rate.clone(),
                        ..GradientDescent::new(STEPS, 0.02)
                    };
                    let what = format!("{} with {dynamics:?}", model.form);
                    let cell = with(model.clone(), dynamics, Vec::new());
                    assert!(cell.process().beyond_fused().is_none(), "{what}");
                    check(&cell, descent, &what);
                }
            }
        }
    }
}

/// Of Nesterov's own form, the points of the gradients are the parameters of PyTorch's form.
#[test]
fn the_heavy_ball_with_a_look_ahead_is_nesterovs_momentum() {
    let start = ModelSpec::with_init(LinkKind::Square(Square), vec![0.5, 0.4, 0.6, 0.3]);
    let momentum = 0.8;
    let of = |steps: u64, gradient_at, nesterov| {
        let dynamics =
            GradientDescent { momentum, nesterov, gradient_at, ..GradientDescent::new(steps, 0.02) };
        run(with(start.clone(), dynamics, Vec::new())).swap_remove(0).theta
    };
    let (before, after) = (of(39, GradientAt::LOOK_AHEAD, false), of(40, GradientAt::LOOK_AHEAD, false));
    // theta - learning_rate b m = theta + b (theta - theta before)
    let ahead = before.iter().zip(&after).map(|(before, after)| after + momentum * (after - before));
    for (found, expected) in ahead.zip(of(40, GradientAt::PARAMETERS, true)) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

/// What fused loops do not know of the linear model is what a network of the same function does.
#[test]
fn a_linear_model_on_the_general_path_is_a_network_of_its_function() {
    let init = vec![0.5, -0.4, 0.6, 0.3];
    let link = ModelSpec::with_init(LinkKind::Unit(Unit), init.clone());
    let network = ModelSpec::of_network(Arc::new(SharedLinear { params: 4, outputs: 1 }), 0);
    let network = ModelSpec { loss_factor: link.loss_factor, ..network };
    let start = Start { origin: Origin::Points(vec![init.into()]), ..Start::default() };
    let flips = || {
        let probability = Schedule::constant(0.3);
        vec![Noise::sample(crate::noise::LabelFlip { probability })]
    };
    let behind = || {
        let noise = IsotropicNoise { std: 0.7, bypasses_momentum: true };
        vec![Noise::parameter(noise)]
    };
    let momentum = GradientDescent { momentum: 0.8, ..GradientDescent::new(STEPS, 0.02) };
    let cases = [
        (momentum.clone(), behind()),
        (momentum.clone(), flips()),
        (GradientDescent { nesterov: true, ..momentum.clone() }, vec![label_noise(0.5)]),
        (GradientDescent { weight_decay: 0.1, batch: Batch::Size(2), ..momentum }, behind()),
    ];
    for (dynamics, noises) in cases {
        let of = |model: &ModelSpec, start: Start| {
            run(Setup { start, ..with(model.clone(), dynamics.clone(), noises.clone()) })
        };
        let cell = with(link.clone(), dynamics.clone(), noises.clone());
        assert!(cell.process().beyond_fused().is_some());
        for (a, b) in of(&link, Start::default()).iter().zip(of(&network, start.clone())) {
            for (a, b) in a.theta.iter().zip(&b.theta) {
                assert!((a - b).abs() < 1e-12, "{dynamics:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn averages_and_logarithms_are_those_of_the_path() {
    let start = ModelSpec::with_init(LinkKind::Square(Square), vec![0.5, 0.4, 0.6, 0.3]);
    let dynamics = GradientDescent { momentum: 0.8, nesterov: true, ..GradientDescent::new(STEPS, 0.02) };
    let of = |steps: u64| {
        let dynamics = GradientDescent { steps, ..dynamics.clone() };
        run(with(start.clone(), dynamics, Vec::new())).swap_remove(0)
    };
    let averaged = Setup { average_from: Some(20), ..with(start.clone(), dynamics.clone(), Vec::new()) };
    let found = run(averaged).swap_remove(0);
    for j in 0..4 {
        let mean = (21..=STEPS).map(|steps| of(steps).beta[j]).sum::<f64>() / 5.0;
        assert!((found.average.as_ref().unwrap()[j] - mean).abs() < 1e-14);
        assert_eq!(found.log_abs_theta[j], found.theta[j].abs().ln());
        assert_eq!(found.beta[j], found.theta[j] * found.theta[j]);
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refusal = |dynamics: GradientDescent| {
        with(models().swap_remove(0), dynamics, Vec::new()).check().err().unwrap().to_string()
    };
    let (heavy_ball, nesterov) = (rules().swap_remove(0).0, rules().swap_remove(1).0);
    let plain = GradientDescent::new(5, 0.1);
    let twice = GradientDescent { momentum: 0.5, rule: Some(heavy_ball), ..plain.clone() };
    assert_eq!(
        refusal(twice),
        "dynamics.momentum is 0.5 beside dynamics.rule; expected it there, or no rule"
    );
    let ahead = GradientDescent { rule: Some(nesterov), gradient_at: GradientAt::LOOK_AHEAD, ..plain };
    assert_eq!(
        refusal(ahead),
        "dynamics.gradient_at is \"look-ahead\", which needs a rule of which it is known how it goes on by itself, such as \
         \"heavy-ball\""
    );
}

/// Whether each part of theory refuses a dynamics, and what it says.
fn answers_of_theory(dynamics: &GradientDescent) -> [Option<String>; 3] {
    let model = ModelSpec::with_init(LinkKind::Power(Power { depth: 2 }), vec![0.5, 0.4, 0.6, 0.3]);
    let cell = with(model, dynamics.clone(), vec![label_noise(0.5)]);
    let with_threshold = Setup { quantities: vec![quantity("max_stable_learning_rate")], ..cell.clone() };
    let cell = cell.check().unwrap();
    [
        crate::prediction::check(cell.process()).err().map(|error| error.to_string()),
        predicted_lasso(cell.process(), &problem()).err().map(|error| error.to_string()),
        with_threshold.check().err().map(|error| error.to_string()),
    ]
}

#[test]
fn what_theory_does_not_know_is_refused_by_every_part_of_it_by_name() {
    let plain = GradientDescent { batch: Batch::Size(2), ..GradientDescent::new(STEPS, 0.02) };
    assert_eq!(answers_of_theory(&plain), [None, None, None]);
    let refused = |dynamics: GradientDescent, setting: &str| {
        for found in answers_of_theory(&dynamics) {
            let found = found.unwrap_or_else(|| panic!("{setting} is not refused"));
            assert!(
                found.contains(setting) || found.contains("needs momentum or none"),
                "{setting}: {found}"
            );
        }
    };
    for sampling in Sampling::all().filter(|sampling| !sampling.is_independent()) {
        refused(GradientDescent { sampling, ..plain.clone() }, "dynamics.sampling");
    }
    for (rule, _) in rules().into_iter().filter(|(rule, _)| rule.as_momentum().is_none()) {
        refused(GradientDescent { rule: Some(rule), ..plain.clone() }, "dynamics.rule");
    }
    refused(GradientDescent { momentum: 0.5, nesterov: true, ..plain.clone() }, "dynamics.nesterov");
    for decay_enters in [DecayEnters::Gradient, DecayEnters::Step] {
        refused(
            GradientDescent { weight_decay: 0.1, decay_enters, ..plain.clone() },
            "dynamics.weight_decay",
        );
    }
    for gradient_at in GradientAt::all().filter(|at| !at.is_parameters()) {
        refused(GradientDescent { gradient_at, momentum: 0.5, ..plain.clone() }, "dynamics.gradient_at");
    }
    for learning_rate in schedules().into_iter().filter(|rate| !rate.is_piecewise_constant()) {
        let dynamics = GradientDescent { learning_rate, ..plain.clone() };
        let [slow_flow, lasso, threshold] = answers_of_theory(&dynamics);
        assert!(slow_flow.unwrap().contains("dynamics.learning_rate is of the kind"));
        assert!(lasso.unwrap().contains("dynamics.learning_rate is of the kind"));
        // A threshold does not depend on the step size.
        assert_eq!(threshold, None);
    }
}
