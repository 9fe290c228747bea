//! Partitions of arms into groups that share one least-squares fit.
//!
//! | file | what | promise |
//! |---|---|---|
//! | [`subsets`] | recursion over the subsets of up to 16 arms | exact |
//! | [`columns`] | set partitioning, columns priced by branch and bound over coefficients | exact |
//! | [`merging`] | Ward merging, then exchanges to a local optimum | heuristic |

pub mod columns;
pub mod merging;
mod price;
pub mod subsets;

pub use columns::Columns;
pub use merging::Merging;
pub use subsets::SubsetRecursion;

use prescribe_models::Model;
use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use super::{Observer, Options, Report, SolveError, solve_started};

/// The best partition into at most `groups` groups: by recursion over subsets where there are few arms, else by columns, from the
/// heuristic's answer, until proved or until the time is over.
pub fn best(
    moments: &[Moments],
    groups: usize,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<Partition>, SolveError> {
    let model = ArmPartition::new(moments.to_vec(), groups)?;
    match moments.len() <= subsets::MOST_ARMS {
        true => solve_started(&model, &SubsetRecursion, None, options, observer),
        false if columns::accepts(&model).is_ok() => solve_started(&model, &Columns, None, options, observer),
        false => super::solve(&model, &Merging, None, options, observer),
    }
}

/// A partition for one number of groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The most groups.
    pub groups: usize,
    pub of: Partition,
    /// Of the groups' own fits.
    pub rss: f64,
    /// No partition into so many groups has a smaller RSS than this.
    pub bound: f64,
    pub proved: bool,
}

/// The partitions for 1, 2, .. `most` groups. Up to 16 arms one recursion proves them all; with more, the heuristic finds
/// them, and within a time limit, of which each gets an equal share, columns improve and bound them.
pub fn path(
    moments: &[Moments],
    most: usize,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<Step>, SolveError> {
    let arms = moments.len();
    let most = most.min(arms);
    let model = ArmPartition::new(moments.to_vec(), most.max(1))?;
    if arms <= subsets::MOST_ARMS {
        let step = |(g, (of, rss))| Step { groups: g + 1, of, rss, bound: rss, proved: true };
        return Ok(subsets::every(&model).into_iter().enumerate().map(step).collect());
    }
    let floor = model.trivial_bound();
    let mut steps = Vec::new();
    for (g, (of, rss)) in merging::every(&model).into_iter().enumerate() {
        let groups = g + 1;
        steps.push(Step {
            groups,
            of,
            rss,
            bound: if groups == 1 { rss } else { floor },
            proved: groups == 1,
        });
    }
    if let Some(limit) = options.time_limit.filter(|_| columns::accepts(&model).is_ok()) {
        let share = Options { time_limit: Some(limit / most as f64), ..options.clone() };
        steps.iter_mut().skip(1).try_for_each(|step| prove(step, moments, &share, observer))?;
    }
    Ok(steps)
}

/// Improves and bounds a step by columns.
fn prove(
    step: &mut Step,
    moments: &[Moments],
    options: &Options,
    observer: &dyn Observer,
) -> Result<(), SolveError> {
    let model = ArmPartition::new(moments.to_vec(), step.groups)?;
    let report = super::solve(&model, &Columns, Some(&step.of), options, observer)?;
    if let (Some(of), Some(rss)) = (report.point, report.objective_value) {
        (step.of, step.rss) = (of, rss);
    }
    step.bound = report.objective_bound.unwrap_or(step.bound);
    step.proved = report.termination_status == super::TerminationStatus::Optimal;
    Ok(())
}

/// Refuses what a solver of partitions is not made for.
fn refuse(solver: &str, part: String, remedy: &str) -> super::Unsupported {
    super::Unsupported { solver: solver.into(), part, remedy: remedy.into() }
}

/// The start where it is a partition of the model.
fn usable<'p>(model: &ArmPartition, start: Option<&'p Partition>) -> Option<&'p Partition> {
    start.filter(|of| model.violations(of).is_empty())
}
