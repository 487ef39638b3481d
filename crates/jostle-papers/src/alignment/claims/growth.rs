//! B5: the mean loss and the typical path around the threshold.

use super::super::points::{Point, starts};
use crate::Runs;
use crate::judgement::{Criterion, Judged, Measured, Verdict, last_step};
use jostle_lab::LabError;
use jostle_lab::read::Run;
use jostle_report::number::compact;

/// What was predicted and measured at one step size.
pub(crate) struct Growth {
    /// The step size in units of the threshold.
    pub(crate) multiple: f64,
    /// `ln` of the factor by which the mean loss grows at every step, in the long run.
    pub(crate) predicted: f64,
    /// The same, measured.
    pub(crate) of_mean: Measured,
    /// The mean growth of the logarithm of the loss, measured.
    pub(crate) typical: Measured,
}

/// Growth rates over the second half of the run, for every step size.
pub(crate) fn growths(run: &Run) -> Result<Vec<Growth>, LabError> {
    let points = starts(run)?;
    let cells = (0..run.cells()).zip(&points);
    cells.map(|(cell, points)| growth(run, cell, &points[0])).collect()
}

fn growth(run: &Run, cell: usize, point: &Point) -> Result<Growth, LabError> {
    let multiple = run.key(cell, "dynamics.learning_rate").unwrap_or(f64::NAN);
    let last = last_step(run, cell)?;
    let (before, after) =
        (run.values_at(cell, "train_loss", last / 2)?, run.values_at(cell, "train_loss", last)?);
    let from = run.steps(cell)?.into_iter().filter(|step| *step <= last / 2).max().unwrap_or(0);
    let steps = (last - from) as f64;
    Ok(Growth {
        multiple,
        predicted: point.spectrum.growth_rate(multiple * point.threshold()?, point.batches)?,
        of_mean: of_mean(&before, &after, steps),
        typical: typical(&before, &after, steps),
    })
}

/// The 97.5 % point of the standard normal law.
const NORMAL_QUANTILE: f64 = 1.96;

/// `ln(mean after / mean before) / steps`, with the interval of the delta method for pairs.
fn of_mean(before: &[f64], after: &[f64], steps: f64) -> Measured {
    let count = before.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (first, then) = (mean(before), mean(after));
    let squares: f64 =
        before.iter().zip(after).map(|(b, a)| (a / then - b / first).powi(2)).sum::<f64>() / count;
    let (value, error) = ((then / first).ln() / steps, (squares / count).sqrt() / steps);
    Measured { value, low: value - NORMAL_QUANTILE * error, high: value + NORMAL_QUANTILE * error }
}

/// The mean of `ln(after / before) / steps`, with its normal interval.
fn typical(before: &[f64], after: &[f64], steps: f64) -> Measured {
    let count = before.len() as f64;
    let slopes: Vec<f64> = before.iter().zip(after).map(|(b, a)| (a / b).ln() / steps).collect();
    let value = slopes.iter().sum::<f64>() / count;
    let variance = slopes.iter().map(|s| (s - value).powi(2)).sum::<f64>() / count;
    let error = (variance / count).sqrt();
    Measured { value, low: value - NORMAL_QUANTILE * error, high: value + NORMAL_QUANTILE * error }
}

pub(super) fn threshold_separates(runs: &Runs<'_>) -> Result<Judged, LabError> {
    let run = runs.get("growth");
    let all = growths(run)?;
    let name = |g: &Growth| format!("the growth at {} eta*", compact(g.multiple));
    // The first step size above the threshold.
    let above = all.iter().filter(|g| g.multiple > 1.0).min_by(|a, b| a.multiple.total_cmp(&b.multiple));
    let of = |grows: bool| {
        all.iter().filter(move |g| (g.multiple > 1.0) == grows).map(move |g| (name(g), g.of_mean))
    };
    let ratios = all.iter().map(|g| {
        let Measured { value, low, high } = g.of_mean;
        // Where decay is predicted the ends change places.
        let [low, high] = if g.predicted < 0.0 { [high, low] } else { [low, high] };
        let ratio = Measured { value: value / g.predicted, low: low / g.predicted, high: high / g.predicted };
        (format!("measured over predicted, at {} eta*", compact(g.multiple)), ratio)
    });
    let texts: Vec<String> = all
        .iter()
        .map(|g| {
            format!(
                "{} eta*: predicted {}, mean loss {}, typical {}",
                compact(g.multiple),
                compact(g.predicted),
                g.of_mean.text(),
                g.typical.text()
            )
        })
        .collect();
    Ok(Judged::new(
        Verdict::of_all(of(true), Criterion::Above(0.0))
            .and_all(of(false), Criterion::Below(0.0))
            .and_all(ratios, Criterion::Within(0.7, 1.3))
            .and(
                "the growth of the typical path just above the threshold",
                above.map_or(Measured::nothing(), |g| g.typical),
                Criterion::Below(0.0),
            ),
        "sign of the growth of the mean loss right at every step size, its rate within 30 %, and the typical path still \
         decaying just above the threshold",
        format!(
            "Growth rate of the mean loss of {} replicas over the second half of {} steps, at step sizes above the threshold, \
             with the 95 % interval of the delta method; typical is the mean growth of ln L. Rates a step: {}.",
            run.replicas(0),
            last_step(run, 0)?,
            texts.join("; ")
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_may_grow_while_the_typical_path_decays() {
        // One replica in four grows by e^4, the others decay by e^-2.
        let before = [1.0; 400];
        let after: Vec<f64> =
            (0..400).map(|k| if k % 4 == 0 { 4.0f64.exp() } else { (-2.0f64).exp() }).collect();
        let (mean, typical) = (of_mean(&before, &after, 2.0), typical(&before, &after, 2.0));
        let expected = (0.25 * 4.0f64.exp() + 0.75 * (-2.0f64).exp()).ln() / 2.0;
        assert!((mean.value - expected).abs() < 1e-12 && mean.low > 0.0 && mean.high > expected);
        assert!((typical.value - (-0.25)).abs() < 1e-12 && typical.high < 0.0);
        // The standard deviation of the relative growth is that of a coin with unequal sides.
        let relative = (4.0f64.exp() - (-2.0f64).exp()) / (2.0 * expected).exp() * (0.25f64 * 0.75).sqrt();
        assert!((mean.high - mean.value - NORMAL_QUANTILE * relative / 20.0 / 2.0).abs() < 1e-12);
    }
}
