//! Where the kernel comes from: an array, a Jacobian, a model, or anything else that can hand over its blocks.

use super::{GeometryError, KernelRequest, Sums, range};
use crate::linear_algebra::{dot, product, products_of_rows, transpose_product};
use crate::model::{Loss, Model, map_outputs};
use crate::problem::Problem;
use crate::watch::Watch;
use std::ops::{Deref, Range};

/// The kernel `K = J J'` (nc x nc) of `n` samples with `c` outputs each, at one point, in units of `2^exponent`.
pub trait KernelSource: Send + Sync {
    /// Number of samples `n`.
    fn samples(&self) -> usize;

    /// Outputs `c` of one sample.
    fn outputs(&self) -> usize;

    /// The block of `K` between two ranges of samples, row major: `c rows.len()` by `c columns.len()`.
    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]);

    /// `K v` (nc).
    fn product(&self, v: &[f64], out: &mut [f64]) {
        let (c, n) = (self.outputs(), self.samples());
        let step = self.samples_of_a_block();
        let mut block = Vec::new();
        out.fill(0.0);
        for start in (0..n).step_by(step) {
            let rows = start..n.min(start + step);
            for start in (0..n).step_by(step) {
                let columns = start..n.min(start + step);
                let width = c * columns.len();
                block.resize(c * rows.len() * width, 0.0);
                self.block(rows.clone(), columns.clone(), &mut block);
                let v = &v[c * columns.start..][..width];
                let out = out[c * rows.start..].iter_mut();
                out.zip(block.chunks_exact(width)).for_each(|(o, row)| *o += dot(row, v));
            }
        }
    }

    /// The sums over all pairs of samples that the geometry of the residuals `r` (nc) is made of.
    fn sums(&self, residuals: &[f64]) -> Sums {
        Sums::of_blocks(self, residuals)
    }

    /// The exponent of the unit that blocks, products and sums are in: they are those of `K / 2^exponent`. 0 but for
    /// arrays whose squares would leave the range of numbers.
    fn exponent(&self) -> i32 {
        0
    }

    /// Number of parameters `p`, where it is known.
    fn params(&self) -> Option<usize> {
        None
    }

    /// `J` (nc x p, row major), where it is held, in units of `2^(exponent/2)`.
    fn jacobian(&self) -> Option<&[f64]> {
        None
    }

    /// The samples of one block of a pass over the kernel.
    fn samples_of_a_block(&self) -> usize {
        (256 / self.outputs()).max(1)
    }

    /// The kernels of the layers, the first one first, where they were asked for and are known.
    fn layers(&self) -> Vec<LayerKernel<'_>> {
        Vec::new()
    }
}

/// The kernel `K_l = J_l J_l'` of the parameters of one layer alone, as if all others were fixed: with the columns `J_l` of
/// the Jacobian that belong to it, `K` is the sum of the `K_l`.
pub struct LayerKernel<'a> {
    /// The layer's name.
    pub name: String,
    /// Its kernel, which knows its number of parameters.
    pub kernel: Box<dyn KernelSource + 'a>,
    /// `Tr(K_l K)`.
    pub trace_with_whole: f64,
}

/// Entries on both sides of the diagonal may differ by this share of the largest entry: a kernel made in float32 does.
const SYMMETRY: f64 = 1e-5;

/// A kernel that is held as an array.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseKernel {
    values: Vec<f64>,
    exponent: i32,
    samples: usize,
    outputs: usize,
}

impl DenseKernel {
    /// Takes over a kernel (nc x nc) of `c = outputs` outputs a sample, the outputs of a sample side by side. The
    /// mean with its transpose is kept, so that it is symmetric to the last bit.
    ///
    /// Whether its eigenvalues are those of a kernel is known once a [`Spectrum`](super::Spectrum) is computed.
    ///
    /// # Errors
    /// A kernel that is empty, zero, not square, not of whole samples, or not finite; one that differs from its
    /// transpose by more than 1e-5 of its largest entry, or has an entry below 0 on its diagonal.
    pub fn new(mut values: Vec<f64>, outputs: usize) -> Result<Self, GeometryError> {
        let side = values.len().isqrt();
        if side == 0 || outputs == 0 {
            return Err(GeometryError::Empty { array: "kernel" });
        }
        if side * side != values.len() || !side.is_multiple_of(outputs) {
            let expected = format!("a square of a multiple of {outputs} (the outputs of a sample)");
            return Err(GeometryError::Length { array: "kernel", found: values.len(), expected });
        }
        check_finite("kernel", &values, side)?;
        let largest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        if largest == 0.0 {
            return Err(GeometryError::Zero);
        }
        for row in 0..side {
            for column in 0..=row {
                let (value, mirrored) = (values[row * side + column], values[column * side + row]);
                if (value - mirrored).abs() > SYMMETRY * largest {
                    return Err(GeometryError::NotSymmetric { row, column, value, mirrored });
                }
                values[row * side + column] = f64::midpoint(value, mirrored);
                values[column * side + row] = f64::midpoint(value, mirrored);
            }
            if values[row * side + row] < 0.0 {
                return Err(GeometryError::NegativeDiagonal { row, value: values[row * side + row] });
            }
        }
        let exponent = range::exponent(&values, range::KERNEL);
        range::divide(&mut values, exponent);
        Ok(Self { values, exponent, samples: side / outputs, outputs })
    }

    /// The kernel (nc x nc), in its unit.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

impl KernelSource for DenseKernel {
    fn samples(&self) -> usize {
        self.samples
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        let (c, side) = (self.outputs, self.samples * self.outputs);
        let width = c * columns.len();
        for (row, out) in (c * rows.start..c * rows.end).zip(out.chunks_exact_mut(width)) {
            out.copy_from_slice(&self.values[row * side + c * columns.start..][..width]);
        }
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        let rows = self.values.chunks_exact(self.samples * self.outputs);
        out.iter_mut().zip(rows).for_each(|(o, row)| *o = dot(row, v));
    }

    fn exponent(&self) -> i32 {
        self.exponent
    }
}

/// A kernel by its Jacobian: blocks are formed when they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Jacobian {
    values: Vec<f64>,
    exponent: i32,
    params: usize,
    samples: usize,
    outputs: usize,
}

impl Jacobian {
    /// Takes over a Jacobian (nc x p, row major) of `c = outputs` outputs a sample, those of a sample side by side.
    ///
    /// # Errors
    /// A Jacobian that is empty, zero, not of whole rows and samples, or not finite.
    pub fn new(mut values: Vec<f64>, params: usize, outputs: usize) -> Result<Self, GeometryError> {
        if values.is_empty() || params == 0 || outputs == 0 {
            return Err(GeometryError::Empty { array: "jacobian" });
        }
        let found = values.len();
        if !found.is_multiple_of(params * outputs) {
            let expected =
                format!("a multiple of {outputs} (the outputs of a sample) times {params} (the parameters)");
            return Err(GeometryError::Length { array: "jacobian", found, expected });
        }
        check_finite("jacobian", &values, params)?;
        if values.iter().all(|v| *v == 0.0) {
            return Err(GeometryError::Zero);
        }
        let exponent = range::exponent(&values, range::JACOBIAN);
        range::divide(&mut values, exponent);
        Ok(Self { values, exponent, params, samples: found / params / outputs, outputs })
    }

    /// A model at a point `theta` (p), and its residuals (nc).
    ///
    /// Jacobian and residuals are those of an equivalent model with the loss `(1/2n) |r|^2`: the gradient of every sample and
    /// the curvature `G` (the Gauss-Newton matrix) are those of the model's own loss. With its factor `a` the square loss is
    /// `(a/n) |r|^2`, and both are multiplied by `sqrt(2a)`; with the cross-entropy, `(1/2n) |r|^2` is half of Pearson's
    /// chi-squared, `r' H^+ r` with the Hessian `H` in the outputs: not the loss, but what takes its place in the alignment.
    ///
    /// # Errors
    /// A point whose Jacobian is zero or not finite.
    pub fn of_model(
        model: &dyn Model,
        (loss, loss_factor): (Loss, f64),
        theta: &[f64],
        problem: &Problem,
    ) -> Result<(Self, Vec<f64>), GeometryError> {
        let outputs = model.outputs();
        let mut residuals = model.predict(theta, problem.x());
        loss.residuals(&mut residuals, problem.y(), outputs);
        let maps = loss.standardise(loss_factor, &mut residuals, problem.y(), outputs);
        let mut values = model.jacobian(theta, problem, 1.0);
        map_outputs(&maps, outputs, theta.len(), &mut values);
        Ok((Self::new(values, theta.len(), outputs)?, residuals))
    }

    fn rows(&self, samples: Range<usize>) -> &[f64] {
        let width = self.outputs * self.params;
        &self.values[samples.start * width..samples.end * width]
    }
}

impl KernelSource for Jacobian {
    fn samples(&self) -> usize {
        self.samples
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        products_of_rows(self.rows(rows), self.rows(columns), self.params, out);
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        let pulled = transpose_product(&self.values, self.params, v);
        out.copy_from_slice(&product(&self.values, self.params, &pulled));
    }

    fn params(&self) -> Option<usize> {
        Some(self.params)
    }

    fn exponent(&self) -> i32 {
        2 * self.exponent
    }

    fn jacobian(&self) -> Option<&[f64]> {
        Some(&self.values)
    }
}

/// The kernel and the residuals (nc) of a model at a point `theta` (p), by the cheapest way, in the form of
/// [`Jacobian::of_model`]. `watch` hears how far it is, and may stop it: the kernel is then none.
///
/// # Errors
/// A point whose Jacobian is zero or not finite.
pub fn kernel_of_model(
    model: &dyn Model,
    loss: (Loss, f64),
    theta: &[f64],
    problem: &Problem,
    watch: &dyn Watch,
) -> Result<(Box<dyn KernelSource>, Vec<f64>), GeometryError> {
    kernel_with_layers(model, loss, theta, problem, false, watch)
}

/// The same with the kernels of its layers, of a model that knows them.
///
/// # Errors
/// A point whose Jacobian is zero or not finite.
pub fn layers_of_model(
    model: &dyn Model,
    loss: (Loss, f64),
    theta: &[f64],
    problem: &Problem,
    watch: &dyn Watch,
) -> Result<(Box<dyn KernelSource>, Vec<f64>), GeometryError> {
    kernel_with_layers(model, loss, theta, problem, true, watch)
}

fn kernel_with_layers(
    model: &dyn Model,
    (loss, loss_factor): (Loss, f64),
    theta: &[f64],
    problem: &Problem,
    has_layers: bool,
    watch: &dyn Watch,
) -> Result<(Box<dyn KernelSource>, Vec<f64>), GeometryError> {
    let outputs = model.outputs();
    let mut residuals = model.predict(theta, problem.x());
    loss.residuals(&mut residuals, problem.y(), outputs);
    let maps = loss.standardise(loss_factor, &mut residuals, problem.y(), outputs);
    if residuals.iter().all(|r| r.is_finite()) {
        let is_plain = loss == Loss::Square && loss_factor == 0.5;
        let maps = (!is_plain).then_some(&maps[..]);
        let request =
            KernelRequest { maps, has_layers, watch, ..KernelRequest::new(theta, problem.x(), &residuals) };
        if let Some(kernel) = model.kernel(&request) {
            return Ok((kernel, residuals));
        }
    }
    let (jacobian, residuals) = Jacobian::of_model(model, (loss, loss_factor), theta, problem)?;
    Ok((Box::new(jacobian), residuals))
}

impl<P: Deref<Target: KernelSource> + Send + Sync> KernelSource for P {
    fn samples(&self) -> usize {
        (**self).samples()
    }

    fn outputs(&self) -> usize {
        (**self).outputs()
    }

    fn block(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f64]) {
        (**self).block(rows, columns, out);
    }

    fn product(&self, v: &[f64], out: &mut [f64]) {
        (**self).product(v, out);
    }

    fn exponent(&self) -> i32 {
        (**self).exponent()
    }

    fn params(&self) -> Option<usize> {
        (**self).params()
    }

    fn jacobian(&self) -> Option<&[f64]> {
        (**self).jacobian()
    }

    fn samples_of_a_block(&self) -> usize {
        (**self).samples_of_a_block()
    }

    fn sums(&self, residuals: &[f64]) -> Sums {
        (**self).sums(residuals)
    }

    fn layers(&self) -> Vec<LayerKernel<'_>> {
        (**self).layers()
    }
}

/// Refuses NaN and infinities, by row and column where an array has several columns.
pub(super) fn check_finite(array: &'static str, values: &[f64], columns: usize) -> Result<(), GeometryError> {
    let Some(k) = values.iter().position(|v| !v.is_finite()) else { return Ok(()) };
    let position = match columns {
        1 => k.to_string(),
        _ => format!("row {}, column {}", k / columns, k % columns),
    };
    Err(GeometryError::NotFinite { array, position, value: values[k] })
}
