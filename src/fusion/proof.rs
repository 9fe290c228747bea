//! Proof that no partition into any number of groups has a smaller criterion than the chosen one.
//!
//! ```text
//! RSS_M >= bound_M' for M <= M'                    fewer groups fit no better
//! RSS_M >= level + M slope                         the dual of any other number of groups (`Line`)
//! M is ruled out where criterion(max of these, M) >= criterion(RSS of the chosen)
//! ```
//!
//! The chosen number of groups is solved to the end; the others only until they are ruled out. Where one of them turns out better, it is
//! the chosen one from then on. Criteria grow with RSS, so that what is ruled out stays so.

use std::time::Instant;

use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use crate::solve::partition::{Columns, Line, Step};
use crate::solve::{Control, Observer, Options, Progress, Report, SolveError, TerminationStatus, solve};

/// A criterion of an RSS and a number of groups.
pub(super) type Criterion<'c> = &'c (dyn Fn(f64, usize) -> f64 + Sync);

/// What is known of the step of least criterion.
pub(super) struct Proof {
    /// Its criterion is the least of all.
    pub proved: bool,
    /// Of columns, where it took them.
    pub report: Option<Report<Partition>>,
}

/// Whether the least criterion among the steps, for M = 1, 2, .., is proved to be the least of all; where columns can, the steps are
/// tightened until it is or the time limit of `options` is over.
///
/// # Errors
/// Of the solver.
pub(super) fn prove(
    steps: &mut [Step],
    moments: &[Moments],
    criterion: Criterion,
    columns: bool,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Proof, SolveError> {
    let started = Instant::now();
    let mut tried = vec![!columns; steps.len()];
    let mut reports: Vec<Option<Report<Partition>>> = vec![None; steps.len()];
    loop {
        let best = least(steps, criterion);
        let value = criterion(steps[best].rss, steps[best].groups);
        let settled = |at: usize| match at == best {
            true => steps[at].proved,
            false => criterion(steps[at].bound, steps[at].groups) >= value,
        };
        let open = |at: &usize| !tried[*at] && !settled(*at);
        // Nearest first, fewer before more: their lines rule out those further off.
        let next = (0..steps.len()).filter(open).min_by_key(|&at| (at.abs_diff(best), at > best));
        let left = options.time_limit.map(|limit| limit - started.elapsed().as_secs_f64());
        let (Some(at), true) = (next, left.is_none_or(|left| left > 0.0) && !observer.wants_stop()) else {
            let proved = (0..steps.len()).all(settled) && beyond(steps, moments, criterion, value);
            return Ok(Proof { proved, report: reports.swap_remove(best) });
        };
        let groups = steps[at].groups;
        let enough = |bound: f64| at != best && criterion(bound, groups) >= value;
        let until = Until { enough: &enough, observer };
        let options = Options { time_limit: left, ..options.clone() };
        let report = tighten(&mut steps[at], moments, &options, &until)?;
        spread(steps, at, Line::of(&report.statistics));
        tried[at] = true;
        reports[at] = Some(report);
    }
}

/// The step of least criterion.
pub(super) fn least(steps: &[Step], criterion: Criterion) -> usize {
    let value = |at: usize| criterion(steps[at].rss, steps[at].groups);
    (0..steps.len()).min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(0)
}

/// More groups than there are steps have at least the residuals of the arms' own fits.
fn beyond(steps: &[Step], moments: &[Moments], criterion: Criterion, value: f64) -> bool {
    let floor: f64 = moments.iter().map(Moments::rss).sum();
    (steps.len() + 1..=moments.len()).all(|groups| criterion(floor, groups) >= value)
}

/// Improves and bounds a step by columns.
pub(super) fn tighten(
    step: &mut Step,
    moments: &[Moments],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<Partition>, SolveError> {
    let model = ArmPartition::new(moments.to_vec(), step.groups)?;
    let report = solve(&model, &Columns, Some(&step.of), options, observer)?;
    if let (Some(of), Some(rss)) = (&report.point, report.objective_value) {
        (step.of, step.rss) = (of.clone(), rss);
    }
    step.bound = step.bound.max(report.objective_bound.unwrap_or(step.bound));
    step.proved = report.termination_status == TerminationStatus::Optimal;
    Ok(report)
}

/// Bounds the other steps by what is known of one.
fn spread(steps: &mut [Step], from: usize, line: Option<Line>) {
    let bound = steps[from].bound;
    for (at, step) in steps.iter_mut().enumerate() {
        let fewer = if at < from { bound } else { f64::NEG_INFINITY };
        let by_line = line.map_or(f64::NEG_INFINITY, |line| line.at(step.groups));
        step.bound = step.bound.max(fewer).max(by_line).min(step.rss);
    }
}

/// Stops a solve whose bound is enough.
struct Until<'u> {
    enough: &'u (dyn Fn(f64) -> bool + Sync),
    observer: &'u dyn Observer,
}

impl Observer for Until<'_> {
    fn progress(&self, progress: &Progress) -> Control {
        match progress.bound.is_some_and(self.enough) {
            true => Control::Stop,
            false => self.observer.progress(progress),
        }
    }

    fn forecast(&self, seconds: f64) {
        self.observer.forecast(seconds);
    }

    fn wants_stop(&self) -> bool {
        self.observer.wants_stop()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Criteria, Criterion};
    use super::*;
    use crate::simulate::{Design, fused_arms};
    use crate::solve::Silent;
    use crate::solve::partition::{merging, subsets};
    use ndarray::{Array2, Axis, concatenate};

    /// Twelve arms, three groups each of them, from steps that nothing is known of but the heuristic's partitions.
    #[test]
    fn what_is_proved_is_what_the_recursion_over_subsets_finds() {
        let mut chosen = Vec::new();
        for seed in 1..=20 {
            let noise = if seed % 2 == 0 { 3.0 } else { 1.0 };
            let design = Design { arms: 12, size: 0.5, noise, ..Design::exponential(16) };
            let study = fused_arms(&design, seed).unwrap();
            let n = study.arm.len();
            let columns = concatenate![Axis(1), Array2::ones((n, 1)), study.x];
            let weights: Vec<f64> = study.arm.iter().map(|a| 1.0 / design.units(*a) as f64).collect();
            let moments = Moments::by_arm(&columns, &study.outcome, &weights, &study.arm, 12);
            let model = ArmPartition::new(moments.clone(), 12).unwrap();
            let step = |(g, (of, rss))| Step { groups: g + 1, of, rss, bound: 0.0, proved: false };
            let mut steps: Vec<Step> = merging::every(&model).into_iter().enumerate().map(step).collect();
            let value =
                |rss: f64, groups: usize| Criteria::of(&moments, n, rss, groups).value(Criterion::Ebic);
            let proved =
                prove(&mut steps, &moments, &value, true, &Options::default(), &Silent).unwrap().proved;
            let truth = subsets::every(&model);
            let of = |g: &usize| value(truth[*g].1, g + 1);
            let best = (0..12).min_by(|a, b| of(a).total_cmp(&of(b))).unwrap();
            assert!(proved && least(&steps, &value) == best, "draw {seed}");
            for (step, (_, rss)) in steps.iter().zip(&truth) {
                assert!(
                    step.bound <= rss * (1.0 + 1e-9) && step.rss >= rss * (1.0 - 1e-9),
                    "draw {seed}: {step:?}"
                );
            }
            chosen.push(best + 1);
        }
        chosen.sort_unstable();
        chosen.dedup();
        assert!(chosen.len() > 1, "always {chosen:?} groups");
    }
}
