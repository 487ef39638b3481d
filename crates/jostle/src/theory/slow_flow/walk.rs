//! From node to node along the flow, with the fluctuations every few steps.

use super::Expansion;
use super::conditions::{Conditions, Segment};
use super::flow::{Correction, Course, Flow, Node, Step, along};
use super::fluctuation::{Fluctuation, Sums, Unbounded, between};
use crate::linear_algebra::Symmetric;

/// Steps of the flow between two looks at the fluctuations (one for mini-batches, whose noise falls with the
/// residuals); at the beginning of a segment, where they rise, or those of the size of an earlier segment decay, the
/// first few are each followed by one.
const LOOK_EVERY: usize = 3;
const LOOK_ALWAYS: usize = 5;
/// How much a step may grow over the last one while that is so, for the decay to be seen.
const GENTLE: f64 = 1.6;
/// The first step, as a share of the shortest time scale `n / (2 lambda_max(K))`.
const FIRST: f64 = 0.5;
/// Steps of a segment at most.
const MOST_STEPS: usize = 100_000;
/// A mean square fluctuation of the coefficients, relative to their own, beyond which an expansion in it has no value.
const LARGEST_VARIANCE: f64 = 0.25;

/// The state of the ensemble at one step.
pub(super) struct Point {
    pub(super) step: u64,
    pub(super) node: Node,
    /// `Var(beta_j) / D_j` (d).
    pub(super) spread: Vec<f64>,
    pub(super) sums: Sums,
}

/// Where a walk ended.
pub(super) struct End {
    pub(super) node: Node,
    pub(super) fluctuation: Fluctuation,
    /// Why the flow says nothing beyond.
    pub(super) outside: Option<Reason>,
    /// The largest values of what the flow is an expansion in.
    pub(super) expansion: Expansion,
}

/// Why the flow says nothing beyond a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reason {
    Unbounded(Unbounded),
    Variance(f64),
}

/// Walks from the step `from`, and hands over every recorded step after it (and `from` itself if it is 0), until the
/// end or until the flow says nothing any more.
pub(super) fn walk(
    flow: &Flow<'_>,
    conditions: &Conditions,
    from: u64,
    recorded: &[u64],
    record: &mut dyn FnMut(Point),
) -> End {
    let (n, dim) = (flow.problem.samples(), flow.problem.dim());
    let mut walk = Walk {
        flow,
        conditions,
        node: flow.node(0.0, vec![0.0; dim], vec![0.0; dim]),
        fluctuation: Fluctuation::none(n, dim),
        expansion: Expansion::default(),
    };
    let outside = walk.all(from, recorded, record);
    let Walk { node, fluctuation, expansion, .. } = walk;
    End { node, fluctuation, outside, expansion }
}

/// Steps between two looks at the fluctuations.
struct Stretch<'a> {
    steps: &'a [Step],
    /// The courses at their nodes, of which there is one more.
    courses: &'a [Course],
    before: &'a Fluctuation,
    after: &'a Fluctuation,
    correction: &'a Correction,
}

impl Stretch<'_> {
    /// The share of the way at a time.
    fn share(&self, time: f64) -> f64 {
        let (began, ended) = (self.steps[0].from.time, self.steps[self.steps.len() - 1].to.time);
        (time - began) / (ended - began)
    }

    /// The ensemble at a recorded step.
    fn point(&self, flow: &Flow<'_>, step: u64, time: f64) -> Point {
        let k = self.steps.iter().position(|step| time <= step.to.time).unwrap_or(self.steps.len() - 1);
        let courses = [&self.courses[k], &self.courses[k + 1]];
        let share = self.share(time);
        let spread = self.before.spread.iter().zip(&self.after.spread);
        Point {
            step,
            node: self.steps[k].at(flow, time, courses, self.correction, share),
            spread: spread.map(|(a, b)| between(*a, *b, share)).collect(),
            sums: self.before.sums.between(&self.after.sums, share),
        }
    }
}

struct Walk<'a> {
    flow: &'a Flow<'a>,
    conditions: &'a Conditions,
    node: Node,
    fluctuation: Fluctuation,
    expansion: Expansion,
}

impl Walk<'_> {
    fn all(&mut self, from: u64, recorded: &[u64], record: &mut dyn FnMut(Point)) -> Option<Reason> {
        if from == 0 {
            let spread = self.fluctuation.spread.clone();
            record(Point { step: 0, node: self.node.clone(), spread, sums: Sums::default() });
        } else if let Some(outside) = self.arrive(from) {
            return Some(outside);
        }
        for segment in &self.conditions.segments {
            if segment.end > from {
                let segment = Segment { start: segment.start.max(from), ..*segment };
                if let Some(outside) = self.segment(&segment, recorded, record) {
                    return Some(outside);
                }
            }
        }
        None
    }

    /// The fluctuations of replicas that have come from step 0 to here, which the means of their logarithms do not show.
    fn arrive(&mut self, from: u64) -> Option<Reason> {
        let before = self.conditions.segments.iter().filter(|segment| segment.start < from);
        for segment in before {
            let kernel = self.flow.kernel(&self.node);
            let elapsed = segment.time(segment.end.min(from));
            if let Some(outside) = self.look(elapsed, &kernel, segment.rate) {
                return Some(outside);
            }
        }
        let scale = along(&self.node.scale, 0.5, &self.fluctuation.log_variance);
        self.node = self.flow.node(0.0, scale, self.node.x.clone());
        None
    }

    /// Brings the fluctuations to the present node.
    fn look(&mut self, elapsed: f64, kernel: &Symmetric, rate: f64) -> Option<Reason> {
        match self.fluctuation.after(elapsed, self.flow, &self.node, kernel, self.conditions, rate) {
            Ok(fluctuation) => {
                let step_size = self.conditions.step_size(rate) * fluctuation.largest;
                self.expansion.add(&Expansion {
                    step_size: step_size / self.flow.problem.samples() as f64,
                    variance: fluctuation.relative_variance,
                    feedback: fluctuation.feedback,
                });
                self.fluctuation = fluctuation;
                let variance = self.fluctuation.relative_variance;
                (variance > LARGEST_VARIANCE).then_some(Reason::Variance(variance))
            }
            Err(unbounded) => Some(Reason::Unbounded(unbounded)),
        }
    }

    fn segment(
        &mut self,
        segment: &Segment,
        recorded: &[u64],
        record: &mut dyn FnMut(Point),
    ) -> Option<Reason> {
        self.node.time = 0.0;
        let mut kernel = self.flow.kernel(&self.node);
        if let Some(outside) = self.look(0.0, &kernel, segment.rate) {
            return Some(outside);
        }
        let end = segment.time(segment.end);
        let half = 0.5 * self.flow.problem.samples() as f64;
        let shortest = half / self.fluctuation.largest;
        let mut size = (FIRST * shortest).min(end);
        let mut next = recorded.partition_point(|step| *step <= segment.start);
        let mut since_look: Vec<Step> = Vec::new();
        let mut courses = vec![self.node.course()];
        // The last step before them, without what looks have corrected.
        let mut earlier: Option<Step> = None;
        let every = if self.conditions.sampling > 0.0 { 1 } else { LOOK_EVERY };
        let (mut taken, mut tried) = (0, 0);
        while self.node.time < end {
            tried += 1;
            let left = end - self.node.time;
            // No last step that is only a rounding error long.
            let last = size >= 0.999 * left;
            let trial = self.flow.step(
                &self.node,
                &kernel,
                &self.fluctuation.rates,
                if last { left } else { size },
                half / self.fluctuation.largest,
            );
            size = trial.next;
            let Some(mut step) = trial.accepted else {
                if tried >= MOST_STEPS || size < 1e-12 * end {
                    return Some(Reason::Unbounded(Unbounded::Numbers));
                }
                continue;
            };
            if last {
                step.to.time = end;
            }
            taken += 1;
            if segment.start > 0 && taken < LOOK_ALWAYS {
                size = size.min(GENTLE * (step.to.time - step.from.time));
            }
            self.node = step.to.clone();
            kernel = self.flow.kernel(&self.node);
            let before = since_look.last().or(earlier.as_ref());
            courses.push(self.flow.course(&step, before, &kernel, &self.fluctuation.rates));
            since_look.push(step);
            if !(last || taken <= LOOK_ALWAYS || taken % every == 0) {
                continue;
            }
            let elapsed = self.node.time - since_look[0].from.time;
            let before = self.fluctuation.clone();
            if let Some(outside) = self.look(elapsed, &kernel, segment.rate) {
                return Some(outside);
            }
            let correction = self.correction(&before, elapsed, &kernel, size);
            let stretch = Stretch {
                steps: &since_look,
                courses: &courses,
                before: &before,
                after: &self.fluctuation,
                correction: &correction,
            };
            while let Some(&at) = recorded.get(next).filter(|at| **at <= segment.end) {
                let time = segment.time(at).min(end);
                if time > self.node.time {
                    break;
                }
                record(stretch.point(self.flow, at, time));
                next += 1;
            }
            earlier = since_look.pop();
            courses.drain(..courses.len() - 1);
            let Node { time, scale, x, .. } = &self.node;
            self.node =
                self.flow.node(*time, along(scale, 1.0, &correction.scale), along(x, 1.0, &correction.x));
            since_look.clear();
        }
        None
    }

    /// What the scale of the logarithms lacks because its rates were those of the last look, and the change of what the
    /// fluctuations add to the means; with what brings the predictions back to where they were.
    fn correction(&self, before: &Fluctuation, elapsed: f64, kernel: &Symmetric, size: f64) -> Correction {
        let (now, node) = (&self.fluctuation, &self.node);
        let rates = before.rates.iter().zip(&now.rates).map(|(before, now)| 0.5 * elapsed * (now - before));
        let variances =
            before.log_variance.iter().zip(&now.log_variance).map(|(before, now)| 0.5 * (now - before));
        let scale: Vec<f64> = rates.zip(variances).map(|(a, b)| a + b).collect();
        let moved: Vec<f64> = node.coefficients.beta.iter().zip(&scale).map(|(b, c)| -b * c).collect();
        let shift = 0.5 * self.flow.problem.samples() as f64 / size;
        let x = match kernel.shifted(shift) {
            Some(solve) => self.flow.columns.transpose_product(&solve(&self.flow.columns.product(&moved))),
            None => vec![0.0; scale.len()],
        };
        Correction { scale, x }
    }
}
