//! From node to node along the flow, with the fluctuations every few steps.

use super::Expansion;
use super::conditions::{Conditions, Segment};
use super::flow::{Correction, Course, Flow, Node, Step, along};
use super::fluctuation::{Fluctuation, Sums, Unbounded, between};
use crate::Watch;
use crate::linear_algebra::Symmetric;

/// Steps of the flow between two looks at the fluctuations (one for mini-batches, whose noise falls with the
/// residuals); at the beginning of a segment, where they rise, the first few are each followed by one.
const LOOK_EVERY: usize = 3;
const LOOK_ALWAYS: usize = 5;
/// Where fluctuations of another step size, or of simulated steps, decay: how much a step may grow over the last one, and by how
/// much of a power of `e` they may change in it. What decays to a floor lies below the interpolation between two looks.
const GENTLE: f64 = 1.6;
const SEEN: f64 = 0.2;
/// Looks while fluctuations that oscillate settle after a drop of the step size.
const SETTLING: f64 = 64.0;
/// The first step, as a share of the shortest time scale `n / (2 lambda_max(K))`.
const FIRST: f64 = 0.05;
/// Steps of a segment at most.
const MOST_STEPS: usize = 100_000;
/// A mean square fluctuation of the coefficients, relative to their own, beyond which an expansion in it has no value.
pub(super) const LARGEST_VARIANCE: f64 = 0.25;
/// An inertia at which the flow follows the heavy ball.
const SLOW: f64 = 0.02;

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

/// How long, and how much, the mean moves faster than the flow follows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hurry {
    /// Steps of the heavy ball until it moves slowly for good; 0 where it moves slowly throughout.
    pub(super) steps: f64,
    /// The largest inertia.
    pub(super) inertia: f64,
}

/// Why a walk does not go on.
enum Halt {
    /// The flow says nothing beyond.
    Outside(Reason),
    /// The mean moves slowly, which was all the question.
    Slow,
    /// The watch asked to stop.
    Stopped,
}

impl From<Reason> for Halt {
    fn from(reason: Reason) -> Self {
        Self::Outside(reason)
    }
}

/// Walks from the step `from`, and hands over every recorded step after it (and `from` itself if it is 0), until the
/// end or until the flow says nothing any more; `None` if the watch asked to stop.
pub(super) fn walk(
    flow: &Flow<'_>,
    conditions: &Conditions,
    from: u64,
    recorded: &[u64],
    watch: &dyn Watch,
    record: &mut dyn FnMut(Point),
) -> Option<End> {
    let mut walk = Walk::new(flow, conditions, from, watch);
    let outside = match walk.all(recorded, record) {
        Ok(()) | Err(Halt::Slow) => None,
        Err(Halt::Outside(reason)) => Some(reason),
        Err(Halt::Stopped) => return None,
    };
    let Walk { node, fluctuation, expansion, .. } = walk;
    Some(End { node, fluctuation, outside, expansion })
}

/// How long the mean moves too fast for the flow from the start on; `None` if the watch asked to stop.
pub(super) fn hurry(flow: &Flow<'_>, conditions: &Conditions, watch: &dyn Watch) -> Option<Hurry> {
    let mut walk = Walk { until_slow: true, ..Walk::new(flow, conditions, 0, watch) };
    match walk.all(&[], &mut |_| {}) {
        Err(Halt::Stopped) => None,
        Ok(()) | Err(Halt::Slow | Halt::Outside(_)) => Some(walk.hurry),
    }
}

/// The expected sum of squared residuals at the step `from`, where the start is that of replicas that have come there.
/// `None` where the flow has none, or if the watch asked to stop.
pub(super) fn squared_residuals(
    flow: &Flow<'_>,
    conditions: &Conditions,
    from: u64,
    watch: &dyn Watch,
) -> Option<f64> {
    let mut walk = Walk::new(flow, conditions, from, watch);
    walk.arrive().ok()?;
    Some(walk.residuals(&flow.kernel(&walk.node)))
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
    watch: &'a dyn Watch,
    /// The step where it begins.
    from: u64,
    node: Node,
    fluctuation: Fluctuation,
    expansion: Expansion,
    /// Whether it is over once the mean moves slowly.
    until_slow: bool,
    /// Steps of the heavy ball on the way so far.
    steps: f64,
    hurry: Hurry,
    /// The largest expected sum of squared residuals so far.
    largest: f64,
}

impl<'a> Walk<'a> {
    fn new(flow: &'a Flow<'a>, conditions: &'a Conditions, from: u64, watch: &'a dyn Watch) -> Self {
        let (n, dim) = (flow.problem.samples(), flow.problem.dim());
        Self {
            flow,
            conditions,
            watch,
            from,
            node: flow.node(0.0, vec![0.0; dim], vec![0.0; dim]),
            fluctuation: Fluctuation::none(n, dim),
            expansion: Expansion::default(),
            until_slow: false,
            steps: 0.0,
            hurry: Hurry::default(),
            largest: 0.0,
        }
    }

    /// The expected sum of squared residuals.
    fn residuals(&self, kernel: &Symmetric) -> f64 {
        self.node.squared_residuals() + self.fluctuation.sums.residual_ratio * kernel.trace()
    }

    fn all(&mut self, recorded: &[u64], record: &mut dyn FnMut(Point)) -> Result<(), Halt> {
        if self.from == 0 {
            let spread = self.fluctuation.spread.clone();
            record(Point { step: 0, node: self.node.clone(), spread, sums: Sums::default() });
        } else {
            self.arrive()?;
        }
        for segment in &self.conditions.segments {
            if segment.end > self.from {
                let segment = Segment { start: segment.start.max(self.from), ..*segment };
                self.segment(&segment, recorded, record)?;
            }
        }
        Ok(())
    }

    /// How fast the mean moves at the end of a step.
    fn pace(&mut self, step: &Step, kernel: &Symmetric, segment: &Segment) -> Result<(), Halt> {
        let Some(momentum) = self.conditions.momentum else { return Ok(()) };
        let noise = self.fluctuation.sums.residual_ratio * kernel.trace();
        let pace = Flow::pace(&self.node, kernel, &self.fluctuation.rates, noise);
        let residuals = self.residuals(kernel);
        self.largest = self.largest.max(residuals);
        let decay = (self.largest / residuals.max(f64::MIN_POSITIVE)).ln();
        self.expansion.decay = self.expansion.decay.max(decay);
        let inertia =
            0.5 * self.conditions.smooth_step_size(segment.rate) * pace.coefficients.max(pace.residuals);
        // What grows by `a` in a step of the flow grows by `g`, g (g + 1 - b) = (1 - b) a, in a step of the heavy ball.
        let (a, forgets) = (0.5 * segment.rate * pace.coefficients, 1.0 - momentum);
        let growth = 0.5 * ((forgets * forgets + 4.0 * forgets * a).sqrt() - forgets);
        let late = if growth > 0.0 { (a / growth).max(1.0) } else { 1.0 };
        self.steps += late * (step.to.time - step.from.time) / segment.time;
        self.hurry.inertia = self.hurry.inertia.max(inertia);
        if inertia > SLOW {
            self.hurry.steps = self.steps;
        }
        let forgotten = self.conditions.forgotten();
        if self.from == 0 || self.steps > forgotten {
            self.expansion.inertia = self.expansion.inertia.max(inertia);
        }
        let slow = self.steps > 4.0 * (self.hurry.steps + forgotten) + 64.0;
        if self.until_slow && slow { Err(Halt::Slow) } else { Ok(()) }
    }

    /// The fluctuations of replicas that have come from step 0 to here, which the means of their logarithms do not show.
    fn arrive(&mut self) -> Result<(), Halt> {
        let (conditions, from) = (self.conditions, self.from);
        for segment in conditions.segments.iter().filter(|segment| segment.start < from) {
            let kernel = self.flow.kernel(&self.node);
            let elapsed = segment.time(segment.end.min(from));
            self.look(elapsed, &kernel, segment.rate)?;
        }
        let scale = along(&self.node.scale, 0.5, &self.fluctuation.log_variance);
        self.node = self.flow.node(0.0, scale, self.node.x.clone());
        Ok(())
    }

    /// Brings the fluctuations to the present node.
    fn look(&mut self, elapsed: f64, kernel: &Symmetric, rate: f64) -> Result<(), Halt> {
        if self.watch.should_stop() {
            return Err(Halt::Stopped);
        }
        match self.fluctuation.after(elapsed, self.flow, &self.node, kernel, self.conditions, rate) {
            Ok(fluctuation) => {
                let step_size = self.conditions.step_size(rate) * fluctuation.largest;
                self.expansion.add(&Expansion {
                    step_size: step_size / self.flow.problem.samples() as f64,
                    variance: fluctuation.relative_variance,
                    feedback: fluctuation.feedback,
                    ..Expansion::default()
                });
                self.fluctuation = fluctuation;
                let variance = self.fluctuation.relative_variance;
                if variance > LARGEST_VARIANCE { Err(Reason::Variance(variance).into()) } else { Ok(()) }
            }
            Err(unbounded) => Err(Reason::Unbounded(unbounded).into()),
        }
    }

    fn segment(
        &mut self,
        segment: &Segment,
        recorded: &[u64],
        record: &mut dyn FnMut(Point),
    ) -> Result<(), Halt> {
        self.node.time = 0.0;
        let mut kernel = self.flow.kernel(&self.node);
        self.look(0.0, &kernel, segment.rate)?;
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
        // The longest step in which the decay of fluctuations is seen.
        let mut seen = f64::INFINITY;
        let settling =
            if segment.start > self.from { self.conditions.forgotten() * segment.time } else { 0.0 };
        while self.node.time < end {
            tried += 1;
            if self.watch.should_stop() {
                return Err(Halt::Stopped);
            }
            let left = end - self.node.time;
            let settles = self.node.time < settling;
            if settles {
                size = size.min(settling / SETTLING);
            }
            let limited = size > seen;
            if limited {
                size = seen;
            }
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
                    return Err(Reason::Unbounded(Unbounded::Numbers).into());
                }
                continue;
            };
            if last {
                step.to.time = end;
            }
            taken += 1;
            let most = GENTLE * (step.to.time - step.from.time);
            let decays = segment.start > 0 && size > most;
            if decays {
                size = most;
            }
            self.node = step.to.clone();
            kernel = self.flow.kernel(&self.node);
            self.pace(&step, &kernel, segment)?;
            let before = since_look.last().or(earlier.as_ref());
            courses.push(self.flow.course(&step, before, &kernel, &self.fluctuation.rates));
            since_look.push(step);
            if !(last || settles || decays || limited || taken <= LOOK_ALWAYS || taken % every == 0) {
                continue;
            }
            let elapsed = self.node.time - since_look[0].from.time;
            let before = self.fluctuation.clone();
            self.look(elapsed, &kernel, segment.rate)?;
            seen = if segment.start > 0 {
                SEEN * elapsed / before.change(&self.fluctuation)
            } else {
                f64::INFINITY
            };
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
        Ok(())
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
