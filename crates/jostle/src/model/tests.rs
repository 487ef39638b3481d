use super::*;
use num_dual::{Dual64, DualNum};
use proptest::prelude::*;

/// The loss written out once more, on dual numbers: its derivative is exact.
fn loss<L: Link>(link: L, theta: &[Dual64], problem: &Problem, factor: f64) -> Dual64 {
    let dim = problem.dim();
    let mut total = Dual64::from(0.0);
    for (i, y) in problem.y().iter().enumerate() {
        let mut residual = Dual64::from(-*y);
        for (j, x) in problem.row(i).iter().enumerate() {
            let parts = std::array::from_fn(|part| theta[(part % L::PARTS) * dim + j]);
            residual += link.coefficient(parts) * Dual64::from(*x);
        }
        total += residual.powi(2);
    }
    total * (factor / problem.samples() as f64)
}

fn check_gradient<L: Link>(link: L, factor: f64, x: Vec<f64>, y: Vec<f64>, theta: &[f64]) {
    let problem = Problem::new(x, y, None).unwrap();
    let (n, dim) = (problem.samples(), problem.dim());
    let theta = &theta[..L::PARTS * dim];
    let predictions = link.predict(theta, problem.x(), dim);
    let weights: Vec<f64> =
        predictions.iter().zip(problem.y()).map(|(f, y)| 2.0 * factor / n as f64 * (f - y)).collect();
    let mut gradient = vec![0.0; theta.len()];
    link.pull_back(theta, &problem, &weights, &mut gradient);
    for k in 0..theta.len() {
        let mut dual: Vec<_> = theta.iter().map(|t| Dual64::from(*t)).collect();
        dual[k] = dual[k].derivative();
        let exact = loss(link, &dual, &problem, factor).eps;
        assert!((gradient[k] - exact).abs() <= 1e-11 * (1.0 + exact.abs()), "{k}: {} {exact}", gradient[k]);
    }
}

proptest! {
    #[test]
    fn pull_back_of_the_residuals_is_the_gradient_of_the_loss(
        x in prop::collection::vec(-2.0..2.0f64, 12),
        y in prop::collection::vec(-2.0..2.0f64, 3),
        theta in prop::collection::vec(-1.5..1.5f64, 8),
        depth in 2..6u32,
    ) {
        check_gradient(Square, 0.25, x.clone(), y.clone(), &theta);
        check_gradient(Power { depth }, 0.25, x.clone(), y.clone(), &theta);
        check_gradient(Product, 0.5, x.clone(), y.clone(), &theta);
        check_gradient(Unit, 0.5, x, y, &theta);
    }
}

#[test]
fn the_blocks_of_the_kernel_are_the_squared_norms_of_each_samples_gradient() {
    let problem = Problem::new(vec![1.0, -2.0, 0.5, 3.0], vec![0.0, 0.0], None).unwrap();
    let theta = [0.3, -0.7, 1.1, 0.2];
    for model in [&Power { depth: 3 } as &dyn Model, &Product] {
        let mut diagonal = [0.0; 2];
        model.kernel_blocks(&theta, &problem, &mut diagonal);
        for (i, k) in diagonal.iter().enumerate() {
            let mut weights = [0.0; 2];
            weights[i] = 1.0;
            let mut gradient = [0.0; 4];
            model.pull_back(&theta, &problem, &weights, &mut gradient);
            let norm: f64 = gradient.iter().map(|g| g * g).sum();
            assert!((k - norm).abs() < 1e-14, "{k} {norm}");
        }
    }
}

#[test]
fn the_product_form_starts_at_the_same_point_as_the_power_form() {
    for link in [LinkKind::Power(Power { depth: 2 }), LinkKind::Product(Product)] {
        let spec = ModelSpec::new(link, 0.3);
        let theta = spec.initial(2, 0);
        let (u, v) = match link {
            LinkKind::Product(_) => (f64::midpoint(theta[0], theta[2]), f64::midpoint(theta[0], -theta[2])),
            _ => (theta[0], theta[2]),
        };
        assert_eq!((u, v), (0.3, 0.3));
    }
}

#[test]
fn initial_values_are_one_or_one_for_each_coordinate() {
    let spec = ModelSpec::with_init(LinkKind::Square(Square), vec![1.0, 2.0]);
    assert_eq!(spec.initial(2, 0), [1.0, 2.0]);
    assert!(
        spec.check_initial(3).unwrap_err().to_string().contains("model.init has 2 values; expected 1 or 3")
    );
}
