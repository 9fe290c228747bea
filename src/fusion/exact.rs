//! The number of groups as penalty: the best partitions, and what is chosen of them.

use ndarray::Array2;
use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use super::chosen::{At, Chosen, Kind, PathPoint, certified};
use super::partition::{self, MOST_GROUPS, Step, partition};
use super::{Choice, Criteria, Criterion, FusionError, Groups, Penalty, Posed, Settings, stability};
use crate::solve::partition::{Columns, Merging};
use crate::solve::registry::AUTO;
use crate::solve::{
    Observer, Options, Promise, Report, Silent, SolveError, Solver, TerminationStatus, solve,
};

/// Seconds in which the choice is to be proved where the user sets no limit; up to 16 arms take a fraction of one.
const LIMIT: f64 = 600.0;

/// The partition into the chosen number of groups.
pub(super) fn exact(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Chosen, FusionError> {
    let (moments, n) = (&posed.moments, posed.units());
    let choice = choice(settings.choice, posed.data.arms)?;
    let proving = [AUTO, Columns.name()].contains(&settings.solver.as_str());
    let time_limit = settings.options.time_limit.or(proving.then_some(LIMIT));
    let options = Options { time_limit, ..settings.options.clone() };
    let path = Options { time_limit: time_limit.filter(|_| proving), ..options.clone() };
    let mut found = partition(moments, n, choice, &path, observer)?;
    let step = &mut found.steps[found.chosen];
    let model = ArmPartition::new(moments.clone(), step.groups).map_err(SolveError::from)?;
    let report = match found.report.take() {
        Some(report) => report,
        None => certified(&model, &step.of, settings, &options, observer)?,
    };
    improve(step, &report, moments, n);
    let most = step.groups;
    let groups = Groups { of: step.of.clone() };
    let shares = stability(&posed.data, settings, |sample, _| {
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
        kind: Kind::Partition {
            proved: found.choice_proved || matches!(choice, partition::Choice::Groups(_)) && step.proved,
        },
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

/// What the certified solve found beyond the path.
fn improve(step: &mut Step, report: &Report<Partition>, moments: &[Moments], n: usize) {
    if let (Some(of), Some(rss)) = (&report.point, report.objective_value)
        && rss <= step.rss
    {
        let Criteria { ebic, bic, .. } = Criteria::of(moments, n, rss, step.groups);
        *step = Step { of: of.clone(), rss, ebic, bic, ..step.clone() };
    }
    step.bound = report.objective_bound.map_or(step.bound, |bound| bound.max(step.bound));
    step.proved |= report.termination_status == TerminationStatus::Optimal;
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
