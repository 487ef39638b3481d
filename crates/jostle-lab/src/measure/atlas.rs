//! The atlas of a point: which learning rates are stable with which batches, as a page.

use super::{Answer, Unwatched, known};
use crate::LabError;
use jostle::geometry::{Batches, Bounds, KernelSource, Threshold, root_coherence};
use jostle_files::write_atomically;
use jostle_report::number::precise;
use jostle_report::{
    Axis, BandPoint, Bar, Curve, Figure, ReferenceLine, Report, Table, atlas as stability, bars, render,
};
use std::io::Write;
use std::path::Path;

/// Samples up to which the coherence is drawn, which takes some tens of passes over the kernel.
const MOST_FOR_COHERENCE: usize = 4096;

/// Writes the atlas of a point as one self-contained HTML file: the exact threshold over every power of two of the batch
/// size, with what is stable below it, and every bound as a curve.
///
/// # Errors
/// The file cannot be written.
pub fn write_atlas(answer: &Answer, path: &Path) -> Result<(), LabError> {
    let (n, sampling) = (answer.geometry.samples, answer.question.sampling);
    let mut batches = Batches::powers_of_two(n, sampling);
    let asked = answer.stability.iter().map(|entry| entry.batches);
    batches.extend(asked.filter(|b| !b.size.is_power_of_two()));
    batches.sort_by_key(|b| b.size);
    let page = render(&report(answer, &batches)?);
    write_atomically(path, |file| file.write_all(page.as_bytes()))?;
    Ok(())
}

fn report(answer: &Answer, batches: &[Batches]) -> Result<Report, LabError> {
    Ok(Report {
        title: answer.file_name(),
        lead: format!("The stability of stochastic gradient descent at a point of {}.", answer.size()),
        figures: std::iter::once(figure(answer, batches)?).chain(answer.layers_figure()).collect(),
        facts: answer.quantities(),
        references: vec![
            "L. Wu, M. Wang, W. J. Su 2022, The alignment property of SGD noise and how it helps select flat minima: a \
             stability analysis, arXiv 2207.02628 (the Frobenius bound)."
                .to_owned(),
            "R. Mulayoff, T. Michaeli 2024, Exact mean square linear stability analysis for SGD, arXiv 2306.07850 \
             (the threshold, the trace bound, the variance bound)."
                .to_owned(),
            "G. Dexter et al. 2024, A precise characterization of SGD stability using loss surface geometry, arXiv \
             2401.12332 (the coherence bound)."
                .to_owned(),
        ],
        ..Report::default()
    })
}

fn figure(answer: &Answer, batches: &[Batches]) -> Result<Figure, LabError> {
    let (geometry, source) = (&answer.geometry, &answer.point);
    let curvature = &geometry.curvature;
    let thresholds = thresholds(answer, batches)?;
    let bounds: Vec<Bounds> = batches.iter().map(|b| Bounds::new(curvature, *b)).collect::<Result<_, _>>()?;
    let lowest = thresholds.iter().map(|t| t.lower_bound).fold(f64::INFINITY, f64::min) / 3.0;
    let exact = curve(batches, |k| match answer.spectrum {
        Some(_) => thresholds[k].learning_rate,
        None => thresholds[k].lower_bound,
    })
    .into_iter()
    .map(|point| BandPoint { low: lowest, high: point.mid, ..point })
    .collect();
    let mut curves = vec![
        (if answer.is_exact() { Curve::Threshold } else { Curve::CertainlyStable }, exact),
        (Curve::GradientDescent, curve(batches, |k| bounds[k].gd_limit)),
        (Curve::Trace, curve(batches, |k| bounds[k].trace_bound)),
        (Curve::Variance, curve(batches, |k| bounds[k].variance_bound)),
        (Curve::AlignmentFree, curve(batches, |k| bounds[k].alignment_free_bound)),
    ];
    let frobenius: Vec<f64> = batches
        .iter()
        .map(|b| curvature.frobenius_bound(*b, geometry.uncentred.alignment))
        .collect::<Result<_, _>>()?;
    curves.push((Curve::MeasuredFrobenius, curve(batches, |k| frobenius[k])));
    if geometry.samples * geometry.outputs <= MOST_FOR_COHERENCE {
        let coherence = root_coherence(source);
        let bounds: Vec<f64> = batches
            .iter()
            .map(|b| b.coherence_bound(source.samples(), coherence))
            .collect::<Result<_, _>>()?;
        curves.push((Curve::Coherence, curve(batches, |k| bounds[k])));
    }
    if let Some(spectrum) = &answer.spectrum {
        let aligned: Vec<f64> =
            batches.iter().map(|b| spectrum.aligned_learning_rate(*b)).collect::<Result<_, _>>()?;
        curves.push((Curve::Aligned, curve(batches, |k| aligned[k])));
    }
    let lines: Vec<ReferenceLine> = answer
        .question
        .learning_rate
        .into_iter()
        .map(|eta| ReferenceLine { value: eta, label: format!("learning rate {}", precise(eta)) })
        .collect();
    let (first, last) = (thresholds[0], thresholds[thresholds.len() - 1]);
    let sizes = [0, batches.len() - 1].map(|k| batches[k].size);
    let between = |a, b| {
        format!("{} at a batch of {} to {} at a batch of {}", precise(a), sizes[0], precise(b), sizes[1])
    };
    Ok(Figure {
        id: "atlas".to_owned(),
        title: "Stable learning rates against batch size".to_owned(),
        see: format!(
            "The largest stable learning rate {}. {}",
            match (answer.is_exact(), batches) {
                (true, [only]) => format!("at a batch of {} is {}", only.size, precise(first.learning_rate)),
                (true, _) => format!("goes from {}", between(first.learning_rate, last.learning_rate)),
                (false, _) => format!(
                    "lies between what is certainly stable, from {}, and the smallest bound, from {}",
                    between(first.lower_bound, last.lower_bound),
                    between(first.learning_rate, last.learning_rate)
                ),
            },
            answer.conventions()
        ),
        source: format!("{}, measured by jostle", answer.file_name()),
        spec: match batches {
            [only] => of_one_size(&curves, &lines, only.size),
            _ => stability(&curves, &Axis::log("batch size"), &Axis::log("learning rate"), &lines),
        },
        table: Some(table(answer, batches, &curves)),
    })
}

/// One bar for each curve, where there is one batch size and curves would be points.
fn of_one_size(
    curves: &[(Curve, Vec<BandPoint>)],
    lines: &[ReferenceLine],
    size: usize,
) -> serde_json::Value {
    let category = format!("batch of {size}");
    let of_curves =
        curves.iter().filter_map(|(curve, points)| Some((curve.name().to_owned(), points.first()?.mid)));
    let of_lines = lines.iter().map(|line| (line.label.clone(), line.value));
    let bar = |(series, value)| Bar { category: category.clone(), series, value };
    bars(&of_curves.chain(of_lines).map(bar).collect::<Vec<_>>(), &Axis::linear("learning rate"))
}

/// Every curve as numbers, batch size by batch size, with what becomes of the learning rate that was asked about.
fn table(answer: &Answer, batches: &[Batches], curves: &[(Curve, Vec<BandPoint>)]) -> Table {
    let asked = answer.question.learning_rate;
    let heads = std::iter::once("batch size".to_owned())
        .chain(curves.iter().map(|(curve, _)| curve.name().to_owned()));
    let row = |batches: &Batches| {
        let size = batches.size as f64;
        let at = |points: &[BandPoint]| points.iter().find(|point| point.x == size).map(|point| point.mid);
        let cells = curves.iter().map(|(_, points)| at(points).map_or_else(|| "none".to_owned(), precise));
        let verdict = asked.map(|eta| match curves.first().and_then(|(_, points)| at(points)) {
            Some(threshold) if eta <= threshold => "stable".to_owned(),
            Some(_) if answer.is_exact() => "unstable".to_owned(),
            _ => "not decided".to_owned(),
        });
        std::iter::once(batches.size.to_string()).chain(cells).chain(verdict).collect()
    };
    Table {
        heads: heads.chain(asked.map(|eta| format!("at {}", precise(eta)))).collect(),
        rows: batches.iter().map(row).collect(),
    }
}

/// The thresholds of these batches: those that are known already, and the others.
fn thresholds(answer: &Answer, batches: &[Batches]) -> Result<Vec<Threshold>, LabError> {
    let is_known = |b: &Batches| answer.stability.iter().find(|entry| entry.batches == *b);
    let others: Vec<Batches> = batches.iter().copied().filter(|b| is_known(b).is_none()).collect();
    let found = known(&answer.point, &answer.geometry, answer.spectrum.as_ref(), None, &others, &Unwatched)?;
    let mut found = found.into_iter().map(|(threshold, _)| threshold);
    Ok(batches
        .iter()
        .filter_map(|b| is_known(b).map(|entry| entry.threshold).or_else(|| found.next()))
        .collect())
}

/// A curve without intervals over the batches; what is infinite says nothing and is left out.
fn curve(batches: &[Batches], value: impl Fn(usize) -> f64) -> Vec<BandPoint> {
    let point = |(k, batches): (usize, &Batches)| BandPoint {
        x: batches.size as f64,
        mid: value(k),
        low: f64::NAN,
        high: f64::NAN,
    };
    batches.iter().enumerate().map(point).filter(|point| point.mid.is_finite()).collect()
}
