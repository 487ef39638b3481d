//! The geometry of a point that is given by its Jacobian and residuals: of any model, trained anywhere.

use jostle::geometry::{Batches, Geometry, Jacobian, QUANTITIES, Threshold};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Three samples and four parameters.
    let jacobian = [
        [1.0, 0.2, 0.0, 0.5], //
        [0.1, 0.9, 0.4, 0.0],
        [0.3, 0.0, 1.2, 0.1],
    ];
    let residuals = [0.3, -0.1, 0.2];
    let jacobian = Jacobian::new(jacobian.concat(), jacobian[0].len(), 1)?;

    let geometry = Geometry::measure(&jacobian, &residuals)?;
    for quantity in QUANTITIES {
        println!("{:<26}{:<36}{:>12.6}", quantity.name, quantity.symbol, (quantity.of)(&geometry));
    }
    for size in [1, 2, 3] {
        let batches = Batches::without_replacement(size);
        let threshold = Threshold::of_kernel(&jacobian, batches, 0.0, &())?;
        println!(
            "batches of {size}: stable in mean square up to the step size {:.4}",
            threshold.learning_rate
        );
    }
    Ok(())
}
