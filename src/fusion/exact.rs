//! The number of groups as penalty: the best partitions, and what is chosen of them.

use ndarray::Array2;
use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use super::chosen::{At, Chosen, Kind, PathPoint, certified};
use super::partition::{self, MOST_GROUPS, PartitionPath, Step, partition};
use super::{Choice, Criteria, Criterion, FusionError, Groups, Penalty, Posed, Settings, stability};
use crate::solve::partition::{Columns, Merging};
use crate::solve::{Observer, Options, Promise, Report, Silent, SolveError, Solver, Watch, solve};

/// Share of a time limit that bounds the other numbers of groups; the rest is for the chosen partition.
const FOR_THE_PATH: f64 = 0.5;
/// Share of the gap that a criterion leaves open at which a bound is good enough: less than all of it, for rounding's sake.
const ENOUGH: f64 = 0.99;
/// A gap of this share of max(1, RSS) is closed: the tolerance of certificates.
const CLOSED: f64 = 1e-6;

/// The partition into the chosen number of groups.
pub(super) fn exact(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Chosen, FusionError> {
    let (moments, n) = (&posed.moments, posed.units());
    let choice = choice(settings.choice, posed.data.arms)?;
    let watch = Watch::start(settings.options.time_limit, observer);
    let quick = Options { time_limit: None, ..settings.options.clone() };
    let mut found = partition(moments, n, choice, &quick, observer)?;
    if let (Choice::Criterion(criterion), Some(limit)) = (settings.choice, settings.options.time_limit) {
        let half = Options { time_limit: Some(FOR_THE_PATH * limit), ..settings.options.clone() };
        rule_out(&mut found, criterion, moments, n, &half, observer)?;
    }
    let step = &mut found.steps[found.chosen];
    let most = step.groups;
    let model = ArmPartition::new(moments.clone(), most).map_err(SolveError::from)?;
    let left = Options { time_limit: watch.remaining(), ..settings.options.clone() };
    let report = certified(&model, &step.of, settings, &left, observer)?;
    improve(step, &report, moments, n);
    tighten(&mut found.steps);
    let step = &found.steps[found.chosen];
    let groups = Groups { of: step.of.clone() };
    let shares = stability(&posed.data, settings, |sample| {
        let model = ArmPartition::new(sample.moments(), most)?;
        let found = solve(&model, &Merging, None, &settings.options, &Silent)?;
        Ok(found.point.map(|of| Groups { of }))
    })?;
    let point = |step: &Step| PathPoint {
        groups: step.groups,
        criteria: Criteria { rss: step.rss, ebic: step.ebic, bic: step.bic },
        at: At::Groups { bound: step.bound, proved: step.proved },
    };
    Ok(Chosen {
        penalty: Penalty::L0,
        kind: Kind::Partition { proved: proved(&found, settings.choice, moments, n) },
        coefficients: refitted(moments, &groups),
        criteria: super::criteria(moments, &groups, n),
        path: found.steps.iter().map(point).collect(),
        shares,
        warnings: warnings(&model, settings, &report, &groups),
        groups,
        report: report.map_point(|_| ()),
    })
}

fn choice(choice: Choice, arms: usize) -> Result<partition::Choice, FusionError> {
    match choice {
        Choice::Criterion(Criterion::Ebic) => Ok(partition::Choice::Ebic),
        Choice::Criterion(Criterion::Bic) => Ok(partition::Choice::Bic),
        Choice::Groups(count) if count <= arms => Ok(partition::Choice::Groups(count)),
        Choice::Groups(count) => {
            Err(FusionError::Usage(format!("{count} groups of {arms} arms: ask for at most {arms}")))
        }
        Choice::Lambda(_) => Err(FusionError::Usage(
            "l0 has no lambda: choose by a criterion or the number of groups, or another penalty".into(),
        )),
    }
}

/// Bounds the other numbers of groups as far as the criterion needs it, which is until none of their partitions can be better than the
/// best one known: a criterion has n log(RSS), so that a gap of 1 - exp(-d / n) may stay where it is d above the least.
fn rule_out(
    found: &mut PartitionPath,
    criterion: Criterion,
    moments: &[Moments],
    n: usize,
    options: &Options,
    observer: &dyn Observer,
) -> Result<(), SolveError> {
    let value = |rss: f64, groups: usize| Criteria::of(moments, n, rss, groups).value(criterion);
    let least = |steps: &[Step]| {
        let of = |i: &usize| value(steps[*i].rss, steps[*i].groups);
        (0..steps.len()).min_by(|a, b| of(a).total_cmp(&of(b))).unwrap_or(0)
    };
    let watch = Watch::start(options.time_limit, observer);
    // From many groups, which are quick to bound, to few, which their bounds hold for as well.
    for i in (0..found.steps.len()).rev() {
        tighten(&mut found.steps);
        let best = least(&found.steps);
        let least = value(found.steps[best].rss, found.steps[best].groups);
        let step = &mut found.steps[i];
        let model = ArmPartition::new(moments.to_vec(), step.groups)?;
        let done = i == best || step.proved || value(step.bound, step.groups) >= least;
        if done || Columns.accepts(&model).is_err() {
            continue;
        }
        let options = Options {
            time_limit: watch.remaining().map(|left| left / i as f64),
            mip_rel_gap: ENOUGH * (1.0 - ((least - value(step.rss, step.groups)) / n as f64).exp()),
            ..options.clone()
        };
        let report = solve(&model, &Columns, Some(&step.of), &options, observer)?;
        improve(step, &report, moments, n);
    }
    found.chosen = least(&found.steps);
    Ok(())
}

/// No partition into fewer groups fits better than what bounds those into more.
fn tighten(steps: &mut [Step]) {
    for i in (1..steps.len()).rev() {
        steps[i - 1].bound = steps[i - 1].bound.max(steps[i].bound);
    }
}

/// What a certified solve found beyond the path.
fn improve(step: &mut Step, report: &Report<Partition>, moments: &[Moments], n: usize) {
    if let (Some(of), Some(rss)) = (&report.point, report.objective_value)
        && rss <= step.rss
    {
        let Criteria { ebic, bic, .. } = Criteria::of(moments, n, rss, step.groups);
        *step = Step { of: of.clone(), rss, ebic, bic, ..step.clone() };
    }
    step.bound = report.objective_bound.map_or(step.bound, |bound| bound.max(step.bound));
    step.proved |= step.rss - step.bound <= CLOSED * step.rss.max(1.0);
}

/// Whether no other partition can be chosen instead.
fn proved(found: &PartitionPath, choice: Choice, moments: &[Moments], n: usize) -> bool {
    let chosen = &found.steps[found.chosen];
    let Choice::Criterion(criterion) = choice else { return chosen.proved };
    let value = Criteria::of(moments, n, chosen.rss, chosen.groups).value(criterion);
    let no_better = |step: &Step| Criteria::of(moments, n, step.bound, step.groups).value(criterion) >= value;
    let others = found.steps.iter().filter(|step| step.groups != chosen.groups);
    chosen.proved && others.into_iter().all(no_better)
}

/// The coefficients of each arm's group.
fn refitted(moments: &[Moments], groups: &Groups) -> Array2<f64> {
    let p = moments[0].cross.len();
    let fit = |arms: &Vec<usize>| Moments::pooled(p, arms.iter().map(|&a| &moments[a])).fit();
    let fits: Vec<_> = groups.members().iter().map(fit).collect();
    Array2::from_shape_fn((moments.len(), p), |(a, j)| fits[groups.of[a]][j])
}

fn warnings(
    model: &ArmPartition,
    settings: &Settings,
    report: &Report<Partition>,
    groups: &Groups,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if let (Promise::Heuristic, Err(reason)) = (report.promise, Columns.accepts(model)) {
        warnings.push(format!("{reason}: these groups are a heuristic's, and not proved to be the best"));
    }
    let (count, arms) = (groups.count(), model.arms());
    match settings.choice {
        Choice::Groups(asked) if count < asked => warnings
            .push(format!("no partition into {asked} groups is better than this one; groups found: {count}")),
        Choice::Criterion(_) if count == MOST_GROUPS && arms > MOST_GROUPS => warnings.push(format!(
            "{MOST_GROUPS} groups, the most that are tried, were chosen; --groups M asks for more"
        )),
        _ => {}
    }
    warnings
}
